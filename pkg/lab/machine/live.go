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

// A live system is started as by real firmware: its initramfs is unpacked and, in
// place of a kernel, runs in a container, where it prepares the root.

const (
	// mediumDir has ISOs and what was fetched while they are in use, and in lowerDir its root.
	mediumDir = "medium"
	isoFile   = "image-%d.iso"
	lowerDir  = "root"
	// initramfsDir is in liveDir.
	initramfsDir = "initramfs"
	// liveStage and fetchRootfs are the initramfs's own programs for this. See
	// docs/dev/agent.md and docs/dev/lab.md.
	liveStage   = "/usr/libexec/okd-lab/live-stage"
	fetchRootfs = "/usr/libexec/okd-lab/fetch-rootfs"
)

// optical is a drive with an ISO in it.
type optical struct {
	block
	label string
	size  int64
}

// lower is where the root of a live system with an initramfs is mounted, read-only.
func (m *machine) lower() string { return filepath.Join(m.dir, mediumDir, lowerDir) }

// take gives an ISO in a drive a name of the machine's own, so that it can be ejected
// while the system runs.
func (m *machine) take(drive int, iso string) (string, error) {
	path := filepath.Join(m.dir, mediumDir, fmt.Sprintf(isoFile, drive))
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.RemoveAll(path))
	if err == nil {
		err = os.Link(iso, path)
	}
	if err != nil {
		return "", fmt.Errorf("read medium: %w", err)
	}
	return path, nil
}

// insertISO starts with the live ISO in the first drive.
func (m *machine) insertISO(ctx context.Context, iso string) (device, error) {
	path, err := m.take(0, iso)
	if err != nil {
		return device{}, err
	}
	medium, err := firmware.Open(path)
	if err != nil {
		return device{}, err
	}
	defer medium.Close()
	dev, err := m.unpackLive(ctx, medium.Unpack)
	dev.initramfs = &initramfs{cmdline: medium.Cmdline}
	if medium.Root.Type != "" {
		dev.initramfs.rootIn, dev.initramfs.root = path, medium.Root
	}
	return dev, err
}

// unpackLive starts with an initramfs, where nothing is left of an earlier one.
func (m *machine) unpackLive(
	ctx context.Context, unpack func(ctx context.Context, dir string) ([]string, error),
) (device, error) {
	dev := device{live: true}
	dev.Writes = filepath.Join(m.dir, liveDir)
	if err := os.RemoveAll(dev.Writes); err != nil {
		return device{}, fmt.Errorf("clear live system: %w", err)
	}
	skipped, err := unpack(ctx, filepath.Join(dev.Writes, initramfsDir))
	if len(skipped) > 0 {
		m.note("initramfs without directories for %s", strings.Join(skipped, " "))
	}
	return dev, err
}

// mountLive mounts the root of a live system, which the initramfs fetches if it is
// not there.
func (m *machine) mountLive(ctx context.Context, dev device) error {
	path, root := dev.initramfs.rootIn, dev.initramfs.root
	if path == "" {
		var err error
		if path, err = m.fetchRoot(ctx, dev); err != nil {
			return err
		}
		if root, err = firmware.RootInFile(path); err != nil {
			return err
		}
	}
	node, err := loop.Attach(ctx, path, "--read-only", fmt.Sprintf("--offset=%d", root.Offset))
	if err == nil {
		err = os.MkdirAll(m.lower(), 0o700)
	}
	if err == nil {
		_, err = command.Run(ctx, "mount", "-t", root.Type, "-o", "ro", node, m.lower())
	}
	if err != nil {
		return fmt.Errorf("mount root of the live system: %w", err)
	}
	return nil
}

// closeTray makes the medium in a drive a block device of the machine.
func (m *machine) closeTray(ctx context.Context, drive int, iso string) (optical, error) {
	path, err := m.take(drive, iso)
	if err != nil {
		return optical{}, err
	}
	label, size, err := firmware.Volume(path)
	if err != nil {
		return optical{}, err
	}
	node, err := loop.Attach(ctx, path, "--read-only")
	return optical{block{fmt.Sprintf("/dev/sr%d", drive), node}, label, size}, err
}

// prepareLive runs the initramfs on the root that is mounted.
func (m *machine) prepareLive(ctx context.Context, dev device) error {
	err := m.runInitramfs(ctx, dev, liveStage, nil, "--bind="+m.root()+":/sysroot", "--setenv=NEWROOT=/sysroot",
		"--setenv=CMDLINE="+m.cmdline(dev), "--setenv=MACHINE_ID="+m.machineID())
	if err != nil {
		return err
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

// runInitramfs runs a program of the initramfs as on the machine, with arguments of
// systemd-nspawn.
func (m *machine) runInitramfs(ctx context.Context, dev device, program string, args []string, nspawn ...string) error {
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
	argv = append(append(append(argv, m.inside(dev)...), "--as-pid2", "--console=pipe"), nspawn...)
	argv = append(append(argv, "--", program), args...)
	cmd := exec.CommandContext(ctx, "sh", argv...)
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_LOCK=0")
	// The container would outlive nspawn for a while, with the console in its hands.
	cmd.Cancel = func() error { return m.group().Kill(context.WithoutCancel(ctx)) }
	cmd.WaitDelay = 5 * time.Second
	log := &withoutConfig{out: console}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initramfs: %s: %w", program, err)
	}
	return nil
}

// installedCmdline is that of a system on a disk.
const installedCmdline = "BOOT_IMAGE=(hd0,gpt3)/boot/vmlinuz root=/dev/sda4 rw ignition.platform.id=metal"

func (m *machine) cmdline(dev device) string {
	if dev.initramfs != nil {
		return dev.initramfs.cmdline
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
	for _, d := range dev.drives {
		n, err := d.number()
		if err != nil {
			return err
		}
		v.Opticals = append(v.Opticals, host.Optical{
			Name: filepath.Base(d.at), Node: n, Size: d.size, Label: d.label,
		})
	}
	return v.Write(m.hardwareDir())
}
