package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/loop"
)

// A live ISO is started as by real firmware: its initramfs is unpacked and, in
// place of a kernel, runs in a container, where it prepares the root.

const (
	// mediumDir has the ISO while it is in use, and in lowerDir its root.
	mediumDir = "medium"
	isoFile   = "image.iso"
	lowerDir  = "root"
	// initramfsDir is in liveDir.
	initramfsDir = "initramfs"
	// liveStage is the initramfs's own program for this. See docs/dev/agent.md.
	liveStage = "/usr/libexec/okd-lab/live-stage"
)

// optical is the drive with an ISO in it.
type optical struct {
	block
	label   string
	size    int64
	cmdline string // for the kernel of its system
}

// lower is where the root of a live ISO is mounted, read-only.
func (m *machine) lower() string { return filepath.Join(m.dir, mediumDir, lowerDir) }

// openMedium reads the ISO in the drive. The machine has a name of its own for it,
// so that it can be ejected while the system runs.
func (m *machine) openMedium() (*firmware.Medium, string, error) {
	path := filepath.Join(m.dir, mediumDir, isoFile)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.RemoveAll(path))
	if err == nil {
		err = os.Link(m.hw.Media.ISO, path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read medium: %w", err)
	}
	medium, err := firmware.Open(path)
	return medium, path, err
}

// insertISO starts with the live ISO in the drive.
func (m *machine) insertISO(ctx context.Context) (device, error) {
	medium, path, err := m.openMedium()
	if err != nil {
		return device{}, err
	}
	defer medium.Close()
	dev := device{live: true, iso: true}
	dev.Writes = filepath.Join(m.dir, liveDir)
	if err := os.RemoveAll(dev.Writes); err != nil {
		return device{}, fmt.Errorf("clear live system: %w", err)
	}
	skipped, err := medium.Unpack(ctx, filepath.Join(dev.Writes, initramfsDir))
	if err != nil {
		return device{}, err
	}
	if len(skipped) > 0 {
		m.note("initramfs without directories for %s", strings.Join(skipped, " "))
	}
	node, err := loop.Attach(ctx, path, "--read-only", fmt.Sprintf("--offset=%d", medium.Root.Offset))
	if err == nil {
		err = os.MkdirAll(m.lower(), 0o700)
	}
	if err == nil {
		_, err = command.Run(ctx, "mount", "-t", medium.Root.Type, "-o", "ro", node, m.lower())
	}
	if err != nil {
		return device{}, fmt.Errorf("mount root of the medium: %w", err)
	}
	return dev, nil
}

// closeTray makes the medium in the drive a block device of the machine.
func (m *machine) closeTray(ctx context.Context, dev *device) error {
	medium, path, err := m.openMedium()
	if err != nil {
		return err
	}
	node, err := loop.Attach(ctx, path, "--read-only")
	if err != nil {
		return errors.Join(err, medium.Close())
	}
	dev.drive = &optical{block{"/dev/sr0", node}, medium.Label, medium.Size, medium.Cmdline}
	return medium.Close()
}

// prepareLive runs the initramfs on the root that is mounted.
func (m *machine) prepareLive(ctx context.Context, dev device) error {
	if err := m.describe(dev); err != nil {
		return err
	}
	console, err := m.console()
	if err != nil {
		return err
	}
	defer console.Close()
	argv := append([]string{"-c", launch, "okd-lab-firmware"}, m.group().Join()...)
	argv = append(append(argv, "--"), m.container(filepath.Join(dev.Writes, initramfsDir))...)
	argv = append(append(argv, m.inside(dev)...),
		"--as-pid2", "--console=pipe", "--bind="+m.root()+":/sysroot", "--setenv=NEWROOT=/sysroot",
		"--setenv=CMDLINE="+m.cmdline(dev), "--setenv=MACHINE_ID="+m.machineID(), "--", liveStage)
	cmd := exec.CommandContext(ctx, "sh", argv...)
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_LOCK=0")
	// The container would outlive nspawn for a while, with the console in its hands.
	cmd.Cancel = func() error { return m.group().Kill(context.WithoutCancel(ctx)) }
	cmd.WaitDelay = 5 * time.Second
	log := &withoutConfig{out: console}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initramfs: %s: %w", liveStage, err)
	}
	path := filepath.Join(m.root(), "etc/machine-id")
	id, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(bytes.TrimSpace(id)) > 0 {
		return nil
	}
	return m.writeMachineID()
}

// installedCmdline is that of a system on a disk.
const installedCmdline = "BOOT_IMAGE=(hd0,gpt3)/boot/vmlinuz root=/dev/sda4 rw ignition.platform.id=metal"

func (m *machine) cmdline(dev device) string {
	if dev.live && dev.drive != nil {
		return dev.drive.cmdline
	}
	return installedCmdline
}

// describe writes what the system of a host is going to see of its hardware.
func (m *machine) describe(dev device) error {
	if m.hw.Host == nil {
		return nil
	}
	v := host.View{Spec: *m.hw.Host, CPUs: m.hw.CPUs, MemoryMiB: m.hw.MemoryMB, Cmdline: m.cmdline(dev)}
	for _, c := range m.cables() {
		v.NICs = append(v.NICs, c.Interface)
	}
	for _, d := range dev.disks {
		n, err := d.number()
		if err != nil {
			return err
		}
		v.Nodes = append(v.Nodes, n)
	}
	if dev.drive != nil {
		n, err := dev.drive.number()
		if err != nil {
			return err
		}
		v.Optical = &host.Optical{Node: n, Size: dev.drive.size, Label: dev.drive.label}
	}
	return v.Write(m.hardwareDir())
}
