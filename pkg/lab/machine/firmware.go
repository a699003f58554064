package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/firmware"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/uplink"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// boot goes from reset to the end of the system.
func (m *machine) boot(ctx context.Context) outcome {
	if err := m.takeNext(); err != nil {
		m.note("cannot keep settings: %v", err)
		return halted
	}
	m.note("power is on: %s, %d CPUs, %d MiB", m.hw.Name, m.hw.CPUs, m.hw.MemoryMB)
	if err := m.setLinks(ctx, m.hw); err != nil {
		m.note("cannot set the links of the network cards: %v", err)
		return halted
	}
	dev, err := m.bootDevice(ctx)
	if err != nil {
		m.note("no bootable device: %v", err)
		return halted
	}
	// A left-over control group would make the kubelet look at every dead
	// container of the last run before it starts one.
	if err := errors.Join(m.group().Kill(ctx), m.group().Remove(ctx), m.group().Create(), m.slowDown(ctx)); err != nil {
		m.note("cannot prepare: %v", err)
		return halted
	}
	if err := m.mountRoot(ctx, dev); err != nil {
		if ctx.Err() == nil {
			m.note("cannot read the system: %v", err)
		}
		return halted
	}
	m.setState(engine.StateUp) // from here on it is the disk's own system that runs
	if err := m.firstBoot(ctx, dev); err != nil {
		if ctx.Err() == nil {
			m.note("emergency mode: %v", err)
		}
		return halted
	}
	return m.runSystem(ctx, dev)
}

func (m *machine) setState(to engine.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == engine.StateStarting {
		m.state = to
	}
}

// bootDevice finds a system where the firmware is told to look, by default on
// the disks and then on the medium.
func (m *machine) bootDevice(ctx context.Context) (device, error) {
	order := host.DefaultOrder()
	if h := m.hw.Host; h != nil {
		order = h.Order
		if h.Once != "" {
			order = append([]host.Source{h.Once}, order...)
		}
	}
	var tried []error
	for _, source := range order {
		var dev device
		var err error
		switch {
		case source == host.FromDisk:
			dev.Bootable, err = m.bootDisk()
		case source == host.FromNetwork:
			dev, err = m.netboot(ctx)
		case m.hw.Media == nil:
			err = errors.New("there is no medium")
		default:
			m.note("starting from the medium")
			dev, err = m.insert(ctx)
		}
		if err == nil {
			return dev, m.attach(ctx, &dev)
		}
		tried = append(tried, err)
	}
	return device{}, errors.Join(tried...)
}

// bootDisk picks the first bootable disk with a system on it.
func (m *machine) bootDisk() (volume.Bootable, error) {
	var tried []error
	for i, d := range m.hw.Disks {
		if !d.Bootable || !d.Active {
			continue
		}
		if m.dead(i) {
			tried = append(tried, fmt.Errorf("disk %s: %w", host.DiskName(i), unix.EIO))
			continue
		}
		if err := m.sup.cfg.Disks.Settle(d.ID); err != nil {
			return volume.Bootable{}, err
		}
		b, err := m.sup.cfg.Disks.Boot(d.ID)
		if err == nil {
			return b, nil
		}
		tried = append(tried, err)
	}
	if tried == nil {
		return volume.Bootable{}, errors.New("there is no bootable disk")
	}
	return volume.Bootable{}, errors.Join(tried...)
}

// firstBootMark is in the image and goes when Ignition has done its work; the
// file is the same on Fedora CoreOS.
const firstBootMark = "boot/ignition.firstboot"

// uplink is what the machine's initramfs has for a network.
func (m *machine) uplink() uplink.Uplink {
	u := uplink.Uplink{Namespace: m.namespace(), Clock: m.sup.cfg.Clock, Note: m.note}
	for _, c := range m.cables() {
		u.Cards = append(u.Cards, firmware.Card{Name: c.Interface, MAC: c.MAC})
	}
	return u
}

// firstBoot configures the system if it has never been started, which is true
// of a live system each time.
func (m *machine) firstBoot(ctx context.Context, dev device) error {
	if dev.initramfs != nil {
		return m.prepareLive(ctx, dev)
	}
	mark := filepath.Join(m.root(), firstBootMark)
	if _, err := os.Stat(mark); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	network := m.uplink()
	resolver, err := network.Up(ctx, m.root())
	if err != nil {
		return err
	}
	config, err := m.config(dev)
	if err != nil {
		return err
	}
	if err := m.ignite(ctx, resolver, config); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(m.root(), installedConfig)); err != nil { // it holds secrets
		return err
	}
	if err := network.Down(ctx); err != nil {
		return err
	}
	if err := m.writeMachineID(); err != nil {
		return err
	}
	return os.Remove(mark)
}

// machineID is the VM's ID, so that the node's system UUID is, too.
func (m *machine) machineID() string { return strings.ReplaceAll(m.hw.ID, "-", "") }

// writeMachineID names the system. Without a name, systemd would ask for a locale
// and a password on the console.
func (m *machine) writeMachineID() error {
	err := os.WriteFile(filepath.Join(m.root(), "etc/machine-id"), []byte(m.machineID()+"\n"), 0o444)
	if err != nil {
		return fmt.Errorf("write machine id: %w", err)
	}
	return nil
}
