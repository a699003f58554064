package engine

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

const minDisk = 1 << 20

// Space that a thin disk takes before anything is written to it.
const (
	emptyRaw = 4 << 10
	emptyCow = 196 << 10
)

func (e *Engine) diskXML(d *model.Disk) *api.Disk {
	base := href("disks", d.ID)
	out := &api.Disk{
		Href: base, ID: d.ID, Actions: actions(base, "copy", "move", "export", "sparsify"), Links: links(base, "permissions", "statistics"),
		Name: &d.Alias, Alias: &d.Alias, Description: &d.Description, ActualSize: &d.Allocated, Backup: api.Ptr("none"),
		ContentType: api.Ptr("data"), Format: &d.Format, ImageID: &d.Image, PropagateErrors: api.Ptr(false),
		ProvisionedSize: &d.Size, Shareable: &d.Shareable, Sparse: &d.Sparse, Status: &d.Status,
		StorageType: api.Ptr("image"), TotalSize: &d.Allocated, WipeAfterDelete: api.Ptr(false),
	}
	if d.Format == model.FormatCow {
		out.QcowVersion = api.Ptr("qcow2_v3")
	}
	var domains []*api.StorageDomain
	for _, id := range d.Domains {
		domains = append(domains, &api.StorageDomain{Href: href("storagedomains", id), ID: id})
	}
	out.StorageDomains = api.Some(domains)
	return out
}

// diskUser returns the VM a disk is attached to, or nil.
func (e *Engine) diskUser(id string) (*model.VM, *model.Attachment) {
	for _, vm := range e.st.VMs {
		for _, a := range vm.Disks {
			if a.Disk == id {
				return vm, a
			}
		}
	}
	return nil, nil
}

func (e *Engine) diskFields(d *model.Disk) search.Fields {
	m := map[string][]string{"name": one(d.Alias), "alias": one(d.Alias), "id": one(d.ID), "status": one(d.Status),
		"description": one(d.Description), "format": one(d.Format), "vm": nil, "vm_names": nil, "storage": nil,
		"storages": nil, "storages.name": nil, "storage.name": nil, "disk_type": one("image"), "datacenter": one(e.world.center.Name)}
	if vm, _ := e.diskUser(d.ID); vm != nil {
		m["vm"], m["vm_names"] = one(vm.Name), one(vm.Name)
	}
	for _, id := range d.Domains {
		if sd, ok := e.world.domain(id); ok {
			for _, f := range []string{"storage", "storages", "storages.name", "storage.name"} {
				m[f] = append(m[f], sd.Name)
			}
		}
	}
	return fields(m)
}

func listDisks(c *call) (any, error) {
	domain := c.id("id") // empty unless below a storage domain
	if domain != "" {
		if _, ok := c.world.domain(domain); !ok {
			return nil, notFound()
		}
	}
	all := model.Sorted(c.st.Disks, func(d *model.Disk) string { return d.Alias })
	hits, err := found(c, all, c.diskFields)
	if err != nil {
		return nil, err
	}
	var out []*api.Disk
	for _, d := range hits {
		if domain == "" || contains(d.Domains, domain) {
			out = append(out, c.diskXML(d))
		}
	}
	return list("disks", out)
}

// disk finds the disk a path means, below /disks or below a storage domain.
func (c *call) disk() (*model.Disk, error) {
	d, ok := c.st.Disks[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	if domain := c.id("domain"); domain != "" && !contains(d.Domains, domain) {
		return nil, notFound()
	}
	return d, nil
}

func getDisk(c *call) (any, error) {
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	return c.diskXML(d), nil
}

// volumeFits checks format and allocation against the kind of storage.
func volumeFits(action string, sd worldDomain, format string, sparse bool) error {
	block := sd.Type == "iscsi" || sd.Type == "fcp"
	names := map[string]string{model.FormatRaw: "RAW", model.FormatCow: "COW"}
	if names[format] == "" {
		return invalid("Cannot %s. Disk format %q is not supported.", action, format)
	}
	allocation := "Preallocated"
	if sparse {
		allocation = "Sparse"
	}
	if block && format == model.FormatRaw && sparse || format == model.FormatCow && !sparse {
		return invalid("Cannot %s. Disk configuration (%s %s backup-None) is incompatible with the storage domain type.",
			action, names[format], allocation)
	}
	return nil
}

// allocated is the space a new disk takes.
func allocated(format string, sparse bool, size, initial int64) int64 {
	switch {
	case !sparse:
		return size
	case format == model.FormatCow:
		return max(initial, emptyCow)
	}
	return max(initial, emptyRaw)
}

// domainOf finds the storage domain a disk document names.
func (e *Engine) domainOf(d *api.Disk) (worldDomain, error) {
	var ref *api.Ref
	if all := api.Val(d.StorageDomains); len(all) > 0 {
		ref = &api.Ref{ID: all[0].ID, Name: all[0].Name}
	} else if d.StorageDomain != nil {
		ref = d.StorageDomain
	} else {
		return worldDomain{}, incomplete("Disk [storageDomains.storageDomain[0].id|name]", "add")
	}
	return e.domainByRef(ref)
}

func (e *Engine) domainByRef(ref *api.Ref) (worldDomain, error) {
	for _, sd := range e.world.domains {
		if ref.ID == sd.ID || ref.ID == "" && api.Val(ref.Name) == sd.Name {
			return sd, nil
		}
	}
	if ref.ID == "" {
		return worldDomain{}, notFound()
	}
	return worldDomain{}, invalid("Cannot add Virtual Disk. Storage Domain doesn't exist.")
}

func addDisk(c *call) (any, error) {
	const action = "add Virtual Disk"
	var in api.Disk
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.ProvisionedSize == nil || in.Format == nil {
		return nil, incomplete("Disk [provisionedSize, format]", "add")
	}
	sd, err := c.domainOf(&in)
	if err != nil {
		return nil, err
	}
	size, format := *in.ProvisionedSize, *in.Format
	if size < minDisk {
		return nil, invalid("Cannot %s. Disk size must be at least 1 MB.", action)
	}
	sparse := format == model.FormatCow
	if in.Sparse != nil {
		sparse = *in.Sparse
	}
	if err := volumeFits(action, sd, format, sparse); err != nil {
		return nil, err
	}
	d := &model.Disk{ID: newID(), Image: newID(), Alias: firstOf(in.Alias, in.Name), Description: api.Val(in.Description),
		Size: size, Allocated: allocated(format, sparse, size, api.Val(in.InitialSize)), Format: format, Sparse: sparse,
		Shareable: api.Val(in.Shareable), Status: model.StatusLocked, Domains: []string{sd.ID}, Owner: c.user.Name, Content: model.FormatRaw}
	if in.ID != "" {
		if _, ok := c.st.Disks[in.ID]; ok {
			return nil, conflict("Cannot %s. Disk image already exists.", action)
		}
	}
	if err := c.reserve(action, sd, d.Allocated); err != nil {
		return nil, err
	}
	c.st.Disks[d.ID] = d
	job := c.job("Adding Disk %s", d.Alias)
	c.begin(&model.Task{Kind: taskDiskCreate, Job: job.ID, Disk: d.ID, Size: size}, c.cfg.Delays.Disk)
	return c.diskXML(d), nil
}

func updateDisk(c *call) (any, error) {
	const action = "edit Virtual Disk"
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	var in api.Disk
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := diskReady(action, d); err != nil {
		return nil, err
	}
	size := d.Size
	if in.ProvisionedSize != nil {
		size = *in.ProvisionedSize
	}
	if size < d.Size {
		return nil, conflict("Cannot %s. New disk size cannot be smaller than the current.", action)
	}
	if size > d.Size && d.Template != "" {
		return nil, conflict("Cannot %s. This disk is a part of a template.", action)
	}
	if vm, _ := c.diskUser(d.ID); vm != nil && vm.Status == model.VMImageLocked {
		return nil, conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
	}
	grow := size - d.Size
	if grow > 0 && !d.Sparse {
		sd, _ := c.world.domain(d.Domains[0])
		if err := c.reserve(action, sd, grow); err != nil {
			return nil, err
		}
	}
	if in.Alias != nil || in.Name != nil {
		d.Alias = firstOf(in.Alias, in.Name)
	}
	if in.Description != nil {
		d.Description = *in.Description
	}
	job := c.job("Editing Disk %s", d.Alias)
	if grow == 0 {
		c.endJob(job.ID, nil)
		return c.diskXML(d), nil
	}
	// The engine shows the new size once the extension is done.
	d.Status = model.StatusLocked
	c.begin(&model.Task{Kind: taskDiskResize, Job: job.ID, Disk: d.ID, Size: size}, c.cfg.Delays.Disk)
	out := c.diskXML(d)
	return out, nil
}

// diskReady refuses to touch a disk that is locked or illegal.
func diskReady(action string, d *model.Disk) error {
	switch d.Status {
	case model.StatusLocked:
		return conflict("Cannot %s: Disk is locked. Please try again in a few minutes. The following disks are locked: %s.", action, d.Alias)
	case model.StatusIllegal:
		return broken(errIllegal(action, d))
	}
	return nil
}

func removeDisk(c *call) (any, error) {
	const action = "remove Virtual Disk"
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	if d.Template != "" {
		return nil, conflict("Cannot %s. Cannot remove an image of a Template: remove the Template instead.", action)
	}
	// Illegal disks may go; a locked one may not.
	if d.Status == model.StatusLocked {
		return nil, diskReady(action, d)
	}
	if vm, a := c.diskUser(d.ID); vm != nil {
		switch {
		case vm.Status == model.VMImageLocked:
			return nil, conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
		case vm.Status != model.VMDown && a.Active:
			return nil, conflict("Cannot %s. At least one of the VMs is not down.", action)
		}
		detach(vm, d.ID)
	}
	d.Status = model.StatusLocked
	job := c.job("Removing Disk %s", d.Alias)
	c.begin(&model.Task{Kind: taskDiskRemove, Job: job.ID, Disk: d.ID}, c.cfg.Delays.Disk)
	return complete(job), nil
}

// copyDisk copies to another storage domain: a template's disk becomes
// available there as well, any other gets a twin.
func copyDisk(c *call) (any, error) {
	const action = "copy Virtual Disk"
	d, err := c.disk()
	if err != nil {
		return nil, err
	}
	var in api.Action
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.StorageDomain == nil {
		return nil, incomplete("Action [storageDomain.id|name]", "copy")
	}
	sd, err := c.domainByRef(&api.Ref{ID: in.StorageDomain.ID, Name: in.StorageDomain.Name})
	if err != nil {
		return nil, err
	}
	if err := diskReady(action, d); err != nil {
		return nil, err
	}
	if err := c.reserve(action, sd, d.Allocated); err != nil {
		return nil, err
	}
	if d.Template != "" {
		if contains(d.Domains, sd.ID) {
			return nil, conflict("Cannot %s. The target Storage Domain already contains the disk.", action)
		}
		d.Status = model.StatusLocked
		job := c.job("Copying Template Disk %s", d.Alias)
		c.begin(&model.Task{Kind: taskDiskMove, Job: job.ID, Disk: d.ID, Domain: sd.ID}, c.cfg.Delays.Disk)
		return complete(job), nil
	}
	twin := clone(d)
	twin.ID, twin.Image, twin.Domains, twin.Status, twin.Owner = newID(), newID(), []string{sd.ID}, model.StatusLocked, c.user.Name
	if in.Disk != nil && (in.Disk.Alias != nil || in.Disk.Name != nil) {
		twin.Alias = firstOf(in.Disk.Alias, in.Disk.Name)
	}
	c.st.Disks[twin.ID] = twin
	d.Status = model.StatusLocked
	job := c.job("Copying Disk %s", d.Alias)
	c.begin(&model.Task{Kind: taskDiskCopy, Job: job.ID, Disk: d.ID, Disks: []string{d.ID, twin.ID},
		Pairs: []model.Pair{{From: d.ID, To: twin.ID}}}, c.cfg.Delays.Disk)
	out := complete(job)
	out.Disk = &api.Disk{ID: twin.ID, Href: href("disks", twin.ID)}
	return out, nil
}

// settleDisk records how work on a disk ended.
func (e *Engine) settleDisk(t *model.Task, err error) {
	d := e.st.Disks[t.Disk]
	if d == nil {
		return
	}
	switch {
	case t.Kind == taskDiskRemove && err == nil:
		delete(e.st.Disks, t.Disk)
		return
	case t.Kind == taskDiskRemove || t.Kind == taskDiskCreate && err != nil:
		d.Status = model.StatusIllegal
		return
	case t.Kind == taskDiskCopy:
		d.Status = model.StatusOK
		if twin := e.st.Disks[t.Disks[1]]; twin != nil {
			twin.Status = model.StatusOK
			if err != nil {
				twin.Status = model.StatusIllegal
			}
		}
		return
	case t.Kind == taskDiskMove:
		d.Domains = append(d.Domains, t.Domain)
	case t.Kind == taskDiskResize && err == nil:
		d.Size = t.Size
		if !d.Sparse {
			d.Allocated = t.Size
		}
	}
	d.Status = model.StatusOK
}
