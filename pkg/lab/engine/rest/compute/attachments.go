package compute

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/storage"
)

func attachmentXML(a *model.Attachment, owner string) *api.DiskAttachment {
	return &api.DiskAttachment{
		Href: rest.Href(owner, "diskattachments", a.Disk), ID: a.Disk, Active: &a.Active, Bootable: &a.Bootable,
		Disk: &api.Disk{Href: rest.Href("disks", a.Disk), ID: a.Disk}, Interface: &a.Interface,
		PassDiscard: api.Ptr(false), ReadOnly: &a.ReadOnly,
	}
}

func vmAttachments(c *rest.Call, vm *model.VM) []*api.DiskAttachment {
	var out []*api.DiskAttachment
	deep := c.Follows("disk") || c.Follows("diskattachments.disk")
	for _, a := range vm.Disks {
		x := attachmentXML(a, "vms/"+vm.ID)
		x.VM = api.To("vms", vm.ID)
		if d := c.State.Disks[a.Disk]; deep && d != nil {
			x.Disk = storage.DiskXML(d)
		}
		out = append(out, x)
	}
	return out
}

func listAttachments(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("disk_attachments", vmAttachments(c, vm))
}

func attachmentOf(c *rest.Call) (*model.VM, *model.Attachment, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range vm.Disks {
		if a.Disk == c.ID("disk") {
			return vm, a, nil
		}
	}
	return nil, nil, refuse.NotFound()
}

func showAttachment(c *rest.Call, vm *model.VM, id string) (any, error) {
	for _, x := range vmAttachments(c, vm) {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, refuse.NotFound()
}

func getAttachment(c *rest.Call) (any, error) {
	vm, a, err := attachmentOf(c)
	if err != nil {
		return nil, err
	}
	return showAttachment(c, vm, a.Disk)
}

func addAttachment(c *rest.Call) (any, error) {
	const action = "attach Virtual Disk"
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	var in api.DiskAttachment
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Disk == nil || in.Interface == nil {
		return nil, refuse.Incomplete("DiskAttachment [interface, disk]", "add")
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	a := &model.Attachment{Interface: *in.Interface, Bootable: api.Val(in.Bootable), Active: api.Val(in.Active), ReadOnly: api.Val(in.ReadOnly)}
	if err := attachable(c, action, vm, a); err != nil {
		return nil, err
	}
	id := in.Disk.ID
	if id == "" {
		// A disk described in full is made on the way.
		sub, err := c.For("id", "", in.Disk)
		if err != nil {
			return nil, err
		}
		made, err := storage.AddDisk(sub)
		if err != nil {
			return nil, err
		}
		id = made.(*api.Disk).ID
	} else {
		d, ok := c.State.Disks[id]
		if !ok {
			return nil, refuse.Invalid("Cannot %s. The specified disk does not exist.", action)
		}
		if err := datacenter.DiskReady(action, d); err != nil {
			return nil, err
		}
		if d.Template != "" {
			return nil, refuse.Conflict("Cannot %s. This disk is a part of a template.", action)
		}
		if user, _ := c.DiskUser(id); user == vm || user != nil && !d.Shareable {
			return nil, refuse.Conflict("Cannot %s. The disk %s is already attached to VM(s): %s.", action, d.Alias, user.Name)
		}
	}
	a.Disk = id
	vm.Disks = append(vm.Disks, a)
	c.Done("Attaching Disk to VM %s", vm.Name)
	return showAttachment(c, vm, a.Disk)
}

func attachable(c *rest.Call, action string, vm *model.VM, a *model.Attachment) error {
	switch a.Interface {
	case "ide", "sata", "virtio", "virtio_scsi", "spapr_vscsi":
	default:
		return refuse.Invalid("Cannot %s. The disk interface %q is not supported.", action, a.Interface)
	}
	if vm.Status != model.VMDown && a.Active {
		if err := pluggable(action, vm, a); err != nil {
			return err
		}
	}
	for _, other := range vm.Disks {
		if a.Bootable && other.Bootable && other.Disk != a.Disk {
			return refuse.Conflict("Cannot %s. Disk %s in VM %s is already marked as boot.", action, c.State.Disks[other.Disk].Alias, vm.Name)
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
		return refuse.Conflict("Cannot %s. VM is in status %s.", action, vm.Status)
	case a.Interface != "virtio" && a.Interface != "virtio_scsi":
		return refuse.Conflict("Cannot %s. Hot plugging a disk is not supported for interface %s.", action, a.Interface)
	}
	return nil
}

func updateAttachment(c *rest.Call) (any, error) {
	const action = "edit Virtual Disk"
	vm, a, err := attachmentOf(c)
	if err != nil {
		return nil, err
	}
	var in api.DiskAttachment
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	changed := *a
	rest.Set(&changed.Active, in.Active)
	rest.Set(&changed.Bootable, in.Bootable)
	rest.Set(&changed.Interface, in.Interface)
	rest.Set(&changed.ReadOnly, in.ReadOnly)
	plugged := changed
	plugged.Active = a.Active // activating and deactivating is plugging
	if vm.Status != model.VMDown && plugged != *a {
		return nil, refuse.Conflict("Cannot %s. VM is running.", action)
	}
	if vm.Status != model.VMDown && a.Active && !changed.Active {
		if err := pluggable(action, vm, a); err != nil {
			return nil, err
		}
	}
	if err := attachable(c, action, vm, &changed); err != nil {
		return nil, err
	}
	if in.Disk != nil && (in.Disk.ProvisionedSize != nil || in.Disk.Alias != nil || in.Disk.Name != nil || in.Disk.Description != nil) {
		sub, err := c.For("id", a.Disk, in.Disk)
		if err != nil {
			return nil, err
		}
		if _, err := storage.UpdateDisk(sub); err != nil {
			return nil, err
		}
	}
	*a = changed
	c.Done("Editing Disk of VM %s", vm.Name)
	return showAttachment(c, vm, a.Disk)
}

func removeAttachment(c *rest.Call) (any, error) {
	const action = "detach Virtual Disk"
	vm, a, err := attachmentOf(c)
	if err != nil {
		return nil, err
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if err := datacenter.DiskReady(action, c.State.Disks[a.Disk]); err != nil && c.State.Disks[a.Disk].Status == model.StatusLocked {
		return nil, err
	}
	if vm.Status != model.VMDown && vm.Status != model.VMUp {
		return nil, refuse.Conflict("Cannot %s. VM is in status %s.", action, vm.Status)
	}
	if vm.Status != model.VMDown && a.Active {
		if err := pluggable(action, vm, a); err != nil {
			return nil, err
		}
	}
	if detachOnly := c.Query.Get("detach_only"); detachOnly == "false" {
		if vm.Status != model.VMDown {
			return nil, refuse.Conflict("Cannot %s. VM is running.", action)
		}
		sub, err := c.For("id", a.Disk, nil)
		if err != nil {
			return nil, err
		}
		return storage.RemoveDisk(sub)
	}
	if c.State.Disks[a.Disk].Base != "" {
		return nil, refuse.Conflict("Cannot %s. The disk is based on a Template and cannot be detached.", action)
	}
	datacenter.Detach(vm, a.Disk)
	c.Done("Detaching Disk from VM %s", vm.Name)
	return rest.Complete(nil), nil
}
