// Package loop makes files block devices.
package loop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// Device is a loop device of this computer.
type Device struct {
	Node string // /dev/loop0
	// File is what it was made from, or the name of a dead device.
	File string
}

// Attach makes a file a block device, with options of losetup.
func Attach(ctx context.Context, file string, options ...string) (node string, err error) {
	argv := append([]string{"--find", "--show"}, options...)
	if node, err = command.Run(ctx, "losetup", append(argv, "--", file)...); err != nil {
		return "", fmt.Errorf("make %s a block device: %w", file, err)
	}
	return node, nil
}

// memory is what the kernel puts before the name of a file without a directory.
const memory = "/memfd:"

// AttachDead makes a block device of that size on which every access fails: the file
// that it was made from has shrunk to nothing, and cannot grow.
func AttachDead(ctx context.Context, name string, size int64) (node string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make dead block device: %w", err)
		}
	}()
	fd, err := unix.MemfdCreate(name, unix.MFD_ALLOW_SEALING)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, size); err != nil {
		return "", err
	}
	if node, err = Attach(ctx, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)); err != nil {
		return "", err
	}
	if err = unix.Ftruncate(fd, 0); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	return node, err
}

// List lists the devices that are in use.
func List(ctx context.Context) ([]Device, error) {
	out, err := command.Run(ctx, "losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE")
	if err != nil {
		return nil, fmt.Errorf("list loop devices: %w", err)
	}
	var list []Device
	for line := range strings.Lines(out) {
		node, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, Device{node, strings.TrimPrefix(file, memory)})
	}
	return list, nil
}

// Detach frees the devices of the files that match is true for. What was written to
// them is in the files then. A device in use is freed when it is not any more.
func Detach(ctx context.Context, match func(file string) bool) error {
	list, err := List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range list {
		if !match(d.File) {
			continue
		}
		if err := flush(d.Node); err != nil && !errors.Is(err, unix.EIO) { // a dead one
			errs = append(errs, fmt.Errorf("detach %s: %w", d.Node, err))
		}
		if _, err := command.Run(ctx, "losetup", "--detach", d.Node); err != nil {
			errs = append(errs, fmt.Errorf("detach %s: %w", d.Node, err))
		}
	}
	return errors.Join(errs...)
}

func flush(node string) error {
	f, err := os.Open(node)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Number is that of a device.
func Number(node string) (major, minor uint32, err error) {
	var st unix.Stat_t
	if err := unix.Stat(node, &st); err != nil {
		return 0, 0, fmt.Errorf("look at %s: %w", node, err)
	}
	return unix.Major(st.Rdev), unix.Minor(st.Rdev), nil
}
