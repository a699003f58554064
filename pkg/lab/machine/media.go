package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/loop"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// device is what a machine starts from.
type device struct {
	volume.Bootable
	// live: it is a medium. What the machine writes to its root is lost with
	// the power.
	live bool
	// initramfs of a live system of its own; nil for all others.
	initramfs *initramfs
	// drives have media that the system sees.
	drives []optical
	// disks are the machine's disks as block devices, in their order. Only live
	// systems and hosts have them.
	disks []block
}

const (
	// liveDir is what a live system wrote.
	liveDir = "live"
	// liveImage is where a live system finds the image that it installs.
	liveImage = "/run/media/iso/images/scos-lab.raw"
)

// initramfs is how a live system is started that prepares itself.
type initramfs struct {
	cmdline string // for the kernel
	// rootIn is the file with the root, at root in it; empty if it is to be fetched.
	rootIn string
	root   firmware.Root
}

// insert starts with the medium in the drive.
func (m *machine) insert(ctx context.Context) (device, error) {
	iso, err := m.isoOf(m.hw.Media)
	if err != nil {
		return device{}, err
	}
	if iso != "" {
		return m.insertISO(ctx, iso)
	}
	b, err := m.sup.cfg.Disks.Boot(m.hw.Media.Volume)
	if err != nil {
		return device{}, fmt.Errorf("read medium: %w", err)
	}
	dev := device{Bootable: b, live: true}
	dev.Writes = filepath.Join(m.dir, liveDir)
	if err := os.RemoveAll(dev.Writes); err != nil {
		return device{}, fmt.Errorf("clear live system: %w", err)
	}
	return dev, nil
}

// isoOf is the file of the ISO image that is in a drive, empty if there is none.
func (m *machine) isoOf(medium *engine.Media) (string, error) {
	switch {
	case medium == nil:
		return "", nil
	case medium.Disk == "":
		return medium.ISO, nil
	}
	b, err := m.sup.cfg.Disks.Boot(medium.Disk) // its path matters, not whether it can be started as a disk
	if b.Image == "" {
		return "", fmt.Errorf("read medium: %w", err)
	}
	if _, err := os.Stat(b.Image); err != nil {
		return "", fmt.Errorf("read medium: disk %s has no content", medium.Disk)
	}
	return b.Image, nil
}

// detach drops what a live system wrote and takes the disks from the machine.
// It does not rely on memory: the machine may have been started by an earlier
// daemon.
func (m *machine) detach(ctx context.Context) error {
	errs := []error{os.RemoveAll(filepath.Join(m.dir, liveDir)), os.RemoveAll(filepath.Join(m.dir, mediumDir))}
	mine := map[string]bool{}
	for _, d := range m.hw.Disks {
		b, err := m.sup.cfg.Disks.Boot(d.ID) // its path matters, not whether it can be started
		if b.Image != "" {
			mine[b.Image] = true
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, loop.Detach(ctx, func(file string) bool {
		return mine[file] || within(file, m.dir)
	}))
	for _, d := range m.hw.Disks {
		if err := m.sup.cfg.Disks.Settle(d.ID); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
