package storage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

const minDisk = 1 << 20

var disks = rest.Collection[model.Disk]{
	Name: "disks", All: allDisks, Find: diskOf, Fields: diskFields,
	Document: func(_ *rest.Call, d *model.Disk) *api.Element { return DiskXML(d) },
}

// allDisks are those of a storage domain, if the path is below one.
func allDisks(c *rest.Call) ([]*model.Disk, error) {
	all := model.Sorted(c.State.Disks, func(d *model.Disk) string { return d.Alias })
	if c.ID("id") == "" {
		return all, nil
	}
	domain, err := domains.Find(c)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(d *model.Disk) bool { return !slices.Contains(d.Domains, domain.ID) }), nil
}

// diskOf finds a disk, below /disks or below a storage domain.
func diskOf(c *rest.Call) (*model.Disk, error) {
	d := c.State.Disks[c.ID("id")]
	if domain := c.ID("domain"); d != nil && domain != "" && !slices.Contains(d.Domains, domain) {
		d = nil
	}
	return rest.Known(d)
}

func diskFields(c *rest.Call, d *model.Disk) search.Fields {
	user, _ := c.DiskUser(d.ID)
	vm := api.Val(user).Name
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
func DiskXML(d *model.Disk) *api.Element {
	out := api.Object("disk", "disks", d.ID).Actions("copy", "move", "export", "sparsify").
		Links("permissions", "statistics").
		Set("name", d.Alias).Set("description", d.Description).Set("alias", d.Alias).
		Set("actual_size", d.Allocated).Set("backup", "none").Set("content_type", cmp.Or(d.Holds, model.ContentData)).
		Set("format", d.Format).
		Set("image_id", d.Image).Set("propagate_errors", false).Set("provisioned_size", d.Size)
	if d.Format == model.FormatCow {
		out.Set("qcow_version", "qcow2_v3")
	}
	return out.Set("shareable", d.Shareable).Set("sparse", d.Sparse).Set("status", d.Status).
		Some("storage_domains", api.Refs("storage_domain", "storagedomains", d.Domains)).
		Set("storage_type", "image").Set("total_size", d.Allocated).Set("wipe_after_delete", false)
}

// AddDisk makes a disk.
func AddDisk(c *rest.Call, in *api.Disk) (*api.Element, error) {
	const action refuse.Action = "add Virtual Disk"
	if in.ProvisionedSize == nil || in.Format == nil {
		return nil, refuse.Incomplete("Disk [provisionedSize, format]", "add")
	}
	sd, err := c.DomainOf(in)
	if err != nil {
		return nil, err
	}
	size, format := *in.ProvisionedSize, *in.Format
	sparse := format == model.FormatCow
	rest.Set(&sparse, in.Sparse)
	d := &model.Disk{
		ID: datacenter.NewID(), Image: datacenter.NewID(), Alias: api.Val(in.Title()),
		Description: api.Val(in.Description), Size: size, Format: format, Sparse: sparse,
		Allocated: datacenter.Allocated(format, sparse, size, api.Val(in.InitialSize)),
		Shareable: api.Val(in.Shareable), Status: model.StatusLocked, Domains: []string{sd.ID},
		Owner: c.User.Name, Content: model.FormatRaw,
	}
	if holds := api.Val(in.ContentType); holds != model.ContentData {
		d.Holds = holds
	}
	if err := cmp.Or(
		action.InvalidIf(d.Holds != "" && d.Holds != model.ContentISO, "Disk content type %q is not supported.", d.Holds),
		action.InvalidIf(d.Holds != "" && format != model.FormatRaw, "ISO disks must have format RAW."),
		action.InvalidIf(size < minDisk, "Disk size must be at least 1 MB."),
		datacenter.VolumeFits(action, sd, format, sparse),
		action.ConflictIf(c.State.Disks[in.ID] != nil, "Disk image already exists."),
		c.Reserve(action, sd, d.Allocated),
	); err != nil {
		return nil, err
	}
	c.State.Disks[d.ID] = d
	job := c.Job("Adding Disk %s", d.Alias)
	c.Begin(&model.Task{Kind: datacenter.TaskDiskCreate, Job: job.ID, Disk: d.ID, Size: size}, c.Config.Delays.Disk)
	return DiskXML(d), nil
}

// UpdateDisk changes a disk; it can only grow.
func UpdateDisk(c *rest.Call, d *model.Disk, in *api.Disk) (*api.Element, error) {
	const action refuse.Action = "edit Virtual Disk"
	size := d.Size
	rest.Set(&size, in.ProvisionedSize)
	grow := size - d.Size
	err := cmp.Or(
		datacenter.DiskReady(action, d),
		action.ConflictIf(grow < 0, "New disk size cannot be smaller than the current."),
		action.ConflictIf(grow > 0 && d.Template != "", "This disk is a part of a template."),
	)
	if vm, _ := c.DiskUser(d.ID); err == nil && vm != nil {
		err = c.Unlocked(action, vm)
	}
	if err == nil && grow > 0 && !d.Sparse {
		err = c.Reserve(action, c.Layout.Domain(d.Domains[0]), grow)
	}
	if err != nil {
		return nil, err
	}
	rest.Set(&d.Alias, in.Title())
	rest.Set(&d.Description, in.Description)
	job := c.Job("Editing Disk %s", d.Alias)
	if grow == 0 {
		c.EndJob(job.ID, nil)
		return DiskXML(d), nil
	}
	// The engine shows the new size once the extension is done.
	d.Status = model.StatusLocked
	c.Begin(&model.Task{Kind: datacenter.TaskDiskResize, Job: job.ID, Disk: d.ID, Size: size}, c.Config.Delays.Disk)
	return DiskXML(d), nil
}

// RemoveDisk removes a disk that no running VM uses.
func RemoveDisk(c *rest.Call, d *model.Disk) (*api.Element, error) {
	const action refuse.Action = "remove Virtual Disk"
	if d.Template != "" {
		return nil, action.Conflict("Cannot remove an image of a Template: remove the Template instead.")
	}
	if err := datacenter.DiskUnlocked(action, d); err != nil {
		return nil, err
	}
	if users := c.CDUsers(d.ID); len(users) > 0 {
		return nil, action.Conflict("ISO disk %s is attached to the following running VMs: %s.", d.Alias,
			strings.Join(users, ", "))
	}
	if vm, a := c.DiskUser(d.ID); vm != nil {
		if err := cmp.Or(
			c.Unlocked(action, vm),
			action.ConflictIf(vm.Status != model.VMDown && a.Active, "At least one of the VMs is not down."),
		); err != nil {
			return nil, err
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
func copyDisk(c *rest.Call, d *model.Disk, in *api.Action) (*api.Element, error) {
	const action refuse.Action = "copy Virtual Disk"
	if in.StorageDomain == nil {
		return nil, refuse.Incomplete("Action [storageDomain.id|name]", "copy")
	}
	sd, err := c.DomainByRef(in.StorageDomain)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(datacenter.DiskReady(action, d), c.Reserve(action, sd, d.Allocated)); err != nil {
		return nil, err
	}
	if d.Template != "" {
		if slices.Contains(d.Domains, sd.ID) {
			return nil, action.Conflict("The target Storage Domain already contains the disk.")
		}
		d.Status = model.StatusLocked
		job := c.Job("Copying Template Disk %s", d.Alias)
		c.Begin(&model.Task{Kind: datacenter.TaskDiskMove, Job: job.ID, Disk: d.ID, Domain: sd.ID}, c.Config.Delays.Disk)
		return rest.Complete(job), nil
	}
	twin := datacenter.Clone(d)
	twin.ID, twin.Image, twin.Domains = datacenter.NewID(), datacenter.NewID(), []string{sd.ID}
	twin.Status, twin.Owner = model.StatusLocked, c.User.Name
	if in.Disk != nil {
		rest.Set(&twin.Alias, in.Disk.Title())
	}
	c.State.Disks[twin.ID] = twin
	d.Status = model.StatusLocked
	job := c.Job("Copying Disk %s", d.Alias)
	c.Begin(&model.Task{Kind: datacenter.TaskDiskCopy, Job: job.ID, Disk: d.ID, Disks: []string{d.ID, twin.ID},
		Pairs: []model.Pair{{From: d.ID, To: twin.ID}}}, c.Config.Delays.Disk)
	return rest.Complete(job).Refer("disk", "disks", twin.ID), nil
}

var domains = rest.Collection[datacenter.KnownDomain]{
	Name: "storage_domains",
	All:  func(c *rest.Call) ([]*datacenter.KnownDomain, error) { return c.Layout.Domains, c.InCenter() },
	Find: func(c *rest.Call) (*datacenter.KnownDomain, error) { return rest.Known(c.Layout.Domain(c.ID("id"))) },
	Fields: func(c *rest.Call, d *datacenter.KnownDomain) search.Fields {
		return rest.Fields(map[string]string{
			"name": d.Name, "id": d.ID, "status": c.DomainStatus(d), "type": "data",
			"datacenter": c.Layout.Center.Name, "description": "", "comment": "",
		}, nil)
	},
	Document: domainXML,
}

func domainXML(c *rest.Call, d *datacenter.KnownDomain) *api.Element {
	used, committed := c.Used(d.ID), int64(0)
	for _, disk := range c.State.Disks {
		if slices.Contains(disk.Domains, d.ID) {
			committed += disk.Size
		}
	}
	return api.Object("storage_domain", "storagedomains", d.ID).Links("disks", "templates", "vms").
		Set("name", d.Name).Set("description", "").Set("comment", "").
		Set("available", d.Size-used).Set("committed", committed).
		Add(api.New("data_centers").Refer("data_center", "datacenters", c.Layout.Center.ID)).
		Set("external_status", "ok").Set("master", d.Master).Set("status", c.DomainStatus(d)).
		Add(api.New("storage").Set("type", d.Type)).Set("storage_format", "v5").Set("type", "data").Set("used", used)
}
