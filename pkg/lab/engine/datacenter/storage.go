package datacenter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// Detach takes a disk off a VM.
func Detach(vm *model.VM, disk string) {
	vm.Disks = slices.DeleteFunc(vm.Disks, func(a *model.Attachment) bool { return a.Disk == disk })
}

// Space that a thin disk takes before anything is written to it.
const (
	emptyRaw = 4 << 10
	emptyCow = 196 << 10
)

// DiskUser returns the VM a disk is attached to, or nil.
func (dc *DataCenter) DiskUser(id string) (*model.VM, *model.Attachment) {
	for _, vm := range dc.State.VMs {
		for _, a := range vm.Disks {
			if a.Disk == id {
				return vm, a
			}
		}
	}
	return nil, nil
}

// VolumeFits checks format and allocation against the kind of storage.
func VolumeFits(action refuse.Action, sd *KnownDomain, format string, sparse bool) error {
	if format != model.FormatRaw && format != model.FormatCow {
		return action.Invalid("Disk format %q is not supported.", format)
	}
	allocation, fits := "Preallocated", format == model.FormatRaw
	if sparse {
		allocation, fits = "Sparse", format == model.FormatCow || sd.Type != "iscsi" && sd.Type != "fcp"
	}
	return action.InvalidIf(!fits, "Disk configuration (%s %s backup-None) is incompatible "+
		"with the storage domain type.", strings.ToUpper(format), allocation)
}

// Allocated is the space a new disk takes.
func Allocated(format string, sparse bool, size, initial int64) int64 {
	switch {
	case !sparse:
		return size
	case format == model.FormatCow:
		return max(initial, emptyCow)
	}
	return max(initial, emptyRaw)
}

// DomainOf finds the storage domain a disk document names.
func (dc *DataCenter) DomainOf(d *api.Disk) (*KnownDomain, error) {
	if d.Domain() == nil {
		return nil, refuse.Incomplete("Disk [storageDomains.storageDomain[0].id|name]", "add")
	}
	return dc.DomainByRef(d.Domain())
}

// DomainByRef finds a storage domain by ID or, without one, by name.
func (dc *DataCenter) DomainByRef(ref *api.Ref) (*KnownDomain, error) {
	sd := model.Find(dc.Layout.Domains, func(d *KnownDomain) bool { return ref.Means(d.ID, d.Name) })
	switch {
	case sd != nil:
		return sd, nil
	case ref.ID == "":
		return nil, refuse.NotFound()
	}
	return nil, refuse.Invalid("Cannot add Virtual Disk. Storage Domain doesn't exist.")
}

// DiskUnlocked refuses to touch a disk that is being worked on.
func DiskUnlocked(action refuse.Action, d *model.Disk) error {
	if d.Status != model.StatusLocked {
		return nil
	}
	return refuse.Conflict("Cannot %s: Disk is locked. Please try again in a few minutes. "+
		"The following disks are locked: %s.", action, d.Alias)
}

// DiskReady refuses to use a disk that is locked or illegal.
func DiskReady(action refuse.Action, d *model.Disk) error {
	return cmp.Or(DiskUnlocked(action, d), diskLegal(action, d))
}

func diskLegal(action refuse.Action, d *model.Disk) error {
	if d.Status != model.StatusIllegal {
		return nil
	}
	return refuse.Broken("Cannot %s. The following disk(s) are in ILLEGAL status: %s.", action, d.Alias)
}

// settleDisk records how work on a disk ended.
func (dc *DataCenter) settleDisk(t *model.Task, err error) {
	d := dc.State.Disks[t.Disk]
	if d == nil {
		return
	}
	d.Status = model.StatusOK
	switch t.Kind {
	case TaskDiskRemove:
		dc.dropDisks([]string{t.Disk}, err)
	case TaskDiskCreate:
		d.Status = outcome(err)
	case TaskDiskCopy:
		if twin := dc.State.Disks[t.Disks[1]]; twin != nil {
			twin.Status = outcome(err)
		}
	case TaskDiskMove:
		d.Domains = append(d.Domains, t.Domain)
	case TaskDiskResize:
		if err != nil {
			return
		}
		d.Size = t.Size
		if !d.Sparse {
			d.Allocated = t.Size
		}
	}
}

// outcome is the status of what work has ended on.
func outcome(err error) string {
	if err != nil {
		return model.StatusIllegal
	}
	return model.StatusOK
}

// dropDisks forgets disks whose content was deleted, unless that failed.
func (dc *DataCenter) dropDisks(ids []string, err error) {
	for _, id := range ids {
		if err != nil {
			dc.State.Disks[id].Status = model.StatusIllegal
		} else {
			delete(dc.State.Disks, id)
		}
	}
}

// Used is what disks take from a domain. The lock is held.
func (dc *DataCenter) Used(domain string) int64 {
	var sum int64
	for _, d := range dc.State.Disks {
		if slices.Contains(d.Domains, domain) {
			sum += d.Allocated
		}
	}
	return sum
}

// Reserve checks that a domain can take more bytes. The lock is held.
func (dc *DataCenter) Reserve(action refuse.Action, d *KnownDomain, bytes int64) error {
	return cmp.Or(
		action.ConflictIf(dc.DomainStatus(d) != "active", "The relevant Storage Domain is inaccessible. "+
			"Please handle Storage Domain issues and retry the operation."),
		action.ConflictIf(bytes > d.Size-dc.Used(d.ID), "Low disk space on Storage Domain %s.", d.Name),
	)
}
