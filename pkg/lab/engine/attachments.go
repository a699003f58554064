package engine

import (
	"encoding/hex"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

func attachmentXML(a *model.Attachment, owner string) *api.DiskAttachment {
	return &api.DiskAttachment{
		Href: href(owner, "diskattachments", a.Disk), ID: a.Disk, Active: &a.Active, Bootable: &a.Bootable,
		Disk: &api.Disk{Href: href("disks", a.Disk), ID: a.Disk}, Interface: &a.Interface,
		PassDiscard: api.Ptr(false), ReadOnly: &a.ReadOnly,
	}
}

func (e *Engine) vmAttachments(c *call, vm *model.VM) []*api.DiskAttachment {
	var out []*api.DiskAttachment
	deep := c.follows("disk") || c.follows("diskattachments.disk")
	for _, a := range vm.Disks {
		x := attachmentXML(a, "vms/"+vm.ID)
		x.VM = api.To("vms", vm.ID)
		if d := e.st.Disks[a.Disk]; deep && d != nil {
			x.Disk = e.diskXML(d)
		}
		out = append(out, x)
	}
	return out
}

func listAttachments(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return list("disk_attachments", c.vmAttachments(c, vm))
}

func (c *call) attachment() (*model.VM, *model.Attachment, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, nil, err
	}
	for _, a := range vm.Disks {
		if a.Disk == c.id("disk") {
			return vm, a, nil
		}
	}
	return nil, nil, notFound()
}

func (c *call) showAttachment(vm *model.VM, id string) (any, error) {
	for _, x := range c.vmAttachments(c, vm) {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, notFound()
}

func getAttachment(c *call) (any, error) {
	vm, a, err := c.attachment()
	if err != nil {
		return nil, err
	}
	return c.showAttachment(vm, a.Disk)
}

func addAttachment(c *call) (any, error) {
	const action = "attach Virtual Disk"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	var in api.DiskAttachment
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Disk == nil || in.Interface == nil {
		return nil, incomplete("DiskAttachment [interface, disk]", "add")
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	a := &model.Attachment{Interface: *in.Interface, Bootable: api.Val(in.Bootable), Active: api.Val(in.Active), ReadOnly: api.Val(in.ReadOnly)}
	if err := c.attachable(action, vm, a); err != nil {
		return nil, err
	}
	id := in.Disk.ID
	if id == "" {
		// A disk described in full is made on the way.
		sub := *c
		if sub.body, err = marshal(in.Disk); err != nil {
			return nil, err
		}
		made, err := addDisk(&sub)
		if err != nil {
			return nil, err
		}
		id = made.(*api.Disk).ID
	} else {
		d, ok := c.st.Disks[id]
		if !ok {
			return nil, invalid("Cannot %s. The specified disk does not exist.", action)
		}
		if err := diskReady(action, d); err != nil {
			return nil, err
		}
		if d.Template != "" {
			return nil, conflict("Cannot %s. This disk is a part of a template.", action)
		}
		if user, _ := c.diskUser(id); user == vm || user != nil && !d.Shareable {
			return nil, conflict("Cannot %s. The disk %s is already attached to VM(s): %s.", action, d.Alias, user.Name)
		}
	}
	a.Disk = id
	vm.Disks = append(vm.Disks, a)
	c.done("Attaching Disk to VM %s", vm.Name)
	return c.showAttachment(vm, a.Disk)
}

func (c *call) attachable(action string, vm *model.VM, a *model.Attachment) error {
	switch a.Interface {
	case "ide", "sata", "virtio", "virtio_scsi", "spapr_vscsi":
	default:
		return invalid("Cannot %s. The disk interface %q is not supported.", action, a.Interface)
	}
	if vm.Status != model.VMDown && a.Active {
		if err := pluggable(action, vm, a); err != nil {
			return err
		}
	}
	for _, other := range vm.Disks {
		if a.Bootable && other.Bootable && other.Disk != a.Disk {
			return conflict("Cannot %s. Disk %s in VM %s is already marked as boot.", action, c.st.Disks[other.Disk].Alias, vm.Name)
		}
	}
	return nil
}

// pluggable refuses what a VM cannot get, or lose, while it runs: the engine
// plugs disks of VMs that are up, at the two interfaces that can. The lab's
// machines see a disk that was plugged in at their next start.
func pluggable(action string, vm *model.VM, a *model.Attachment) error {
	switch {
	case vm.Status != model.VMUp:
		return conflict("Cannot %s. VM is in status %s.", action, vm.Status)
	case a.Interface != "virtio" && a.Interface != "virtio_scsi":
		return conflict("Cannot %s. Hot plugging a disk is not supported for interface %s.", action, a.Interface)
	}
	return nil
}

func updateAttachment(c *call) (any, error) {
	const action = "edit Virtual Disk"
	vm, a, err := c.attachment()
	if err != nil {
		return nil, err
	}
	var in api.DiskAttachment
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	changed := *a
	set(&changed.Active, in.Active)
	set(&changed.Bootable, in.Bootable)
	set(&changed.Interface, in.Interface)
	set(&changed.ReadOnly, in.ReadOnly)
	plugged := changed
	plugged.Active = a.Active // activating and deactivating is plugging
	if vm.Status != model.VMDown && plugged != *a {
		return nil, conflict("Cannot %s. VM is running.", action)
	}
	if vm.Status != model.VMDown && a.Active && !changed.Active {
		if err := pluggable(action, vm, a); err != nil {
			return nil, err
		}
	}
	if err := c.attachable(action, vm, &changed); err != nil {
		return nil, err
	}
	if in.Disk != nil && (in.Disk.ProvisionedSize != nil || in.Disk.Alias != nil || in.Disk.Name != nil || in.Disk.Description != nil) {
		sub := *c
		sub.r = c.r.Clone(c.r.Context())
		sub.r.SetPathValue("id", a.Disk)
		if sub.body, err = marshal(in.Disk); err != nil {
			return nil, err
		}
		if _, err := updateDisk(&sub); err != nil {
			return nil, err
		}
	}
	*a = changed
	c.done("Editing Disk of VM %s", vm.Name)
	return c.showAttachment(vm, a.Disk)
}

func removeAttachment(c *call) (any, error) {
	const action = "detach Virtual Disk"
	vm, a, err := c.attachment()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if err := diskReady(action, c.st.Disks[a.Disk]); err != nil && c.st.Disks[a.Disk].Status == model.StatusLocked {
		return nil, err
	}
	if vm.Status != model.VMDown && vm.Status != model.VMUp {
		return nil, conflict("Cannot %s. VM is in status %s.", action, vm.Status)
	}
	if vm.Status != model.VMDown && a.Active {
		if err := pluggable(action, vm, a); err != nil {
			return nil, err
		}
	}
	if detachOnly := c.query.Get("detach_only"); detachOnly == "false" {
		if vm.Status != model.VMDown {
			return nil, conflict("Cannot %s. VM is running.", action)
		}
		sub := *c
		sub.r = c.r.Clone(c.r.Context())
		sub.r.SetPathValue("id", a.Disk)
		return removeDisk(&sub)
	}
	if c.st.Disks[a.Disk].Base != "" {
		return nil, conflict("Cannot %s. The disk is based on a Template and cannot be detached.", action)
	}
	detach(vm, a.Disk)
	c.done("Detaching Disk from VM %s", vm.Name)
	return complete(nil), nil
}

func detach(vm *model.VM, disk string) {
	vm.Disks = slices.DeleteFunc(vm.Disks, func(a *model.Attachment) bool { return a.Disk == disk })
}

// consoleID is how the engine names consoles: the protocol in hexadecimal.
func consoleID(protocol string) string { return hex.EncodeToString([]byte(protocol)) }

func consoles(vm *model.VM) []*api.GraphicsConsole {
	var out []*api.GraphicsConsole
	for _, protocol := range vm.Consoles {
		id := consoleID(protocol)
		out = append(out, &api.GraphicsConsole{Href: href("vms", vm.ID, "graphicsconsoles", id), ID: id, Protocol: protocol, VM: api.To("vms", vm.ID)})
	}
	return out
}

func listConsoles(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return list("graphics_consoles", consoles(vm))
}

func getConsole(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	for _, x := range consoles(vm) {
		if x.ID == c.id("console") {
			return x, nil
		}
	}
	return nil, notFound()
}

func removeConsole(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked("remove Graphics Device", vm); err != nil {
		return nil, err
	}
	for _, protocol := range vm.Consoles {
		if consoleID(protocol) == c.id("console") {
			vm.Consoles = without(vm.Consoles, protocol)
			c.done("Removing Graphics Device from VM %s", vm.Name)
			return complete(nil), nil
		}
	}
	return nil, notFound()
}

// reported is what the guest agent tells: one device per network card, all
// addresses on the first, because the lab's machines do not say more.
func (e *Engine) reported(vm *model.VM) []*api.ReportedDevice {
	if vm.Status != model.VMUp || vm.Stuck {
		return nil
	}
	addresses := e.machines.Addresses(vm.ID)
	if addresses == nil {
		return nil
	}
	var out []*api.ReportedDevice
	for i, n := range vm.NICs {
		d := &api.ReportedDevice{ID: n.ID, Href: href("vms", vm.ID, "reporteddevices", n.ID), Name: "eth" + string(rune('0'+i%10)),
			MAC: &api.MAC{Address: n.MAC}, Type: "network", VM: api.To("vms", vm.ID)}
		if i == 0 {
			var ips []api.IP
			for _, a := range addresses {
				version := "v4"
				if a.Is6() {
					version = "v6"
				}
				ips = append(ips, api.IP{Address: api.Ptr(a.String()), Version: &version})
			}
			d.IPs = api.Some(ips)
		}
		out = append(out, d)
	}
	return out
}

func listReportedDevices(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return list("reported_devices", c.reported(vm))
}
