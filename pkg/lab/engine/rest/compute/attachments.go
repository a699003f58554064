package compute

import (
	"cmp"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/storage"
)

// attachmentXML is the document of a disk's attachment to an owner, of which there
// are "vm" and "template", in a collection.
func attachmentXML(a *model.Attachment, owner, collection, id string, disk *api.Element) *api.Element {
	return api.Object("disk_attachment", collection+"/"+id+"/diskattachments", a.Disk).
		Set("active", a.Active).Set("bootable", a.Bootable).Add(disk).Set("interface", a.Interface).
		Set("pass_discard", false).Set("read_only", a.ReadOnly).Refer(owner, collection, id)
}

func vmAttachments(c *rest.Call, vm *model.VM) []*api.Element {
	deep := c.Follows("disk") || c.Follows("diskattachments.disk")
	return api.Each(vm.Disks, func(a *model.Attachment) *api.Element {
		disk := api.Object("disk", "disks", a.Disk)
		if d := c.State.Disks[a.Disk]; deep && d != nil {
			disk = storage.DiskXML(d)
		}
		return attachmentXML(a, "vm", "vms", vm.ID, disk)
	})
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
	a, err := rest.Known(model.Find(vm.Disks, func(a *model.Attachment) bool { return a.Disk == c.ID("disk") }))
	return attached{vm, a}, err
}

func addAttachment(c *rest.Call, vm *model.VM, in *api.DiskAttachment) (*api.Element, error) {
	const action refuse.Action = "attach Virtual Disk"
	if in.Disk == nil || in.Interface == nil {
		return nil, refuse.Incomplete("DiskAttachment [interface, disk]", "add")
	}
	a := &model.Attachment{
		Interface: *in.Interface, Bootable: api.Val(in.Bootable), Active: api.Val(in.Active),
		ReadOnly: api.Val(in.ReadOnly),
	}
	if err := cmp.Or(c.Unlocked(action, vm), attachable(c, action, vm, a)); err != nil {
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
func diskFor(c *rest.Call, action refuse.Action, vm *model.VM, in *api.Disk) (id string, err error) {
	if in.ID == "" {
		if holds := api.Val(in.ContentType); holds != "" && holds != model.ContentData {
			return "", action.Conflict("Disk content type %s is not supported for the operation.", strings.ToUpper(holds))
		}
		made, err := storage.AddDisk(c, in)
		if err != nil {
			return "", err
		}
		return made.ID(), nil
	}
	d, ok := c.State.Disks[in.ID]
	if !ok {
		return "", action.Invalid("The specified disk does not exist.")
	}
	if err := cmp.Or(
		datacenter.DiskReady(action, d),
		datacenter.OfType(action, d, model.ContentData),
		action.ConflictIf(d.Template != "", "This disk is a part of a template."),
	); err != nil {
		return "", err
	}
	if user, _ := c.DiskUser(d.ID); user == vm || user != nil && !d.Shareable {
		return "", action.Conflict("The disk %s is already attached to VM(s): %s.", d.Alias, user.Name)
	}
	return d.ID, nil
}

func attachable(c *rest.Call, action refuse.Action, vm *model.VM, a *model.Attachment) error {
	switch a.Interface {
	case "ide", "sata", "virtio", "virtio_scsi", "spapr_vscsi":
	default:
		return action.Invalid("The disk interface %q is not supported.", a.Interface)
	}
	if err := pluggable(action, vm, a); err != nil {
		return err
	}
	for _, other := range vm.Disks {
		if a.Bootable && other.Bootable && other.Disk != a.Disk {
			return action.Conflict("Disk %s in VM %s is already marked as boot.", c.State.Disks[other.Disk].Alias, vm.Name)
		}
	}
	return nil
}

// pluggable refuses an active disk that a VM cannot get, or lose, while it runs:
// the engine plugs disks of VMs that are up, at the two interfaces that can. The
// lab's machines see a disk that was plugged in at their next start.
func pluggable(action refuse.Action, vm *model.VM, a *model.Attachment) error {
	switch {
	case vm.Status == model.VMDown || !a.Active:
		return nil
	case vm.Status != model.VMUp:
		return action.Conflict("VM is in status %s.", vm.Status)
	case a.Interface != "virtio" && a.Interface != "virtio_scsi":
		return action.Conflict("Hot plugging a disk is not supported for interface %s.", a.Interface)
	}
	return nil
}

func updateAttachment(c *rest.Call, a attached, in *api.DiskAttachment) (*api.Element, error) {
	const action refuse.Action = "edit Virtual Disk"
	changed := *a.Attachment
	rest.Set(&changed.Active, in.Active)
	rest.Set(&changed.Bootable, in.Bootable)
	rest.Set(&changed.Interface, in.Interface)
	rest.Set(&changed.ReadOnly, in.ReadOnly)
	plugged := changed
	plugged.Active = a.Active // activating and deactivating is plugging
	if err := cmp.Or(
		c.Unlocked(action, a.vm),
		action.ConflictIf(a.vm.Status != model.VMDown && plugged != *a.Attachment, "VM is running."),
		pluggable(action, a.vm, a.Attachment),
		attachable(c, action, a.vm, &changed),
	); err != nil {
		return nil, err
	}
	if d := in.Disk; d != nil && (d.ProvisionedSize != nil || d.Title() != nil || d.Description != nil) {
		if _, err := storage.UpdateDisk(c, c.State.Disks[a.Disk], d); err != nil {
			return nil, err
		}
	}
	*a.Attachment = changed
	c.Done("Editing Disk of VM %s", a.vm.Name)
	return rest.Pick(vmAttachments(c, a.vm), a.Disk)
}

func removeAttachment(c *rest.Call, a attached) (*api.Element, error) {
	const action refuse.Action = "detach Virtual Disk"
	vm, disk := a.vm, c.State.Disks[a.Disk]
	if err := cmp.Or(
		c.Unlocked(action, vm),
		datacenter.DiskUnlocked(action, disk),
		action.ConflictIf(vm.Status != model.VMDown && vm.Status != model.VMUp, "VM is in status %s.", vm.Status),
		pluggable(action, vm, a.Attachment),
	); err != nil {
		return nil, err
	}
	if c.Query.Get("detach_only") == "false" {
		if vm.Status != model.VMDown {
			return nil, action.Conflict("VM is running.")
		}
		return storage.RemoveDisk(c, disk)
	}
	if disk.Base != "" {
		return nil, action.Conflict("The disk is based on a Template and cannot be detached.")
	}
	datacenter.Detach(vm, a.Disk)
	return c.Completed("Detaching Disk from VM %s", vm.Name)
}
