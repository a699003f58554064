package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

// block is a block device of the machine.
type block struct {
	at   string // in the machine: /dev/sda
	node string // of this computer: a loop device
}

// attach makes the machine's disks block devices. A system that was started from
// a disk sees this disk, too, but must not write to it beside its file system.
func (m *machine) attach(ctx context.Context, dev *device) error {
	if !dev.live && m.hw.Host == nil {
		return nil
	}
	for i, d := range m.hw.Disks {
		if !d.Active {
			continue
		}
		at := "/dev/" + host.DiskName(i)
		if m.dead(i) {
			node, err := m.deadLoop(ctx, host.DiskName(i), m.hw.Host.Disks[i].Size)
			if err != nil {
				return err
			}
			dev.disks = append(dev.disks, block{at, node})
			continue
		}
		var option, image string
		if b, err := m.sup.cfg.Disks.Boot(d.ID); err == nil && !dev.live && b.Image == dev.Image {
			option, image = "--read-only", b.Image
		} else if image, err = m.sup.cfg.Disks.Raw(d.ID); err != nil {
			return err
		}
		node, err := loop(ctx, image, option)
		if err != nil {
			return fmt.Errorf("attach disk: %w", err)
		}
		dev.disks = append(dev.disks, block{at, node})
	}
	if m.hw.Media == nil || m.hw.Media.ISO == "" {
		return nil
	}
	err := m.closeTray(ctx, dev)
	if err != nil && !dev.live {
		m.note("the drive cannot be used: %v", err)
		return nil
	}
	return err
}

// loop makes a file a block device.
func loop(ctx context.Context, file string, options ...string) (string, error) {
	argv := []string{"--find", "--show"}
	for _, o := range options {
		if o != "" {
			argv = append(argv, o)
		}
	}
	return command.Run(ctx, "losetup", append(argv, "--", file)...)
}

// detachLoops frees the loop devices of the files that match is true for, and
// sees to it that what was written to them is in the files.
func detachLoops(ctx context.Context, match func(file string) bool) error {
	list, err := loops(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range list {
		if !match(l.file) {
			continue
		}
		if err := flush(l.node); err != nil && !errors.Is(err, unix.EIO) { // a dead disk
			errs = append(errs, fmt.Errorf("detach disk: %w", err))
		}
		if _, err := command.Run(ctx, "losetup", "--detach", l.node); err != nil {
			errs = append(errs, fmt.Errorf("detach disk: %w", err))
		}
	}
	return errors.Join(errs...)
}

// attached is a loop device of this computer.
type attached struct{ node, file string }

func loops(ctx context.Context) ([]attached, error) {
	out, err := command.Run(ctx, "losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE")
	if err != nil {
		return nil, fmt.Errorf("list loop devices: %w", err)
	}
	var list []attached
	for line := range strings.Lines(out) {
		node, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, attached{node, backing(file)})
	}
	return list, nil
}

func flush(node string) error {
	f, err := os.Open(node)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// within reports whether a file is below a directory.
func within(file, dir string) bool { return strings.HasPrefix(file, dir+"/") }

// hardwareDir has the description of a host's hardware.
func (m *machine) hardwareDir() string { return filepath.Join(m.dir, "hardware") }

// number is that of the device.
func (b block) number() (host.Node, error) {
	var st unix.Stat_t
	if err := unix.Stat(b.node, &st); err != nil {
		return host.Node{}, fmt.Errorf("look at %s: %w", b.node, err)
	}
	return host.Node{Major: unix.Major(st.Rdev), Minor: unix.Minor(st.Rdev)}, nil
}

// inside are nspawn's arguments for what a system sees of its hardware.
func (m *machine) inside(dev device) []string {
	var argv []string
	if m.hw.Host != nil {
		argv = host.Arguments(m.hardwareDir())
	}
	if dev.live && !dev.iso {
		argv = append(argv, "--bind-ro="+dev.Image+":"+liveImage)
	}
	if dev.drive != nil {
		argv = append(argv, "--bind="+dev.drive.node+":"+dev.drive.at)
	}
	for _, d := range dev.disks {
		argv = append(argv, "--bind="+d.node+":"+d.at)
	}
	return argv
}
