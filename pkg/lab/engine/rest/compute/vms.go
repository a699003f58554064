package compute

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func allVMs(c *rest.Call) ([]*model.VM, error) {
	for _, vm := range c.State.VMs {
		c.Follow(vm)
	}
	return model.Sorted(c.State.VMs, func(v *model.VM) string { return v.Name }), nil
}

// vmOf finds a VM and brings its status up to date.
func vmOf(c *rest.Call) (*model.VM, error) {
	vm, err := rest.Find(c, c.State.VMs)
	if err != nil {
		return nil, err
	}
	c.Follow(vm)
	return vm, nil
}

func vmFields(c *rest.Call, vm *model.VM) search.Fields {
	template, host := "", ""
	if t := c.State.Templates[vm.Template]; t != nil {
		template = t.Name
	}
	if h := c.Layout.Host(vm.Host); h != nil {
		host = h.Name
	}
	cluster := c.Layout.Cluster.Name
	var tags []string
	for _, id := range vm.Tags {
		if t := c.State.Tags[id]; t != nil {
			tags = append(tags, t.Name)
		}
	}
	return rest.Fields(map[string]string{
		"name": vm.Name, "id": vm.ID, "status": vm.Status, "description": vm.Description, "comment": vm.Comment,
		"os": vm.Spec.OS, "type": vm.Spec.Type, "template": template, "template.name": template,
		"host": host, "hosts.name": host, "cluster": cluster, "cluster.name": cluster,
		"datacenter": c.Layout.Center.Name,
	}, map[string][]string{"tag": tags})
}

func vmXML(c *rest.Call, vm *model.VM) *api.VM {
	base := rest.Href("vms", vm.ID)
	spec := &vm.Spec
	out := &api.VM{
		Href: base, ID: vm.ID, Name: &vm.Name, Description: &vm.Description, Comment: &vm.Comment,
		Actions: rest.Actions(base, "autopincpuandnumanodes", "reboot", "reset", "shutdown", "start", "stop"),
		Links:   rest.Links(base, "diskattachments", "graphicsconsoles", "nics", "reporteddevices", "tags"),
		Cluster: api.To("clusters", vm.Cluster), Console: &api.Console{Enabled: &spec.Console}, CPU: &spec.CPU,
		CreationTime: rest.StampOrNil(vm.Created), CustomProperties: api.Some(spec.Properties),
		DeleteProtected: &vm.DeleteProtected, Host: api.To("hosts", vm.Host), Initialization: spec.Initialization,
		InstanceType: api.To("instancetypes", vm.InstanceType), Memory: &spec.Memory,
		MemoryPolicy: &spec.MemoryPolicy, Origin: api.Ptr("ovirt"),
		OriginalTemplate: api.To("templates", vm.OriginalTemplate), OS: osXML(spec),
		PlacementPolicy: placementXML(spec), RunOnce: api.Ptr(false), SoundcardEnabled: &spec.Soundcard,
		StartTime: rest.StampOrNil(vm.Started), Stateless: api.Ptr(false), Status: &vm.Status,
		StopTime: rest.StampOrNil(vm.Stopped), Template: api.To("templates", vm.Template), Type: &spec.Type,
	}
	if vm.StopReason != "" {
		out.StopReason = &vm.StopReason
	}
	if c.Follows("diskattachments") {
		out.DiskAttachments = api.Some(vmAttachments(c, vm))
	}
	if c.Follows("nics") {
		out.Nics = api.Some(vmNICs(c, vm))
	}
	if c.Follows("tags") {
		out.Tags = api.Some(vmTags(c, vm))
	}
	if c.Follows("reporteddevices") {
		out.ReportedDevices = api.Some(reported(c, vm))
	}
	return out
}

func addVM(c *rest.Call, in *api.VM) (any, error) {
	const action = "add VM"
	if in.Name == nil || in.Cluster == nil || in.Template == nil {
		return nil, refuse.Incomplete("VM [name, cluster.id|name, template.id|name]", "add")
	}
	if err := checkName(action, "VM", *in.Name, c.Config.MaxVMName); err != nil {
		return nil, err
	}
	cluster := &c.Layout.Cluster
	if !in.Cluster.Means(cluster.ID, cluster.Name) {
		return nil, refuse.Invalid("Cannot %s. Cluster does not exist.", action)
	}
	t := c.TemplateByRef(in.Template)
	if t == nil {
		return nil, refuse.Invalid("Cannot %s. The specified Template doesn't exist.", action)
	}
	if t.Status == model.StatusLocked {
		return nil, refuse.Conflict("Cannot %s. Template is locked. Please try again in a few minutes.", action)
	}
	if t.Status == model.StatusIllegal {
		return nil, refuse.Conflict("Cannot %s. The Template's image is illegal.", action)
	}
	if err := c.VMNameFree(action, *in.Name, nil); err != nil {
		return nil, err
	}
	vm := &model.VM{
		ID: datacenter.NewID(), Name: *in.Name, Cluster: cluster.ID, Template: t.ID, OriginalTemplate: t.ID,
		Status: model.VMDown, Consoles: []string{"vnc", "spice"}, Owner: c.User.Name, Created: c.Clock.Now(),
		Spec: *datacenter.Clone(&t.Spec),
	}
	if err := applySpec(c, action, vm, in); err != nil {
		return nil, err
	}
	fully := c.Flag("clone") && t.ID != model.BlankTemplate
	pairs, disks, err := thaw(c, action, vm, t, in, fully)
	if err != nil {
		return nil, err
	}
	for _, n := range t.NICs {
		mac, err := c.FreeMAC()
		if err != nil {
			delete(c.State.VMs, vm.ID)
			return nil, err
		}
		copied := *n
		copied.ID, copied.MAC = datacenter.NewID(), mac
		vm.NICs = append(vm.NICs, &copied)
		c.State.VMs[vm.ID] = vm // so that the next card gets another address
	}
	if fully {
		vm.Template = model.BlankTemplate
	}
	for _, d := range disks {
		c.State.Disks[d.ID] = d
	}
	c.State.VMs[vm.ID] = vm
	job := c.Job("Creating VM %s in Cluster %s", vm.Name, cluster.Name)
	if len(pairs) == 0 {
		c.EndJob(job.ID, nil)
		return vmXML(c, vm), nil
	}
	vm.Status = model.VMImageLocked
	c.Begin(&model.Task{Kind: datacenter.TaskVMCreate, Job: job.ID, VM: vm.ID, Pairs: pairs}, c.Config.Delays.VM)
	return vmXML(c, vm), nil
}

// thaw plans a new VM's disks from its template's. Fully cloned disks take
// what the original takes; thin ones start empty and keep the template alive.
func thaw(
	c *rest.Call, action string, vm *model.VM, t *model.Template, in *api.VM, fully bool,
) ([]model.Pair, []*model.Disk, error) {
	var pairs []model.Pair
	var disks []*model.Disk
	need := map[string]int64{}
	for _, a := range t.Disks {
		from := c.State.Disks[a.Disk]
		if err := datacenter.DiskReady(action, from); err != nil {
			return nil, nil, err
		}
		d := *from
		d.ID, d.Image, d.Template = datacenter.NewID(), datacenter.NewID(), ""
		d.Status, d.Owner = model.StatusLocked, c.User.Name
		sd, err := override(c, &d, from.ID, in)
		if err != nil {
			return nil, nil, err
		}
		if !fully && !slices.Contains(from.Domains, sd.ID) {
			return nil, nil, refuse.Invalid("Cannot %s. The Template's disk %s is not on Storage Domain %s.",
				action, from.Alias, sd.Name)
		}
		if err := datacenter.VolumeFits(action, sd, d.Format, d.Sparse); err != nil {
			return nil, nil, err
		}
		d.Domains = []string{sd.ID}
		if !fully {
			d.Base = from.ID
		}
		d.Allocated = datacenter.Allocated(d.Format, d.Sparse, d.Size, 0)
		if fully && d.Sparse {
			d.Allocated = max(d.Allocated, min(from.Allocated, d.Size))
		}
		need[sd.ID] += d.Allocated
		disks = append(disks, &d)
		at := *a
		at.Disk = d.ID
		vm.Disks = append(vm.Disks, &at)
		pairs = append(pairs, model.Pair{From: from.ID, To: d.ID})
	}
	return pairs, disks, reserve(c, action, need)
}

// override applies what a request asks for in place of a template's disk, and
// returns the storage domain.
func override(c *rest.Call, d *model.Disk, template string, in *api.VM) (*datacenter.KnownDomain, error) {
	sd := c.Layout.Domain(d.Domains[0])
	for _, over := range api.Val(in.DiskAttachments) {
		if over.Disk == nil || over.ID != template && over.Disk.ID != template {
			continue
		}
		rest.Set(&d.Format, over.Disk.Format)
		rest.Set(&d.Sparse, over.Disk.Sparse)
		if over.Disk.Sparse == nil && d.Format == model.FormatCow {
			d.Sparse = true
		}
		d.Alias = rest.FirstOf(over.Disk.Alias, over.Disk.Name, &d.Alias)
		if len(api.Val(over.Disk.StorageDomains)) > 0 || over.Disk.StorageDomain != nil {
			var err error
			if sd, err = c.DomainOf(over.Disk); err != nil {
				return nil, err
			}
		}
	}
	return sd, nil
}

// reserve checks that storage domains can take more bytes, by domain.
func reserve(c *rest.Call, action string, need map[string]int64) error {
	for id, bytes := range need {
		if err := c.Reserve(action, c.Layout.Domain(id), bytes); err != nil {
			return err
		}
	}
	return nil
}

func updateVM(c *rest.Call, vm *model.VM, in *api.VM) (any, error) {
	const action = "edit VM"
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if in.Name != nil && *in.Name != vm.Name {
		if err := checkName(action, "VM", *in.Name, c.Config.MaxVMName); err != nil {
			return nil, err
		}
		if err := c.VMNameFree(action, *in.Name, vm); err != nil {
			return nil, err
		}
	}
	// Changes to a running VM's hardware wait for its next start, because the
	// machine got its description when it was switched on.
	changed := datacenter.Clone(vm)
	if err := applySpec(c, action, changed, in); err != nil {
		return nil, err
	}
	*vm = *changed
	rest.Set(&vm.Name, in.Name)
	c.Done("Editing VM %s", vm.Name)
	return vmXML(c, vm), nil
}

func removeVM(c *rest.Call, vm *model.VM) (any, error) {
	const action = "remove VM"
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.DeleteProtected {
		return nil, refuse.Conflict("Cannot %s. Delete protection is enabled. "+
			"In order to delete, disable Delete protection first.", action)
	}
	if vm.Status != model.VMDown {
		return nil, refuse.Conflict("Cannot %s. VM is running.", action)
	}
	job := c.Job("Removing VM %s", vm.Name)
	task := &model.Task{Kind: datacenter.TaskVMRemove, Job: job.ID, VM: vm.ID}
	if c.Flag("detach_only") {
		for _, a := range vm.Disks {
			if c.State.Disks[a.Disk].Base != "" {
				err := refuse.Conflict("Cannot %s. Cannot detach disks that are based on a Template.", action)
				c.EndJob(job.ID, err)
				return nil, err
			}
		}
		vm.Disks = nil
	}
	for _, a := range vm.Disks {
		if d := c.State.Disks[a.Disk]; d.Status == model.StatusLocked {
			err := datacenter.DiskReady(action, d)
			c.EndJob(job.ID, err)
			return nil, err
		} else if !d.Shareable {
			task.Disks = append(task.Disks, d.ID)
		}
	}
	for _, id := range task.Disks {
		c.State.Disks[id].Status = model.StatusLocked
	}
	vm.Status = model.VMImageLocked
	ended := c.Begin(task, c.Config.Delays.VM)
	if !c.Flag("async") {
		// Asked to remove a VM, the engine answers when its disks are gone.
		c.Wait = ended
	}
	return rest.Complete(job), nil
}
