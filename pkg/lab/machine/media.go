package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// device is what a machine starts from.
type device struct {
	volume.Bootable
	// live: it is a medium. What the machine writes to its root is lost with
	// the power, and its disks are block devices: path in the machine to loop
	// device of this host.
	live  bool
	disks map[string]string
}

const (
	// liveDir is what a live system wrote.
	liveDir = "live"
	// liveImage is where a live system finds the image that it installs.
	liveImage = "/run/media/iso/images/scos-lab.raw"
)

// insert starts with the medium in the drive.
func (m *machine) insert(ctx context.Context) (device, error) {
	b, err := m.sup.cfg.Disks.Boot(m.hw.Media.Volume)
	if err != nil {
		return device{}, fmt.Errorf("read medium: %w", err)
	}
	dev := device{Bootable: b, live: true, disks: map[string]string{}}
	dev.Writes = filepath.Join(m.dir, liveDir)
	if err := os.RemoveAll(dev.Writes); err != nil {
		return device{}, fmt.Errorf("clear live system: %w", err)
	}
	for i, d := range m.hw.Disks {
		if !d.Active {
			continue
		}
		image, err := m.sup.cfg.Disks.Raw(d.ID)
		if err != nil {
			return device{}, err
		}
		at := fmt.Sprintf("/dev/sd%c", 'a'+i)
		if dev.disks[at], err = command.Run(ctx, "losetup", "--find", "--show", "--", image); err != nil {
			return device{}, fmt.Errorf("attach disk: %w", err)
		}
	}
	return dev, nil
}

// inside are nspawn's arguments for what a live system sees of its hardware.
func (d device) inside() []string {
	if !d.live {
		return nil
	}
	argv := []string{"--bind-ro=" + d.Image + ":" + liveImage}
	for at, node := range d.disks {
		argv = append(argv, "--bind="+node+":"+at)
	}
	slices.Sort(argv)
	return argv
}

// eject drops what the live system wrote and gives its disks back. It does not
// rely on memory: the machine may have been started by an earlier daemon.
func (m *machine) eject(ctx context.Context) error {
	if m.hw.Media == nil {
		return nil
	}
	errs := []error{os.RemoveAll(filepath.Join(m.dir, liveDir))}
	for _, d := range m.hw.Disks {
		b, err := m.sup.cfg.Disks.Boot(d.ID) // its path matters, not whether it can be started
		if b.Image == "" {
			if !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
			continue
		}
		out, err := command.Run(ctx, "losetup", "--noheadings", "--output", "NAME", "--associated", b.Image)
		if err != nil {
			errs = append(errs, fmt.Errorf("look for loop devices of %s: %w", b.Image, err))
		}
		for node := range strings.FieldsSeq(out) {
			if _, err := command.Run(ctx, "losetup", "--detach", node); err != nil {
				errs = append(errs, fmt.Errorf("detach disk: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}
