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
			x.Disk = storage.DiskXML(c, d)
		}
		out = append(out, x)
	}
	return out
}

// attached is a disk's attachment with its VM.
type attached struct {
	vm *model.VM
	*model.Attachment
}

func attachmentOf(c *rest.Call) (attached, error) {
	vm, err := vmOf(c)
	if err != nil {
		return attached{}, err
	}
	a := model.Find(vm.Disks, func(a *model.Attachment) bool { return a.Disk == c.ID("disk") })
	if a == nil {
		return attached{}, refuse.NotFound()
	}
	return attached{vm, a}, nil
}

func addAttachment(c *rest.Call, vm *model.VM, in *api.DiskAttachment) (any, error) {
	const action = "attach Virtual Disk"
	if in.Disk == nil || in.Interface == nil {
		return nil, refuse.Incomplete("DiskAttachment [interface, disk]", "add")
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	a := &model.Attachment{
		Interface: *in.Interface, Bootable: api.Val(in.Bootable), Active: api.Val(in.Active),
		ReadOnly: api.Val(in.ReadOnly),
	}
	if err := attachable(c, action, vm, a); err != nil {
		return nil, err
	}
	id, err := diskFor(c, action, vm, in.Disk)
	if err != nil {
		return nil, err
	}
	a.Disk = id
	vm.Disks = append(vm.Disks, a)
	c.Done("Attaching Disk to VM %s", vm.Name)
	return rest.Pick(vmAttachments(c, vm), a.Disk)
}

// diskFor checks that the disk which a document names can be attached to a VM,
// or makes the one that it describes.
func diskFor(c *rest.Call, action string, vm *model.VM, in *api.Disk) (id string, err error) {
	if in.ID == "" {
		made, err := storage.AddDisk(c, in)
		if err != nil {
			return "", err
		}
		return made.(*api.Disk).ID, nil
	}
	d, ok := c.State.Disks[in.ID]
	if !ok {
		return "", refuse.Invalid("Cannot %s. The specified disk does not exist.", action)
	}
	if err := datacenter.DiskReady(action, d); err != nil {
		return "", err
	}
	if d.Template != "" {
		return "", refuse.Conflict("Cannot %s. This disk is a part of a template.", action)
	}
	if user, _ := c.DiskUser(d.ID); user == vm || user != nil && !d.Shareable {
		return "", refuse.Conflict("Cannot %s. The disk %s is already attached to VM(s): %s.",
			action, d.Alias, user.Name)
	}
	return d.ID, nil
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
			return refuse.Conflict("Cannot %s. Disk %s in VM %s is already marked as boot.",
				action, c.State.Disks[other.Disk].Alias, vm.Name)
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

func updateAttachment(c *rest.Call, a attached, in *api.DiskAttachment) (any, error) {
	const action = "edit Virtual Disk"
	if err := c.Unlocked(action, a.vm); err != nil {
		return nil, err
	}
	changed := *a.Attachment
	rest.Set(&changed.Active, in.Active)
	rest.Set(&changed.Bootable, in.Bootable)
	rest.Set(&changed.Interface, in.Interface)
	rest.Set(&changed.ReadOnly, in.ReadOnly)
	plugged := changed
	plugged.Active = a.Active // activating and deactivating is plugging
	if a.vm.Status != model.VMDown && plugged != *a.Attachment {
		return nil, refuse.Conflict("Cannot %s. VM is running.", action)
	}
	if a.vm.Status != model.VMDown && a.Active && !changed.Active {
		if err := pluggable(action, a.vm, a.Attachment); err != nil {
			return nil, err
		}
	}
	if err := attachable(c, action, a.vm, &changed); err != nil {
		return nil, err
	}
	if d := in.Disk; d != nil &&
		(d.ProvisionedSize != nil || d.Alias != nil || d.Name != nil || d.Description != nil) {
		if _, err := storage.UpdateDisk(c, c.State.Disks[a.Disk], d); err != nil {
			return nil, err
		}
	}
	*a.Attachment = changed
	c.Done("Editing Disk of VM %s", a.vm.Name)
	return rest.Pick(vmAttachments(c, a.vm), a.Disk)
}

func removeAttachment(c *rest.Call, a attached) (any, error) {
	const action = "detach Virtual Disk"
	vm, disk := a.vm, c.State.Disks[a.Disk]
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if disk.Status == model.StatusLocked {
		return nil, datacenter.DiskReady(action, disk)
	}
	if vm.Status != model.VMDown && vm.Status != model.VMUp {
		return nil, refuse.Conflict("Cannot %s. VM is in status %s.", action, vm.Status)
	}
	if vm.Status != model.VMDown && a.Active {
		if err := pluggable(action, vm, a.Attachment); err != nil {
			return nil, err
		}
	}
	if c.Query.Get("detach_only") == "false" {
		if vm.Status != model.VMDown {
			return nil, refuse.Conflict("Cannot %s. VM is running.", action)
		}
		return storage.RemoveDisk(c, disk)
	}
	if disk.Base != "" {
		return nil, refuse.Conflict("Cannot %s. The disk is based on a Template and cannot be detached.", action)
	}
	datacenter.Detach(vm, a.Disk)
	c.Done("Detaching Disk from VM %s", vm.Name)
	return rest.Complete(nil), nil
}
