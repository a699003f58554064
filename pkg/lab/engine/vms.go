package engine

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func (e *Engine) vmXML(c *call, vm *model.VM) *api.VM {
	base := href("vms", vm.ID)
	out := &api.VM{
		Href: base, ID: vm.ID, Name: &vm.Name, Description: &vm.Description, Comment: &vm.Comment,
		Actions: actions(base, "autopincpuandnumanodes", "reboot", "reset", "shutdown", "start", "stop"),
		Links:   links(base, "diskattachments", "graphicsconsoles", "nics", "reporteddevices", "tags"),
		Cluster: api.To("clusters", vm.Cluster), Console: &api.Console{Enabled: &vm.Spec.Console}, CPU: &vm.Spec.CPU,
		CreationTime: stampOrNil(vm.Created), CustomProperties: api.Some(vm.Spec.Properties), DeleteProtected: &vm.DeleteProtected,
		Host: api.To("hosts", vm.Host), Initialization: vm.Spec.Initialization, InstanceType: api.To("instancetypes", vm.InstanceType),
		Memory: &vm.Spec.Memory, MemoryPolicy: &vm.Spec.MemoryPolicy, Origin: api.Ptr("ovirt"),
		OriginalTemplate: api.To("templates", vm.OriginalTemplate), OS: osXML(&vm.Spec), PlacementPolicy: placementXML(&vm.Spec),
		RunOnce: api.Ptr(false), SoundcardEnabled: &vm.Spec.Soundcard, StartTime: stampOrNil(vm.Started), Stateless: api.Ptr(false),
		Status: &vm.Status, StopTime: stampOrNil(vm.Stopped), Template: api.To("templates", vm.Template), Type: &vm.Spec.Type,
	}
	if vm.StopReason != "" {
		out.StopReason = &vm.StopReason
	}
	if c.follows("diskattachments") {
		out.DiskAttachments = api.Some(e.vmAttachments(c, vm))
	}
	if c.follows("nics") {
		out.Nics = api.Some(vmNICs(vm))
	}
	if c.follows("tags") {
		out.Tags = api.Some(e.vmTags(vm))
	}
	if c.follows("reporteddevices") {
		out.ReportedDevices = api.Some(e.reported(vm))
	}
	return out
}

func (e *Engine) vmFields(vm *model.VM) search.Fields {
	template, host := "", ""
	if t := e.st.Templates[vm.Template]; t != nil {
		template = t.Name
	}
	if h, ok := e.world.host(vm.Host); ok {
		host = h.Name
	}
	m := map[string][]string{"name": one(vm.Name), "id": one(vm.ID), "status": one(vm.Status), "description": one(vm.Description),
		"comment": one(vm.Comment), "os": one(vm.Spec.OS), "type": one(vm.Spec.Type), "template": one(template), "template.name": one(template),
		"host": one(host), "hosts.name": one(host), "cluster": one(e.world.cluster.Name), "cluster.name": one(e.world.cluster.Name),
		"datacenter": one(e.world.center.Name), "tag": nil}
	for _, id := range vm.Tags {
		if t := e.st.Tags[id]; t != nil {
			m["tag"] = append(m["tag"], t.Name)
		}
	}
	return fields(m)
}

func listVMs(c *call) (any, error) {
	for _, vm := range c.st.VMs {
		c.follow(vm)
	}
	hits, err := found(c, model.Sorted(c.st.VMs, func(v *model.VM) string { return v.Name }), c.vmFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.VM, len(hits))
	for i, vm := range hits {
		out[i] = c.vmXML(c, vm)
	}
	return list("vms", out)
}

// vm finds the VM a path means and looks how it is doing.
func (c *call) vm() (*model.VM, error) {
	vm, ok := c.st.VMs[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	c.follow(vm)
	return vm, nil
}

func (e *Engine) vmByRef(id string, name *string) *model.VM {
	if id != "" {
		return e.st.VMs[id]
	}
	for _, vm := range e.st.VMs {
		if vm.Name == api.Val(name) {
			return vm
		}
	}
	return nil
}

// vmUnlocked refuses to touch a VM whose disks are being worked on.
func (e *Engine) vmUnlocked(action string, vm *model.VM) error {
	e.follow(vm)
	if vm.Status == model.VMImageLocked {
		return conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
	}
	return nil
}

func getVM(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return c.vmXML(c, vm), nil
}

func (e *Engine) vmNameFree(action, name string, self *model.VM) error {
	for _, vm := range e.st.VMs {
		if vm != self && strings.EqualFold(vm.Name, name) {
			return conflict("Cannot %s. The VM name is already in use, please choose a unique name and try again.", action)
		}
	}
	return nil
}

func addVM(c *call) (any, error) {
	const action = "add VM"
	var in api.VM
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.Cluster == nil || in.Template == nil {
		return nil, incomplete("VM [name, cluster.id|name, template.id|name]", "add")
	}
	if err := checkName(action, "VM", *in.Name, c.cfg.MaxVMName); err != nil {
		return nil, err
	}
	w := c.world
	if in.Cluster.ID != w.cluster.ID && !(in.Cluster.ID == "" && api.Val(in.Cluster.Name) == w.cluster.Name) {
		return nil, invalid("Cannot %s. Cluster does not exist.", action)
	}
	t := c.templateByRef(in.Template)
	if t == nil {
		return nil, invalid("Cannot %s. The specified Template doesn't exist.", action)
	}
	if t.Status == model.StatusLocked {
		return nil, conflict("Cannot %s. Template is locked. Please try again in a few minutes.", action)
	}
	if t.Status == model.StatusIllegal {
		return nil, conflict("Cannot %s. The Template's image is illegal.", action)
	}
	if err := c.vmNameFree(action, *in.Name, nil); err != nil {
		return nil, err
	}
	vm := &model.VM{ID: newID(), Name: *in.Name, Cluster: w.cluster.ID, Template: t.ID, OriginalTemplate: t.ID,
		Status: model.VMDown, Consoles: []string{"vnc", "spice"}, Owner: c.user.Name, Created: c.clock.Now(), Spec: *clone(&t.Spec)}
	if err := c.applySpec(action, vm, &in); err != nil {
		return nil, err
	}
	fully := c.flag("clone") && t.ID != model.BlankTemplate
	pairs, disks, err := c.thaw(action, vm, t, &in, fully)
	if err != nil {
		return nil, err
	}
	for _, n := range t.NICs {
		mac, err := c.freeMAC()
		if err != nil {
			delete(c.st.VMs, vm.ID)
			return nil, err
		}
		copied := *n
		copied.ID, copied.MAC = newID(), mac
		vm.NICs = append(vm.NICs, &copied)
		c.st.VMs[vm.ID] = vm // so that the next card gets another address
	}
	if fully {
		vm.Template = model.BlankTemplate
	}
	for _, d := range disks {
		c.st.Disks[d.ID] = d
	}
	c.st.VMs[vm.ID] = vm
	job := c.job("Creating VM %s in Cluster %s", vm.Name, w.cluster.Name)
	if len(pairs) == 0 {
		c.endJob(job.ID, nil)
		return c.vmXML(c, vm), nil
	}
	vm.Status = model.VMImageLocked
	c.begin(&model.Task{Kind: taskVMCreate, Job: job.ID, VM: vm.ID, Pairs: pairs}, c.cfg.Delays.VM)
	return c.vmXML(c, vm), nil
}

func (e *Engine) templateByRef(ref *api.Ref) *model.Template {
	if ref.ID != "" {
		return e.st.Templates[ref.ID]
	}
	for _, t := range e.st.Templates {
		if t.Name == api.Val(ref.Name) {
			return t
		}
	}
	return nil
}

// thaw plans a new VM's disks from its template's. Fully cloned disks take
// what the original takes; thin ones start empty and keep the template alive.
func (c *call) thaw(action string, vm *model.VM, t *model.Template, in *api.VM, fully bool) ([]model.Pair, []*model.Disk, error) {
	var pairs []model.Pair
	var disks []*model.Disk
	need := map[string]int64{}
	for _, a := range t.Disks {
		from := c.st.Disks[a.Disk]
		if err := diskReady(action, from); err != nil {
			return nil, nil, err
		}
		d := *from
		d.ID, d.Image, d.Status, d.Template, d.Owner = newID(), newID(), model.StatusLocked, "", c.user.Name
		sd, _ := c.world.domain(from.Domains[0])
		for _, over := range api.Val(in.DiskAttachments) {
			if over.Disk == nil || over.ID != from.ID && over.Disk.ID != from.ID {
				continue
			}
			set(&d.Format, over.Disk.Format)
			set(&d.Sparse, over.Disk.Sparse)
			if over.Disk.Sparse == nil && d.Format == model.FormatCow {
				d.Sparse = true
			}
			d.Alias = firstOf(over.Disk.Alias, over.Disk.Name, &d.Alias)
			if len(api.Val(over.Disk.StorageDomains)) > 0 || over.Disk.StorageDomain != nil {
				var err error
				if sd, err = c.domainOf(over.Disk); err != nil {
					return nil, nil, err
				}
			}
		}
		if !fully && !contains(from.Domains, sd.ID) {
			return nil, nil, invalid("Cannot %s. The Template's disk %s is not on Storage Domain %s.", action, from.Alias, sd.Name)
		}
		if err := volumeFits(action, sd, d.Format, d.Sparse); err != nil {
			return nil, nil, err
		}
		d.Domains = []string{sd.ID}
		if !fully {
			d.Base = from.ID
		}
		d.Allocated = allocated(d.Format, d.Sparse, d.Size, 0)
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
		sd, _ := c.world.domain(id)
		if err := c.reserve(action, sd, bytes); err != nil {
			return nil, nil, err
		}
	}
	return pairs, disks, nil
}

// settleVM records how creating a VM ended.
func (e *Engine) settleVM(t *model.Task, err error) {
	vm := e.st.VMs[t.VM]
	if vm == nil {
		return
	}
	vm.Status = model.VMDown
	for _, a := range vm.Disks {
		d := e.st.Disks[a.Disk]
		d.Status = model.StatusOK
		if err != nil {
			d.Status = model.StatusIllegal
		}
	}
}

func updateVM(c *call) (any, error) {
	const action = "edit VM"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	var in api.VM
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if in.Name != nil && *in.Name != vm.Name {
		if err := checkName(action, "VM", *in.Name, c.cfg.MaxVMName); err != nil {
			return nil, err
		}
		if err := c.vmNameFree(action, *in.Name, vm); err != nil {
			return nil, err
		}
	}
	// Changes to a running VM's hardware wait for its next start, because the
	// machine got its description when it was switched on.
	changed := clone(vm)
	if err := c.applySpec(action, changed, &in); err != nil {
		return nil, err
	}
	*vm = *changed
	set(&vm.Name, in.Name)
	c.done("Editing VM %s", vm.Name)
	return c.vmXML(c, vm), nil
}

func removeVM(c *call) (any, error) {
	const action = "remove VM"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.DeleteProtected {
		return nil, conflict("Cannot %s. Delete protection is enabled. In order to delete, disable Delete protection first.", action)
	}
	if vm.Status != model.VMDown {
		return nil, conflict("Cannot %s. VM is running.", action)
	}
	job := c.job("Removing VM %s", vm.Name)
	task := &model.Task{Kind: taskVMRemove, Job: job.ID, VM: vm.ID}
	if c.flag("detach_only") {
		for _, a := range vm.Disks {
			if c.st.Disks[a.Disk].Base != "" {
				err := conflict("Cannot %s. Cannot detach disks that are based on a Template.", action)
				c.endJob(job.ID, err)
				return nil, err
			}
		}
		vm.Disks = nil
	}
	for _, a := range vm.Disks {
		if d := c.st.Disks[a.Disk]; d.Status == model.StatusLocked {
			err := diskReady(action, d)
			c.endJob(job.ID, err)
			return nil, err
		} else if !d.Shareable {
			task.Disks = append(task.Disks, d.ID)
		}
	}
	for _, id := range task.Disks {
		c.st.Disks[id].Status = model.StatusLocked
	}
	vm.Status = model.VMImageLocked
	ended := c.begin(task, c.cfg.Delays.VM)
	if !c.flag("async") {
		// Asked to remove a VM, the engine answers when its disks are gone.
		c.wait = ended
	}
	return complete(job), nil
}

// settleVMRemoval records how removing a VM ended.
func (e *Engine) settleVMRemoval(t *model.Task, err error) {
	vm := e.st.VMs[t.VM]
	if vm == nil {
		return
	}
	if err != nil {
		vm.Status = model.VMDown
		for _, id := range t.Disks {
			e.st.Disks[id].Status = model.StatusIllegal
		}
		return
	}
	for _, id := range t.Disks {
		delete(e.st.Disks, id)
	}
	for _, g := range e.st.Groups {
		g.VMs = without(g.VMs, vm.ID)
	}
	delete(e.st.VMs, vm.ID)
}
