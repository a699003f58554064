package compute

import (
	"cmp"
	"regexp"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

var vms = rest.Collection[model.VM]{Name: "vms", All: allVMs, Find: vmOf, Fields: vmFields, Document: vmXML}

func allVMs(c *rest.Call) ([]*model.VM, error) {
	for _, vm := range c.State.VMs {
		c.Follow(vm)
	}
	return model.Sorted(c.State.VMs, func(v *model.VM) string { return v.Name }), nil
}

// vmOf finds a VM and brings its status up to date.
func vmOf(c *rest.Call) (*model.VM, error) {
	vm, err := rest.Known(c.State.VMs[c.ID("id")])
	if err == nil {
		c.Follow(vm)
	}
	return vm, err
}

func vmFields(c *rest.Call, vm *model.VM) search.Fields {
	template := api.Val(c.State.Templates[vm.Template]).Name
	host := api.Val(c.Layout.Host(vm.Host)).Name
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

func vmXML(c *rest.Call, vm *model.VM) *api.Element {
	spec := &vm.Spec
	out := api.Object("vm", "vms", vm.ID).
		Actions("autopincpuandnumanodes", "reboot", "reset", "shutdown", "start", "stop").
		Links("cdroms", "diskattachments", "graphicsconsoles", "nics", "reporteddevices", "tags").
		Set("name", vm.Name).Set("description", vm.Description).Set("comment", vm.Comment).
		Refer("cluster", "clusters", vm.Cluster).Add(consoleXML(spec)).Set("cpu", spec.CPU).
		SetTime("creation_time", vm.Created).Some("custom_properties", propertiesXML(spec)).
		Set("delete_protected", vm.DeleteProtected).Refer("host", "hosts", vm.Host).
		Set("initialization", spec.Initialization).Refer("instance_type", "instancetypes", vm.InstanceType).
		Set("memory", spec.Memory).Set("memory_policy", spec.MemoryPolicy).Set("origin", "ovirt").
		Refer("original_template", "templates", vm.OriginalTemplate).Add(osXML(spec), placementXML(spec)).
		Set("run_once", len(vm.Once) > 0).Set("soundcard_enabled", spec.Soundcard).SetTime("start_time", vm.Started).
		Set("stateless", false).Set("status", vm.Status)
	if vm.StopReason != "" {
		out.Set("stop_reason", vm.StopReason)
	}
	out.SetTime("stop_time", vm.Stopped).Refer("template", "templates", vm.Template).Set("type", spec.Type)
	if c.Follows("cdroms") {
		out.Some("cdroms", vmCDs(c, vm))
	}
	if c.Follows("diskattachments") {
		out.Some("disk_attachments", vmAttachments(c, vm))
	}
	if c.Follows("nics") {
		out.Some("nics", vmNICs(c, vm))
	}
	if c.Follows("tags") {
		out.Some("tags", vmTags(c, vm))
	}
	if c.Follows("reporteddevices") {
		out.Some("reported_devices", reported(c, vm))
	}
	return out
}

var isName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// checkName refuses what the engine does not take as a name of a VM or a
// template.
func checkName(action refuse.Action, kind, name string, longest int) error {
	switch {
	case name == "":
		return action.Invalid("%s name may not be empty.", kind)
	case !isName.MatchString(name):
		return action.Invalid("The given name contains special characters. Only lower-case and upper-case " +
			"letters, numbers, '_', '-', '.' are allowed.")
	case len(name) > longest:
		return action.Invalid("%s name is too long: it cannot have more than %d characters.", kind, longest)
	}
	return nil
}

func addVM(c *rest.Call, in *api.VM) (*api.Element, error) {
	const action refuse.Action = "add VM"
	if in.Name == nil || in.Cluster == nil || in.Template == nil {
		return nil, refuse.Incomplete("VM [name, cluster.id|name, template.id|name]", "add")
	}
	cluster, t := &c.Layout.Cluster, c.TemplateByRef(in.Template)
	if err := cmp.Or(
		checkName(action, "VM", *in.Name, c.Config.MaxVMName),
		action.InvalidIf(!in.Cluster.Means(cluster.ID, cluster.Name), "Cluster does not exist."),
		action.InvalidIf(t == nil, "The specified Template doesn't exist."),
	); err != nil {
		return nil, err
	}
	vm := &model.VM{
		ID: datacenter.NewID(), Name: *in.Name, Cluster: cluster.ID, Template: t.ID, OriginalTemplate: t.ID,
		Status: model.VMDown, Consoles: []string{"vnc", "spice"}, Owner: c.User.Name, Created: c.Clock.Now(),
		Spec: *datacenter.Clone(&t.Spec),
	}
	if err := cmp.Or(
		unlockedTemplate(action, t),
		action.ConflictIf(t.Status == model.StatusIllegal, "The Template's image is illegal."),
		c.VMNameFree(action, *in.Name, nil),
		applySpec(c, action, vm, in),
	); err != nil {
		return nil, err
	}
	fully := c.Flag("clone") && t.ID != model.BlankTemplate
	disks, err := planCopies(c, action, t.Disks, func(d, original *model.Disk) error {
		return thaw(c, action, d, original, in, fully)
	})
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
	vm.Disks = disks.keep(c)
	c.State.VMs[vm.ID] = vm
	job := c.Job("Creating VM %s in Cluster %s", vm.Name, cluster.Name)
	if len(disks.pairs) == 0 {
		c.EndJob(job.ID, nil)
		return vmXML(c, vm), nil
	}
	vm.Status = model.VMImageLocked
	task := &model.Task{Kind: datacenter.TaskVMCreate, Job: job.ID, VM: vm.ID, Pairs: disks.pairs}
	c.Begin(task, c.Config.Delays.VM)
	return vmXML(c, vm), nil
}

func updateVM(c *rest.Call, vm *model.VM, in *api.VM) (*api.Element, error) {
	const action refuse.Action = "edit VM"
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if name := api.Val(in.Name); in.Name != nil && name != vm.Name {
		err := cmp.Or(checkName(action, "VM", name, c.Config.MaxVMName), c.VMNameFree(action, name, vm))
		if err != nil {
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

func removeVM(c *rest.Call, vm *model.VM) (*api.Element, error) {
	const action refuse.Action = "remove VM"
	if err := cmp.Or(
		c.Unlocked(action, vm),
		action.ConflictIf(vm.DeleteProtected, "Delete protection is enabled. "+
			"In order to delete, disable Delete protection first."),
		action.ConflictIf(vm.Status != model.VMDown, "VM is running."),
	); err != nil {
		return nil, err
	}
	job := c.Job("Removing VM %s", vm.Name)
	task := &model.Task{Kind: datacenter.TaskVMRemove, Job: job.ID, VM: vm.ID}
	for _, a := range vm.Disks {
		d := c.State.Disks[a.Disk]
		var err error
		switch {
		case c.Flag("detach_only"):
			err = action.ConflictIf(d.Base != "", "Cannot detach disks that are based on a Template.")
		case !d.Shareable:
			err = datacenter.DiskUnlocked(action, d)
			task.Disks = append(task.Disks, d.ID)
		default:
			err = datacenter.DiskUnlocked(action, d)
		}
		if err != nil {
			c.EndJob(job.ID, err)
			return nil, err
		}
	}
	if c.Flag("detach_only") {
		vm.Disks = nil
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

func startVM(c *rest.Call, vm *model.VM, in *api.Action) (*api.Element, error) {
	return ordered(c.Start(vm, in, c.Correlation()))
}

// order is a handler that gives an order to a VM's machine.
func order(give func(*datacenter.DataCenter, *model.VM, string) (*model.Job, error)) rest.Handler {
	return rest.Act(vmOf, func(c *rest.Call, vm *model.VM) (*api.Element, error) {
		return ordered(give(c.DataCenter, vm, c.Correlation()))
	})
}

func ordered(job *model.Job, err error) (*api.Element, error) {
	if err != nil {
		return nil, err
	}
	return rest.Complete(job), nil
}

// pinVM sets CPU and NUMA pinning: nothing that the API shows afterwards.
func pinVM(c *rest.Call, vm *model.VM) (*api.Element, error) {
	if err := c.Unlocked("edit VM", vm); err != nil {
		return nil, err
	}
	return c.Completed("Pinning VM %s", vm.Name)
}
