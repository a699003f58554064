package datacenter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

// OfType refuses a disk for whose content an action is not meant.
func OfType(action refuse.Action, d *model.Disk, content string) error {
	has := cmp.Or(d.Holds, model.ContentData)
	return action.ConflictIf(has != content, "Disk content type %s is not supported for the operation.",
		strings.ToUpper(has))
}

// insertable refuses what is no ISO image that can be read.
func (dc *DataCenter) insertable(action refuse.Action, id string) error {
	if id == "" {
		return nil
	}
	d := dc.State.Disks[id]
	if d == nil || d.Holds != model.ContentISO {
		return action.Conflict("The ISO image %s cannot be found.", id)
	}
	return cmp.Or(
		action.ConflictIf(d.Status != model.StatusOK, "The status of ISO image %s is %s.", d.Alias, d.Status),
		action.ConflictIf(dc.DomainStatus(dc.Layout.Domain(d.Domains[0])) != "active", "The relevant Storage Domain of ISO "+
			"image %s is inaccessible.", d.Alias),
	)
}

// InsertCD changes what is in the drive of a VM that runs; without an ID the drive is emptied. The lock is held.
func (dc *DataCenter) InsertCD(vm *model.VM, disk, correlation string) error {
	action, what := refuse.Action("change CD"), "Changing CD of VM "
	if disk == "" {
		action, what = "eject CD", "Ejecting CD of VM "
	}
	if vm.CurrentCD == disk && vm.Status != model.VMDown {
		return nil
	}
	if err := cmp.Or(
		dc.Unlocked(action, vm),
		action.ConflictIf(!running(vm) && vm.Status != model.VMPoweringDown, "VM is not running."),
		dc.insertable(action, disk),
	); err != nil {
		return err
	}
	if !vm.Stuck {
		if err := dc.machines.Insert(vm.ID, medium(disk)); err != nil {
			return refuse.Broken("Cannot %s. %v.", action, err)
		}
	}
	vm.CurrentCD = disk
	dc.EndJob(dc.StartJob(correlation, what+vm.Name).ID, nil)
	return nil
}

// CDUsers are the names of the VMs that run with a disk in the drive. The lock is held.
func (dc *DataCenter) CDUsers(disk string) []string {
	var names []string
	for _, vm := range dc.State.VMs {
		if dc.Follow(vm); vm.CurrentCD == disk {
			names = append(names, vm.Name)
		}
	}
	slices.Sort(names)
	return names
}

func medium(disk string) *Media {
	if disk == "" {
		return nil
	}
	return &Media{Disk: disk}
}

// sources are boot devices as the firmware calls them.
var sources = map[string]host.Source{"hd": host.FromDisk, "cdrom": host.FromMedia, "network": host.FromNetwork}

// BootDevices refuses what no VM can be started from.
func BootDevices(action refuse.Action, devices []string) error {
	for _, device := range devices {
		if sources[device] == "" {
			return action.Invalid("Boot device %q is not supported.", device)
		}
	}
	return nil
}

// firmware describes the hardware of a VM that installs itself, in the engine's words. VMs that were made of a template
// with a system in it have none: what runs in them was told all that matters.
func (dc *DataCenter) firmware(vm *model.VM) (*host.Spec, error) {
	if vm.OriginalTemplate != model.BlankTemplate {
		return nil, nil
	}
	spec := &host.Spec{UUID: vm.ID, Vendor: "oVirt", Product: "RHEL", Serial: vm.ID, UEFI: true}
	for _, a := range vm.Disks {
		d := api.Val(dc.State.Disks[a.Disk])
		spec.Disks = append(spec.Disks, host.Disk{Size: d.Size &^ 511, Vendor: "QEMU", Model: "QEMU HARDDISK",
			Serial: a.Disk})
	}
	devices := vm.Spec.BootDevices
	if len(vm.Once) > 0 {
		devices = vm.Once
	}
	for _, device := range devices {
		if source := sources[device]; source != "" && !slices.Contains(spec.Order, source) {
			spec.Order = append(spec.Order, source)
		}
	}
	return spec, spec.Complete(vm.Name)
}
