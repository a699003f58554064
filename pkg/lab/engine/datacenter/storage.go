package datacenter

import (
	"fmt"
	"slices"

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
func VolumeFits(action string, sd *KnownDomain, format string, sparse bool) error {
	block := sd.Type == "iscsi" || sd.Type == "fcp"
	names := map[string]string{model.FormatRaw: "RAW", model.FormatCow: "COW"}
	if names[format] == "" {
		return refuse.Invalid("Cannot %s. Disk format %q is not supported.", action, format)
	}
	allocation := "Preallocated"
	if sparse {
		allocation = "Sparse"
	}
	if block && format == model.FormatRaw && sparse || format == model.FormatCow && !sparse {
		return refuse.Invalid("Cannot %s. Disk configuration (%s %s backup-None) is incompatible "+
			"with the storage domain type.", action, names[format], allocation)
	}
	return nil
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
	var ref *api.Ref
	if all := api.Val(d.StorageDomains); len(all) > 0 {
		ref = &api.Ref{ID: all[0].ID, Name: all[0].Name}
	} else if d.StorageDomain != nil {
		ref = d.StorageDomain
	} else {
		return nil, refuse.Incomplete("Disk [storageDomains.storageDomain[0].id|name]", "add")
	}
	return dc.DomainByRef(ref)
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

// DiskReady refuses to touch a disk that is locked or illegal.
func DiskReady(action string, d *model.Disk) error {
	switch d.Status {
	case model.StatusLocked:
		return refuse.Conflict("Cannot %s: Disk is locked. Please try again in a few minutes. "+
			"The following disks are locked: %s.", action, d.Alias)
	case model.StatusIllegal:
		return refuse.Broken(errIllegal(action, d))
	}
	return nil
}

// settleDisk records how work on a disk ended.
func (dc *DataCenter) settleDisk(t *model.Task, err error) {
	d := dc.State.Disks[t.Disk]
	if d == nil {
		return
	}
	switch {
	case t.Kind == TaskDiskRemove && err == nil:
		delete(dc.State.Disks, t.Disk)
		return
	case t.Kind == TaskDiskRemove || t.Kind == TaskDiskCreate && err != nil:
		d.Status = model.StatusIllegal
		return
	case t.Kind == TaskDiskCopy:
		d.Status = model.StatusOK
		if twin := dc.State.Disks[t.Disks[1]]; twin != nil {
			twin.Status = model.StatusOK
			if err != nil {
				twin.Status = model.StatusIllegal
			}
		}
		return
	case t.Kind == TaskDiskMove:
		d.Domains = append(d.Domains, t.Domain)
	case t.Kind == TaskDiskResize && err == nil:
		d.Size = t.Size
		if !d.Sparse {
			d.Allocated = t.Size
		}
	}
	d.Status = model.StatusOK
}

func errIllegal(action string, d *model.Disk) error {
	//nolint:staticcheck // the engine's words
	return fmt.Errorf("Cannot %s. The following disk(s) are in ILLEGAL status: %s.", action, d.Alias)
}

// Used is what disks take from a domain. The lock is held.
func (dc *DataCenter) Used(domain string) int64 {
	var sum int64
	for _, d := range dc.State.Disks {
		for _, id := range d.Domains {
			if id == domain {
				sum += d.Allocated
			}
		}
	}
	return sum
}

// Reserve checks that a domain can take more bytes. The lock is held.
func (dc *DataCenter) Reserve(action string, d *KnownDomain, bytes int64) error {
	if s := dc.DomainStatus(d); s != "active" {
		return refuse.Conflict("Cannot %s. The relevant Storage Domain is inaccessible. "+
			"Please handle Storage Domain issues and retry the operation.", action)
	}
	if free := d.Size - dc.Used(d.ID); bytes > free {
		return refuse.Conflict("Cannot %s. Low disk space on Storage Domain %s.", action, d.Name)
	}
	return nil
}
