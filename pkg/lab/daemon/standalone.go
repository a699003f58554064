package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/osimage"
)

// NewMachine describes a machine that is made without the engine. It stands for
// hardware, or for any virtualization, that the installer does not support.
type NewMachine struct {
	Name     string `json:"name"`
	CPUs     int    `json:"cpus"`
	MemoryMB int64  `json:"memoryMB"`
	DiskGB   int64  `json:"diskGB"`
	MAC      string `json:"mac,omitempty"` // empty: made from the name
	// Ignition is what the machine starts with at its first boot: handed over
	// with the disk or, for a live machine, embedded in the medium.
	Ignition []byte `json:"ignition,omitempty"`
	// Live machines have an empty disk and start from a medium with the OS.
	Live bool `json:"live,omitempty"`
	// Bare machines lack what the release's node image brings.
	Bare bool `json:"bare,omitempty"`
}

var machineName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

// checkMachine refuses what is no machine.
func checkMachine(name string, cpus int, memory int64) error {
	if !machineName.MatchString(name) {
		return fmt.Errorf("machine name %q: use at most 63 lower-case letters, digits, dots and dashes", name)
	}
	if cpus < 1 || cpus > 512 || memory < 1 || memory > 4<<20 {
		return errors.New("a machine needs 1 to 512 CPUs, and memory of at most 4 TiB")
	}
	return nil
}

func (n *NewMachine) check() (err error) {
	if err := checkMachine(n.Name, n.CPUs, n.MemoryMB); err != nil {
		return err
	}
	if n.DiskGB < 1 {
		return errors.New("a machine needs a disk")
	}
	if n.Live && n.Bare {
		return errors.New("a live machine installs the system that it has; a bare one would not be a node")
	}
	if n.MAC == "" {
		n.MAC = host.MAC(n.Name, 0)
	}
	n.MAC, err = host.CheckMAC(n.MAC)
	return err
}

// create makes a machine and switches it on.
func (d *Daemon) create(ctx context.Context, n NewMachine) (err error) {
	if err := n.check(); err != nil {
		return err
	}
	d.making.Lock() // two of one name, and the system's volume
	defer d.making.Unlock()
	if err := d.unused(n.Name); err != nil {
		return err
	}
	image := d.facts.Image.Dir
	if n.Bare {
		if image = d.facts.Image.Bare; image == "" {
			return errors.New("this lab has no bare OS image; take it down, and start it again after okd-lab setup --bare")
		}
	}
	system, err := d.systemVolume(ctx, image)
	if err != nil {
		return err
	}
	hw := engine.Hardware{
		ID: uuid.NewString(), Name: n.Name, CPUs: n.CPUs, MemoryMB: n.MemoryMB, Standalone: true,
		NICs: []engine.NIC{{ID: "nic1", MAC: n.MAC, Network: "ovirtmgmt"}},
	}
	disk := "disk-" + hw.ID
	hw.Disks = []engine.Disk{{ID: disk, Interface: "virtio_scsi", Bootable: true, Active: true}}
	if n.Live {
		hw.Media = &engine.Media{Volume: system, Ignition: n.Ignition}
		err = d.volumes.Create(ctx, disk, n.DiskGB<<30)
	} else {
		hw.UserData = n.Ignition
		err = d.volumes.Clone(ctx, system, disk)
	}
	if err == nil {
		err = d.machines.Start(ctx, hw)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make machine %s: %w", n.Name, err), d.volumes.Delete(context.WithoutCancel(ctx), disk))
	}
	return nil
}

// systemVolume is an OS image as a volume that others are copies of.
func (d *Daemon) systemVolume(ctx context.Context, dir string) (string, error) {
	id := "os-" + filepath.Base(dir)
	if _, err := d.volumes.Boot(id); err == nil {
		return id, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.Open(osimage.Image{Dir: dir}.Disk())
	if err != nil {
		return "", fmt.Errorf("open OS image: %w", err)
	}
	defer f.Close()
	// Under another name until it is whole.
	tmp := id + "-new"
	err = errors.Join(d.volumes.Delete(ctx, tmp), d.volumes.Create(ctx, tmp, 1<<30))
	if err == nil {
		_, err = d.volumes.Write(ctx, tmp, 0, f)
	}
	if err == nil {
		_, err = d.volumes.Commit(ctx, tmp, "cow")
	}
	if err == nil {
		err = d.volumes.Clone(ctx, tmp, id)
	}
	if err = errors.Join(err, d.volumes.Delete(context.WithoutCancel(ctx), tmp)); err != nil {
		return "", fmt.Errorf("unpack OS image: %w", err)
	}
	return id, nil
}

// remove removes a machine that create made, with its disk.
func (d *Daemon) remove(ctx context.Context, name string) error {
	m, err := d.find(name)
	if err != nil {
		return err
	}
	if !m.Standalone {
		return fmt.Errorf("machine %s is the engine's; remove its virtual machine there", name)
	}
	hw, _ := d.machines.Hardware(m.ID)
	if hw.Host != nil {
		d.stopBMC(ctx, m.ID, hw.Host.BMC)
	}
	if err := d.machines.Remove(ctx, m.ID); err != nil {
		return err
	}
	var errs []error
	for _, medium := range []*engine.Media{hw.Media, hw.SecondMedia} {
		if medium != nil && medium.ISO != "" {
			errs = append(errs, os.Remove(medium.ISO))
		}
	}
	for _, disk := range hw.Disks {
		errs = append(errs, d.volumes.Delete(ctx, disk.ID))
	}
	return errors.Join(errs...)
}

// pressAlone presses a button of a machine that is not the engine's.
func (d *Daemon) pressAlone(ctx context.Context, id, action string) error {
	switch action {
	case "start":
		hw, ok := d.machines.Hardware(id)
		if !ok {
			return fmt.Errorf("machine %s does not exist any more", id)
		}
		return d.machines.Start(ctx, hw)
	case "stop":
		return d.machines.PowerOff(ctx, id)
	}
	return d.machines.Shutdown(ctx, id)
}
