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

func DiskXML(d *model.Disk) *api.Disk {
	base := rest.Href("disks", d.ID)
	out := &api.Disk{
		Href: base, ID: d.ID, Actions: rest.Actions(base, "copy", "move", "export", "sparsify"), Links: rest.Links(base, "permissions", "statistics"),
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
		domains = append(domains, &api.StorageDomain{Href: rest.Href("storagedomains", id), ID: id})
	}
	out.StorageDomains = api.Some(domains)
	return out
}

func diskFields(c *rest.Call, d *model.Disk) search.Fields {
	m := map[string][]string{"name": rest.One(d.Alias), "alias": rest.One(d.Alias), "id": rest.One(d.ID), "status": rest.One(d.Status),
		"description": rest.One(d.Description), "format": rest.One(d.Format), "vm": nil, "vm_names": nil, "storage": nil,
		"storages": nil, "storages.name": nil, "storage.name": nil, "disk_type": rest.One("image"), "datacenter": rest.One(c.Layout.Center.Name)}
	if vm, _ := c.DiskUser(d.ID); vm != nil {
		m["vm"], m["vm_names"] = rest.One(vm.Name), rest.One(vm.Name)
	}
	for _, id := range d.Domains {
		if sd, ok := c.Layout.Domain(id); ok {
			for _, f := range []string{"storage", "storages", "storages.name", "storage.name"} {
				m[f] = append(m[f], sd.Name)
			}
		}
	}
	return rest.Fields(m)
}

func listDisks(c *rest.Call) (any, error) {
	domain := c.ID("id") // empty unless below a storage domain
	if domain != "" {
		if _, ok := c.Layout.Domain(domain); !ok {
			return nil, refuse.NotFound()
		}
	}
	all := model.Sorted(c.State.Disks, func(d *model.Disk) string { return d.Alias })
	hits, err := rest.Found(c, all, diskFields)
	if err != nil {
		return nil, err
	}
	var out []*api.Disk
	for _, d := range hits {
		if domain == "" || slices.Contains(d.Domains, domain) {
			out = append(out, DiskXML(d))
		}
	}
	return rest.List("disks", out)
}

// disk finds the disk a path means, below /disks or below a storage domain.
func diskOf(c *rest.Call) (*model.Disk, error) {
	d, ok := c.State.Disks[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	if domain := c.ID("domain"); domain != "" && !slices.Contains(d.Domains, domain) {
		return nil, refuse.NotFound()
	}
	return d, nil
}

func getDisk(c *rest.Call) (any, error) {
	d, err := diskOf(c)
	if err != nil {
		return nil, err
	}
	return DiskXML(d), nil
}

func AddDisk(c *rest.Call) (any, error) {
	const action = "add Virtual Disk"
	var in api.Disk
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.ProvisionedSize == nil || in.Format == nil {
		return nil, refuse.Incomplete("Disk [provisionedSize, format]", "add")
	}
	sd, err := c.DomainOf(&in)
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
	d := &model.Disk{ID: datacenter.NewID(), Image: datacenter.NewID(), Alias: rest.FirstOf(in.Alias, in.Name), Description: api.Val(in.Description),
		Size: size, Allocated: datacenter.Allocated(format, sparse, size, api.Val(in.InitialSize)), Format: format, Sparse: sparse,
		Shareable: api.Val(in.Shareable), Status: model.StatusLocked, Domains: []string{sd.ID}, Owner: c.User.Name, Content: model.FormatRaw}
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
	return DiskXML(d), nil
}

func UpdateDisk(c *rest.Call) (any, error) {
	const action = "edit Virtual Disk"
	d, err := diskOf(c)
	if err != nil {
		return nil, err
	}
	var in api.Disk
	if err := c.Read(&in); err != nil {
		return nil, err
	}
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
		sd, _ := c.Layout.Domain(d.Domains[0])
		if err := c.Reserve(action, sd, grow); err != nil {
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
		return DiskXML(d), nil
	}
	// The engine shows the new size once the extension is done.
	d.Status = model.StatusLocked
	c.Begin(&model.Task{Kind: datacenter.TaskDiskResize, Job: job.ID, Disk: d.ID, Size: size}, c.Config.Delays.Disk)
	out := DiskXML(d)
	return out, nil
}

func RemoveDisk(c *rest.Call) (any, error) {
	const action = "remove Virtual Disk"
	d, err := diskOf(c)
	if err != nil {
		return nil, err
	}
	if d.Template != "" {
		return nil, refuse.Conflict("Cannot %s. Cannot remove an image of a Template: remove the Template instead.", action)
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
func copyDisk(c *rest.Call) (any, error) {
	const action = "copy Virtual Disk"
	d, err := diskOf(c)
	if err != nil {
		return nil, err
	}
	var in api.Action
	if err := c.Read(&in); err != nil {
		return nil, err
	}
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
	twin.ID, twin.Image, twin.Domains, twin.Status, twin.Owner = datacenter.NewID(), datacenter.NewID(), []string{sd.ID}, model.StatusLocked, c.User.Name
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
