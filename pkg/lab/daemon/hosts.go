package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/machine"
)

// NewHost describes a physical host that is to be put into the rack.
type NewHost struct {
	Name     string   `json:"name"`
	CPUs     int      `json:"cpus"`
	MemoryMB int64    `json:"memoryMB"`
	MACs     []string `json:"macs,omitempty"` // empty: one card, made from the name
	// Controller is the profile of its management controller; empty: it has none.
	Controller string `json:"controller,omitempty"`
	host.Spec
}

// Host is a host as it is.
type Host struct {
	machine.Status
	CPUs     int      `json:"cpus"`
	MemoryMB int64    `json:"memoryMB"`
	MACs     []string `json:"macs"`
	host.Spec
	// Media and SecondMedia are the files of the media in the drives.
	Media       string `json:"media,omitempty"`
	SecondMedia string `json:"secondMedia,omitempty"`
	// BMC is its management controller, if it has one.
	BMC *BMC `json:"bmc,omitempty"`
}

// complete fills in what is missing.
func (n *NewHost) complete() error {
	if err := checkMachine(n.Name, n.CPUs, n.MemoryMB); err != nil {
		return err
	}
	if len(n.MACs) == 0 {
		n.MACs = []string{host.MAC(n.Name, 0)}
	}
	for i, mac := range n.MACs {
		var err error
		if n.MACs[i], err = host.CheckMAC(mac); err != nil {
			return err
		}
	}
	if n.Controller != "" { // hardware and its controller are of one vendor
		profile, err := vendor.Load(n.Controller)
		if err != nil {
			return err
		}
		n.Vendor, n.Product = cmp.Or(n.Vendor, profile.Manufacturer), cmp.Or(n.Product, profile.Model)
	}
	if len(n.Disks) == 0 {
		n.Disks = []host.Disk{{Size: host.DefaultDisk}}
	}
	return n.Spec.Complete(n.Name)
}

// createHost puts a host into the rack. It is off.
func (d *Daemon) createHost(ctx context.Context, n NewHost) (err error) {
	if err := n.complete(); err != nil {
		return err
	}
	d.making.Lock()
	defer d.making.Unlock()
	if err := d.unused(n.Name); err != nil {
		return err
	}
	if n.BMC = nil; n.Controller != "" {
		profile, err := vendor.Load(n.Controller)
		if err != nil {
			return err
		}
		if n.BMC, err = d.newBMC(profile); err != nil {
			return err
		}
	}
	hw := engine.Hardware{
		ID: host.ID("machine " + n.Name), Name: n.Name, CPUs: n.CPUs, MemoryMB: n.MemoryMB, Standalone: true, Host: &n.Spec,
	}
	for i, mac := range n.MACs {
		hw.NICs = append(hw.NICs, engine.NIC{ID: fmt.Sprintf("nic%d", i+1), MAC: mac, Network: "ovirtmgmt"})
	}
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("make host %s: %w", n.Name, err)
		for _, disk := range hw.Disks {
			err = errors.Join(err, d.volumes.Delete(context.WithoutCancel(ctx), disk.ID))
		}
	}()
	for i, disk := range n.Disks {
		id := fmt.Sprintf("disk-%s-%d", hw.ID, i+1)
		if err := d.volumes.Create(ctx, id, disk.Size); err != nil {
			return err
		}
		hw.Disks = append(hw.Disks, engine.Disk{ID: id, Interface: "virtio_scsi", Bootable: true, Active: true})
	}
	if err := d.machines.Define(hw); err != nil {
		return err
	}
	if err := d.startBMC(ctx, hw.ID, hw.Name, n.BMC); err != nil {
		return errors.Join(err, d.machines.Remove(context.WithoutCancel(ctx), hw.ID))
	}
	return nil
}

// unused reports an error if there is a machine of a name.
func (d *Daemon) unused(name string) error {
	for _, m := range d.machines.List() {
		if m.Name == name {
			return fmt.Errorf("there is a machine %s already", name)
		}
	}
	return nil
}

// hosts lists the hosts.
func (d *Daemon) hosts() []Host {
	list := []Host{}
	for _, m := range d.machines.List() {
		if !m.Host {
			continue
		}
		hw, _ := d.machines.Hardware(m.ID)
		h := Host{Status: m, CPUs: hw.CPUs, MemoryMB: hw.MemoryMB, Spec: *hw.Host}
		for _, n := range hw.NICs {
			h.MACs = append(h.MACs, n.MAC)
		}
		if hw.Media != nil {
			h.Media = hw.Media.ISO
		}
		h.BMC = d.bmc(m.ID, hw.Host.BMC)
		if hw.SecondMedia != nil {
			h.SecondMedia = hw.SecondMedia.ISO
		}
		list = append(list, h)
	}
	return list
}

func (d *Daemon) findHost(name string) (machine.Status, error) {
	m, err := d.find(name)
	if err == nil && !m.Host {
		err = fmt.Errorf("machine %s is not a host", name)
	}
	return m, err
}

// power presses a button of a host.
func (d *Daemon) power(ctx context.Context, name, action string) error {
	m, err := d.findHost(name)
	if err != nil {
		return err
	}
	switch action {
	case "on":
		return d.pressAlone(ctx, m.ID, "start")
	case "off":
		return d.machines.PowerOff(ctx, m.ID)
	case "cycle":
		if err := d.machines.PowerOff(ctx, m.ID); err != nil {
			return err
		}
		return d.pressAlone(ctx, m.ID, "start")
	case "shutdown":
		return d.machines.Shutdown(ctx, m.ID)
	case "reset":
		return d.machines.Reset(ctx, m.ID)
	}
	return fmt.Errorf("unknown action %q; use on, off, cycle, shutdown or reset", action)
}

// BootSettings are those of a host's firmware.
type BootSettings struct {
	Order []host.Source `json:"order,omitempty"` // empty: as it is
	Once  host.Source   `json:"once,omitempty"`
}

// setBoot changes where a host looks for a system from its next start on.
func (d *Daemon) setBoot(name string, b BootSettings) error {
	m, err := d.findHost(name)
	if err != nil {
		return err
	}
	return d.machines.Change(m.ID, func(hw *engine.Hardware) error {
		if b.Once != "" {
			if err := b.Once.Check(); err != nil {
				return err
			}
			hw.Host.Once = b.Once
		}
		if len(b.Order) > 0 {
			hw.Host.Order = slices.Clone(b.Order)
		}
		return hw.Host.Complete(hw.Name)
	})
}

// Broken are faults that are added to a host's; none mends all.
type Broken struct {
	Faults []string `json:"faults"`
}

func (d *Daemon) breakHost(ctx context.Context, name string, b Broken) error {
	m, err := d.findHost(name)
	if err != nil {
		return err
	}
	for _, fault := range b.Faults {
		if isBMCFault(fault) || fault == "none" {
			if err := d.breakBMC(ctx, m.ID, fault); err != nil {
				return err
			}
		}
		if isBMCFault(fault) {
			continue
		}
		if err := d.machines.Break(ctx, m.ID, fault); err != nil {
			return err
		}
	}
	return nil
}

// hostRoutes are the requests for hosts.
func (d *Daemon) hostRoutes(handle func(string, func(*http.Request) (any, error)), order orderFunc) {
	handle("GET /hosts", func(*http.Request) (any, error) { return d.hosts(), nil })
	order("POST /hosts", decoded(d.createHost))
	order("DELETE /hosts/{name}", func(r *http.Request) error {
		if _, err := d.findHost(r.PathValue("name")); err != nil {
			return err
		}
		return d.remove(r.Context(), r.PathValue("name"))
	})
	order("POST /hosts/{name}/power/{action}", func(r *http.Request) error {
		return d.power(r.Context(), r.PathValue("name"), r.PathValue("action"))
	})
	order("PUT /hosts/{name}/boot", func(r *http.Request) error {
		return decoded(func(_ context.Context, b BootSettings) error { return d.setBoot(r.PathValue("name"), b) })(r)
	})
	order("PUT /hosts/{name}/faults", func(r *http.Request) error {
		return decoded(func(ctx context.Context, b Broken) error { return d.breakHost(ctx, r.PathValue("name"), b) })(r)
	})
	order("PUT /hosts/{name}/media", func(r *http.Request) error {
		return decoded(func(ctx context.Context, m Medium) error { return d.insert(ctx, r.PathValue("name"), m) })(r)
	})
	order("DELETE /hosts/{name}/media/{slot}", func(r *http.Request) error {
		slot, err := strconv.Atoi(r.PathValue("slot"))
		if err != nil {
			return fmt.Errorf("drive %q: %w", r.PathValue("slot"), err)
		}
		return d.ejectMedia(r.PathValue("name"), slot)
	})
}
