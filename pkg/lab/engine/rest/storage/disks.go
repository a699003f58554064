package storage

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

const minDisk = 1 << 20

// allDisks are those of a storage domain, if the path is below one.
func allDisks(c *rest.Call) ([]*model.Disk, error) {
	all := model.Sorted(c.State.Disks, func(d *model.Disk) string { return d.Alias })
	if c.ID("id") == "" {
		return all, nil
	}
	domain, err := domainOf(c)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(d *model.Disk) bool { return !slices.Contains(d.Domains, domain.ID) }), nil
}

// diskOf finds a disk, below /disks or below a storage domain.
func diskOf(c *rest.Call) (*model.Disk, error) {
	d, err := rest.Find(c, c.State.Disks)
	if err != nil {
		return nil, err
	}
	if domain := c.ID("domain"); domain != "" && !slices.Contains(d.Domains, domain) {
		return nil, refuse.NotFound()
	}
	return d, nil
}

func diskFields(c *rest.Call, d *model.Disk) search.Fields {
	vm := ""
	if user, _ := c.DiskUser(d.ID); user != nil {
		vm = user.Name
	}
	var domains []string
	for _, id := range d.Domains {
		if sd := c.Layout.Domain(id); sd != nil {
			domains = append(domains, sd.Name)
		}
	}
	return rest.Fields(map[string]string{
		"name": d.Alias, "alias": d.Alias, "id": d.ID, "status": d.Status, "description": d.Description,
		"format": d.Format, "vm": vm, "vm_names": vm, "disk_type": "image", "datacenter": c.Layout.Center.Name,
	}, map[string][]string{
		"storage": domains, "storages": domains, "storages.name": domains, "storage.name": domains,
	})
}

// DiskXML is the document of a disk.
func DiskXML(_ *rest.Call, d *model.Disk) *api.Disk {
	base := rest.Href("disks", d.ID)
	out := &api.Disk{
		Href: base, ID: d.ID, Actions: rest.Actions(base, "copy", "move", "export", "sparsify"),
		Links: rest.Links(base, "permissions", "statistics"),
		Name:  &d.Alias, Alias: &d.Alias, Description: &d.Description, ActualSize: &d.Allocated, Backup: api.Ptr("none"),
		ContentType: api.Ptr("data"), Format: &d.Format, ImageID: &d.Image, PropagateErrors: api.Ptr(false),
		ProvisionedSize: &d.Size, Shareable: &d.Shareable, Sparse: &d.Sparse, Status: &d.Status,
		StorageType: api.Ptr("image"), TotalSize: &d.Allocated, WipeAfterDelete: api.Ptr(false),
	}
	if d.Format == model.FormatCow {
		out.QcowVersion = api.Ptr("qcow2_v3")
	}
	var domains []*api.StorageDomain
	for _, id := range d.Domains {
		domains = append(domains, &api.StorageDomain{Href: rest.Href("storagedomains", id), ID: id})
	}
	out.StorageDomains = api.Some(domains)
	return out
}

// AddDisk makes a disk.
func AddDisk(c *rest.Call, in *api.Disk) (any, error) {
	const action = "add Virtual Disk"
	if in.ProvisionedSize == nil || in.Format == nil {
		return nil, refuse.Incomplete("Disk [provisionedSize, format]", "add")
	}
	sd, err := c.DomainOf(in)
	if err != nil {
		return nil, err
	}
	size, format := *in.ProvisionedSize, *in.Format
	if size < minDisk {
		return nil, refuse.Invalid("Cannot %s. Disk size must be at least 1 MB.", action)
	}
	sparse := format == model.FormatCow
	if in.Sparse != nil {
		sparse = *in.Sparse
	}
	if err := datacenter.VolumeFits(action, sd, format, sparse); err != nil {
		return nil, err
	}
	d := &model.Disk{
		ID: datacenter.NewID(), Image: datacenter.NewID(), Alias: rest.FirstOf(in.Alias, in.Name),
		Description: api.Val(in.Description), Size: size, Format: format, Sparse: sparse,
		Allocated: datacenter.Allocated(format, sparse, size, api.Val(in.InitialSize)),
		Shareable: api.Val(in.Shareable), Status: model.StatusLocked, Domains: []string{sd.ID},
		Owner: c.User.Name, Content: model.FormatRaw,
	}
	if in.ID != "" {
		if _, ok := c.State.Disks[in.ID]; ok {
			return nil, refuse.Conflict("Cannot %s. Disk image already exists.", action)
		}
	}
	if err := c.Reserve(action, sd, d.Allocated); err != nil {
		return nil, err
	}
	c.State.Disks[d.ID] = d
	job := c.Job("Adding Disk %s", d.Alias)
	c.Begin(&model.Task{Kind: datacenter.TaskDiskCreate, Job: job.ID, Disk: d.ID, Size: size}, c.Config.Delays.Disk)
	return DiskXML(c, d), nil
}

// UpdateDisk changes a disk; it can only grow.
func UpdateDisk(c *rest.Call, d *model.Disk, in *api.Disk) (any, error) {
	const action = "edit Virtual Disk"
	if err := datacenter.DiskReady(action, d); err != nil {
		return nil, err
	}
	size := d.Size
	if in.ProvisionedSize != nil {
		size = *in.ProvisionedSize
	}
	if size < d.Size {
		return nil, refuse.Conflict("Cannot %s. New disk size cannot be smaller than the current.", action)
	}
	if size > d.Size && d.Template != "" {
		return nil, refuse.Conflict("Cannot %s. This disk is a part of a template.", action)
	}
	if vm, _ := c.DiskUser(d.ID); vm != nil && vm.Status == model.VMImageLocked {
		return nil, refuse.Conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
	}
	grow := size - d.Size
	if grow > 0 && !d.Sparse {
		if err := c.Reserve(action, c.Layout.Domain(d.Domains[0]), grow); err != nil {
			return nil, err
		}
	}
	if in.Alias != nil || in.Name != nil {
		d.Alias = rest.FirstOf(in.Alias, in.Name)
	}
	if in.Description != nil {
		d.Description = *in.Description
	}
	job := c.Job("Editing Disk %s", d.Alias)
	if grow == 0 {
		c.EndJob(job.ID, nil)
		return DiskXML(c, d), nil
	}
	// The engine shows the new size once the extension is done.
	d.Status = model.StatusLocked
	c.Begin(&model.Task{Kind: datacenter.TaskDiskResize, Job: job.ID, Disk: d.ID, Size: size}, c.Config.Delays.Disk)
	return DiskXML(c, d), nil
}

// RemoveDisk removes a disk that no running VM uses.
func RemoveDisk(c *rest.Call, d *model.Disk) (any, error) {
	const action = "remove Virtual Disk"
	if d.Template != "" {
		return nil, refuse.Conflict(
			"Cannot %s. Cannot remove an image of a Template: remove the Template instead.", action)
	}
	// Illegal disks may go; a locked one may not.
	if d.Status == model.StatusLocked {
		return nil, datacenter.DiskReady(action, d)
	}
	if vm, a := c.DiskUser(d.ID); vm != nil {
		switch {
		case vm.Status == model.VMImageLocked:
			return nil, refuse.Conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
		case vm.Status != model.VMDown && a.Active:
			return nil, refuse.Conflict("Cannot %s. At least one of the VMs is not down.", action)
		}
		datacenter.Detach(vm, d.ID)
	}
	d.Status = model.StatusLocked
	job := c.Job("Removing Disk %s", d.Alias)
	c.Begin(&model.Task{Kind: datacenter.TaskDiskRemove, Job: job.ID, Disk: d.ID}, c.Config.Delays.Disk)
	return rest.Complete(job), nil
}

// copyDisk copies to another storage domain: a template's disk becomes
// available there as well, any other gets a twin.
func copyDisk(c *rest.Call, d *model.Disk, in *api.Action) (any, error) {
	const action = "copy Virtual Disk"
	if in.StorageDomain == nil {
		return nil, refuse.Incomplete("Action [storageDomain.id|name]", "copy")
	}
	sd, err := c.DomainByRef(&api.Ref{ID: in.StorageDomain.ID, Name: in.StorageDomain.Name})
	if err != nil {
		return nil, err
	}
	if err := datacenter.DiskReady(action, d); err != nil {
		return nil, err
	}
	if err := c.Reserve(action, sd, d.Allocated); err != nil {
		return nil, err
	}
	if d.Template != "" {
		if slices.Contains(d.Domains, sd.ID) {
			return nil, refuse.Conflict("Cannot %s. The target Storage Domain already contains the disk.", action)
		}
		d.Status = model.StatusLocked
		job := c.Job("Copying Template Disk %s", d.Alias)
		c.Begin(&model.Task{Kind: datacenter.TaskDiskMove, Job: job.ID, Disk: d.ID, Domain: sd.ID}, c.Config.Delays.Disk)
		return rest.Complete(job), nil
	}
	twin := datacenter.Clone(d)
	twin.ID, twin.Image, twin.Domains = datacenter.NewID(), datacenter.NewID(), []string{sd.ID}
	twin.Status, twin.Owner = model.StatusLocked, c.User.Name
	if in.Disk != nil && (in.Disk.Alias != nil || in.Disk.Name != nil) {
		twin.Alias = rest.FirstOf(in.Disk.Alias, in.Disk.Name)
	}
	c.State.Disks[twin.ID] = twin
	d.Status = model.StatusLocked
	job := c.Job("Copying Disk %s", d.Alias)
	c.Begin(&model.Task{Kind: datacenter.TaskDiskCopy, Job: job.ID, Disk: d.ID, Disks: []string{d.ID, twin.ID},
		Pairs: []model.Pair{{From: d.ID, To: twin.ID}}}, c.Config.Delays.Disk)
	out := rest.Complete(job)
	out.Disk = &api.Disk{ID: twin.ID, Href: rest.Href("disks", twin.ID)}
	return out, nil
}
