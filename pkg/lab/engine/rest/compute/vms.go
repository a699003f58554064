package compute

import (
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// isName is what the engine takes as a name for VMs, templates and tags.
func isName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r)) {
			return false
		}
	}
	return s != ""
}

func checkName(action, kind, name string, longest int) error {
	switch {
	case name == "":
		return refuse.Invalid("Cannot %s. %s name may not be empty.", action, kind)
	case !isName(name):
		return refuse.Invalid("Cannot %s. The given name contains special characters. Only lower-case and upper-case letters, numbers, '_', '-', '.' are allowed.", action)
	case len(name) > longest:
		return refuse.Invalid("Cannot %s. %s name is too long: it cannot have more than %d characters.", action, kind, longest)
	}
	return nil
}

func vmXML(c *rest.Call, vm *model.VM) *api.VM {
	base := rest.Href("vms", vm.ID)
	out := &api.VM{
		Href: base, ID: vm.ID, Name: &vm.Name, Description: &vm.Description, Comment: &vm.Comment,
		Actions: rest.Actions(base, "autopincpuandnumanodes", "reboot", "reset", "shutdown", "start", "stop"),
		Links:   rest.Links(base, "diskattachments", "graphicsconsoles", "nics", "reporteddevices", "tags"),
		Cluster: api.To("clusters", vm.Cluster), Console: &api.Console{Enabled: &vm.Spec.Console}, CPU: &vm.Spec.CPU,
		CreationTime: rest.StampOrNil(vm.Created), CustomProperties: api.Some(vm.Spec.Properties), DeleteProtected: &vm.DeleteProtected,
		Host: api.To("hosts", vm.Host), Initialization: vm.Spec.Initialization, InstanceType: api.To("instancetypes", vm.InstanceType),
		Memory: &vm.Spec.Memory, MemoryPolicy: &vm.Spec.MemoryPolicy, Origin: api.Ptr("ovirt"),
		OriginalTemplate: api.To("templates", vm.OriginalTemplate), OS: osXML(&vm.Spec), PlacementPolicy: placementXML(&vm.Spec),
		RunOnce: api.Ptr(false), SoundcardEnabled: &vm.Spec.Soundcard, StartTime: rest.StampOrNil(vm.Started), Stateless: api.Ptr(false),
		Status: &vm.Status, StopTime: rest.StampOrNil(vm.Stopped), Template: api.To("templates", vm.Template), Type: &vm.Spec.Type,
	}
	if vm.StopReason != "" {
		out.StopReason = &vm.StopReason
	}
	if c.Follows("diskattachments") {
		out.DiskAttachments = api.Some(vmAttachments(c, vm))
	}
	if c.Follows("nics") {
		out.Nics = api.Some(vmNICs(vm))
	}
	if c.Follows("tags") {
		out.Tags = api.Some(vmTags(c, vm))
	}
	if c.Follows("reporteddevices") {
		out.ReportedDevices = api.Some(reported(c, vm))
	}
	return out
}

func vmFields(c *rest.Call, vm *model.VM) search.Fields {
	template, host := "", ""
	if t := c.State.Templates[vm.Template]; t != nil {
		template = t.Name
	}
	if h, ok := c.Layout.Host(vm.Host); ok {
		host = h.Name
	}
	m := map[string][]string{"name": rest.One(vm.Name), "id": rest.One(vm.ID), "status": rest.One(vm.Status), "description": rest.One(vm.Description),
		"comment": rest.One(vm.Comment), "os": rest.One(vm.Spec.OS), "type": rest.One(vm.Spec.Type), "template": rest.One(template), "template.name": rest.One(template),
		"host": rest.One(host), "hosts.name": rest.One(host), "cluster": rest.One(c.Layout.Cluster.Name), "cluster.name": rest.One(c.Layout.Cluster.Name),
		"datacenter": rest.One(c.Layout.Center.Name), "tag": nil}
	for _, id := range vm.Tags {
		if t := c.State.Tags[id]; t != nil {
			m["tag"] = append(m["tag"], t.Name)
		}
	}
	return rest.Fields(m)
}

func listVMs(c *rest.Call) (any, error) {
	for _, vm := range c.State.VMs {
		c.Follow(vm)
	}
	hits, err := rest.Found(c, model.Sorted(c.State.VMs, func(v *model.VM) string { return v.Name }), vmFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.VM, len(hits))
	for i, vm := range hits {
		out[i] = vmXML(c, vm)
	}
	return rest.List("vms", out)
}

// vm finds the VM a path means and looks how it is doing.
func vmOf(c *rest.Call) (*model.VM, error) {
	vm, ok := c.State.VMs[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	c.Follow(vm)
	return vm, nil
}

func getVM(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return vmXML(c, vm), nil
}

func addVM(c *rest.Call) (any, error) {
	const action = "add VM"
	var in api.VM
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.Cluster == nil || in.Template == nil {
		return nil, refuse.Incomplete("VM [name, cluster.id|name, template.id|name]", "add")
	}
	if err := checkName(action, "VM", *in.Name, c.Config.MaxVMName); err != nil {
		return nil, err
	}
	w := c.Layout
	if in.Cluster.ID != w.Cluster.ID && !(in.Cluster.ID == "" && api.Val(in.Cluster.Name) == w.Cluster.Name) {
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
	vm := &model.VM{ID: datacenter.NewID(), Name: *in.Name, Cluster: w.Cluster.ID, Template: t.ID, OriginalTemplate: t.ID,
		Status: model.VMDown, Consoles: []string{"vnc", "spice"}, Owner: c.User.Name, Created: c.Clock.Now(), Spec: *datacenter.Clone(&t.Spec)}
	if err := applySpec(c, action, vm, &in); err != nil {
		return nil, err
	}
	fully := c.Flag("clone") && t.ID != model.BlankTemplate
	pairs, disks, err := thaw(c, action, vm, t, &in, fully)
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
	job := c.Job("Creating VM %s in Cluster %s", vm.Name, w.Cluster.Name)
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
func thaw(c *rest.Call, action string, vm *model.VM, t *model.Template, in *api.VM, fully bool) ([]model.Pair, []*model.Disk, error) {
	var pairs []model.Pair
	var disks []*model.Disk
	need := map[string]int64{}
	for _, a := range t.Disks {
		from := c.State.Disks[a.Disk]
		if err := datacenter.DiskReady(action, from); err != nil {
			return nil, nil, err
		}
		d := *from
		d.ID, d.Image, d.Status, d.Template, d.Owner = datacenter.NewID(), datacenter.NewID(), model.StatusLocked, "", c.User.Name
		sd, _ := c.Layout.Domain(from.Domains[0])
		for _, over := range api.Val(in.DiskAttachments) {
			if over.Disk == nil || over.ID != from.ID && over.Disk.ID != from.ID {
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
					return nil, nil, err
				}
			}
		}
		if !fully && !slices.Contains(from.Domains, sd.ID) {
			return nil, nil, refuse.Invalid("Cannot %s. The Template's disk %s is not on Storage Domain %s.", action, from.Alias, sd.Name)
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
	for id, bytes := range need {
		sd, _ := c.Layout.Domain(id)
		if err := c.Reserve(action, sd, bytes); err != nil {
			return nil, nil, err
		}
	}
	return pairs, disks, nil
}

func updateVM(c *rest.Call) (any, error) {
	const action = "edit VM"
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	var in api.VM
	if err := c.Read(&in); err != nil {
		return nil, err
	}
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
	if err := applySpec(c, action, changed, &in); err != nil {
		return nil, err
	}
	*vm = *changed
	rest.Set(&vm.Name, in.Name)
	c.Done("Editing VM %s", vm.Name)
	return vmXML(c, vm), nil
}

func removeVM(c *rest.Call) (any, error) {
	const action = "remove VM"
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.DeleteProtected {
		return nil, refuse.Conflict("Cannot %s. Delete protection is enabled. In order to delete, disable Delete protection first.", action)
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
