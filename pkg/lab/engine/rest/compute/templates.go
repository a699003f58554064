package compute

import (
	"cmp"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// maxTemplateName is what the engine's database has room for.
const maxTemplateName = 255

var templates = rest.Collection[model.Template]{
	Name: "templates",
	All: func(c *rest.Call) ([]*model.Template, error) {
		return model.Sorted(c.State.Templates, func(t *model.Template) string { return t.Name }), nil
	},
	Find:   func(c *rest.Call) (*model.Template, error) { return rest.Known(c.State.Templates[c.ID("id")]) },
	Fields: templateFields, Document: templateXML,
}

func templateFields(c *rest.Call, t *model.Template) search.Fields {
	cluster := ""
	if t.Cluster != "" {
		cluster = c.Layout.Cluster.Name
	}
	return rest.Fields(map[string]string{
		"name": t.Name, "id": t.ID, "status": t.Status, "description": t.Description, "comment": t.Comment,
		"cluster": cluster, "cluster.name": cluster, "os": t.Spec.OS, "datacenter": c.Layout.Center.Name,
	}, nil)
}

func templateXML(c *rest.Call, t *model.Template) *api.Element {
	spec := &t.Spec
	out := api.Object("template", "templates", t.ID).
		Links("cdroms", "diskattachments", "graphicsconsoles", "nics", "permissions", "tags", "watchdogs").
		Set("name", t.Name).Set("description", t.Description).Set("comment", t.Comment).
		Refer("cluster", "clusters", t.Cluster).Add(consoleXML(spec)).Set("cpu", spec.CPU).
		SetTime("creation_time", t.Created).Some("custom_properties", propertiesXML(spec)).
		Set("initialization", spec.Initialization).Set("memory", spec.Memory).
		Set("memory_policy", spec.MemoryPolicy).Add(osXML(spec)).
		Set("soundcard_enabled", spec.Soundcard).Set("status", t.Status).Set("type", spec.Type)
	if c.Follows("diskattachments") {
		out.Some("disk_attachments", templateDisks(c, t))
	}
	if c.Follows("nics") {
		out.Some("nics", templateNICs(c, t))
	}
	return out
}

// checkTemplateName refuses a name that the engine does not take or that another
// template than self has.
func checkTemplateName(c *rest.Call, action refuse.Action, name string, self *model.Template) error {
	for _, t := range c.State.Templates {
		if t != self && strings.EqualFold(t.Name, name) {
			return datacenter.NameTaken(action, "Template")
		}
	}
	return checkName(action, "Template", name, maxTemplateName)
}

func unlockedTemplate(action refuse.Action, t *model.Template) error {
	return action.ConflictIf(t.Status == model.StatusLocked,
		"Template is locked. Please try again in a few minutes.")
}

func addTemplate(c *rest.Call, in *api.Template) (*api.Element, error) {
	const action refuse.Action = "add Template"
	if in.Name == nil || in.VM == nil || in.VM.ID == "" && in.VM.Name == nil {
		return nil, refuse.Incomplete("Template [name, vm.id|name]", "add")
	}
	if err := checkTemplateName(c, action, *in.Name, nil); err != nil {
		return nil, err
	}
	vm := c.VMByRef(in.VM.ID, in.VM.Name)
	if vm == nil {
		return nil, refuse.NotFound()
	}
	if err := cmp.Or(
		c.Unlocked(action, vm),
		action.ConflictIf(vm.Status != model.VMDown, "VM is running. Please shut it down and try again."),
	); err != nil {
		return nil, err
	}
	t := &model.Template{
		ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description), Comment: api.Val(in.Comment),
		Cluster: vm.Cluster, Status: model.StatusLocked, Spec: *datacenter.Clone(&vm.Spec),
		Owner: c.User.Name, Created: c.Clock.Now(),
	}
	for _, n := range vm.NICs {
		copied := *n
		copied.ID, copied.MAC = datacenter.NewID(), ""
		t.NICs = append(t.NICs, &copied)
	}
	disks, err := planCopies(c, action, vm.Disks, func(d, original *model.Disk) error {
		d.Template, d.Domains = t.ID, original.Domains[:1:1]
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Disks = disks.keep(c)
	c.State.Templates[t.ID] = t
	vm.Status = model.VMImageLocked
	job := c.Job("Creating Template %s from VM %s", t.Name, vm.Name)
	task := &model.Task{Kind: datacenter.TaskTemplate, Job: job.ID, VM: vm.ID, Template: t.ID, Pairs: disks.pairs}
	c.Begin(task, c.Config.Delays.Template)
	return templateXML(c, t), nil
}

func updateTemplate(c *rest.Call, t *model.Template, in *api.Template) (*api.Element, error) {
	const action refuse.Action = "edit Template"
	if in.Name != nil && *in.Name != t.Name {
		if err := checkTemplateName(c, action, *in.Name, t); err != nil {
			return nil, err
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	rest.Set(&t.Comment, in.Comment)
	c.Done("Editing Template %s", t.Name)
	return templateXML(c, t), nil
}

func removeTemplate(c *rest.Call, t *model.Template) (*api.Element, error) {
	const action refuse.Action = "remove Template"
	var users []string
	for _, vm := range model.Sorted(c.State.VMs, func(v *model.VM) string { return v.Name }) {
		if vm.Template == t.ID {
			users = append(users, vm.Name)
		}
	}
	err := cmp.Or(
		action.ConflictIf(t.ID == model.BlankTemplate, "The Blank Template cannot be removed."),
		unlockedTemplate(action, t),
		action.ConflictIf(len(users) > 0, "Template is being used by the following VMs: %s.", strings.Join(users, ", ")),
	)
	var disks []string
	for _, a := range t.Disks {
		err = cmp.Or(err, datacenter.DiskUnlocked(action, c.State.Disks[a.Disk]))
		disks = append(disks, a.Disk)
	}
	if err != nil {
		return nil, err
	}
	for _, id := range disks {
		c.State.Disks[id].Status = model.StatusLocked
	}
	t.Status = model.StatusLocked
	job := c.Job("Removing Template %s", t.Name)
	task := &model.Task{Kind: datacenter.TaskUntemplate, Job: job.ID, Template: t.ID, Disks: disks}
	c.Begin(task, c.Config.Delays.Template)
	return rest.Complete(job), nil
}

func templateDisks(_ *rest.Call, t *model.Template) []*api.Element {
	return api.Each(t.Disks, func(a *model.Attachment) *api.Element {
		return attachmentXML(a, "template", "templates", t.ID, api.Object("disk", "disks", a.Disk))
	})
}

func templateNICs(_ *rest.Call, t *model.Template) []*api.Element {
	return api.Each(t.NICs, func(n *model.NIC) *api.Element { return nicXML(n, "templates/"+t.ID+"/nics", "") })
}
