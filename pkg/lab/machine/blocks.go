package machine

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/loop"
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
			node, err := loop.AttachDead(ctx, filepath.Join(m.dir, host.DiskName(i)), m.hw.Host.Disks[i].Size)
			if err != nil {
				return err
			}
			dev.disks = append(dev.disks, block{at, node})
			continue
		}
		var options []string
		var image string
		if b, err := m.sup.cfg.Disks.Boot(d.ID); err == nil && !dev.live && b.Image == dev.Image {
			options, image = []string{"--read-only"}, b.Image
		} else if image, err = m.sup.cfg.Disks.Raw(d.ID); err != nil {
			return err
		}
		node, err := loop.Attach(ctx, image, options...)
		if err != nil {
			return err
		}
		dev.disks = append(dev.disks, block{at, node})
	}
	for i, medium := range []*engine.Media{m.hw.Media, m.hw.SecondMedia} {
		iso, err := m.isoOf(medium)
		if err == nil && iso == "" {
			continue
		}
		var drive optical
		if err == nil {
			drive, err = m.closeTray(ctx, i, iso)
		}
		if err != nil && dev.live {
			return err
		}
		if err != nil {
			m.note("drive %d cannot be used: %v", i+1, err)
			continue
		}
		dev.drives = append(dev.drives, drive)
	}
	return nil
}

// within reports whether a file is below a directory.
func within(file, dir string) bool { return strings.HasPrefix(file, dir+"/") }

// hardwareDir has the description of a host's hardware.
func (m *machine) hardwareDir() string { return filepath.Join(m.dir, "hardware") }

// number is that of the device.
func (b block) number() (host.Node, error) {
	major, minor, err := loop.Number(b.node)
	return host.Node{Major: major, Minor: minor}, err
}

// inside are nspawn's arguments for what a system sees of its hardware.
func (m *machine) inside(dev device) []string {
	var argv []string
	if m.hw.Host != nil {
		argv = host.Arguments(m.hardwareDir())
	}
	if dev.live && dev.initramfs == nil {
		argv = append(argv, "--bind-ro="+dev.Image+":"+liveImage)
	}
	for _, d := range dev.drives {
		argv = append(argv, "--bind="+d.node+":"+d.at)
	}
	for _, d := range dev.disks {
		argv = append(argv, "--bind="+d.node+":"+d.at)
	}
	return argv
}
