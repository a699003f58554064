package compute

import (
	"encoding/xml"
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

func allTemplates(c *rest.Call) ([]*model.Template, error) {
	return model.Sorted(c.State.Templates, func(t *model.Template) string { return t.Name }), nil
}

func templateOf(c *rest.Call) (*model.Template, error) { return rest.Find(c, c.State.Templates) }

func templateFields(c *rest.Call, t *model.Template) search.Fields {
	cluster := ""
	if t.Cluster != "" {
		cluster = c.Layout.Cluster.Name
	}
	return rest.Fields(map[string]string{
		"name": t.Name, "id": t.ID, "status": t.Status, "description": t.Description, "comment": t.Comment,
		"cluster": cluster, "cluster.name": cluster, "os": t.Spec.OS, "datacenter": c.Layout.Center.Name,
	})
}

func templateXML(c *rest.Call, t *model.Template) *api.Template {
	base := rest.Href("templates", t.ID)
	spec := &t.Spec
	out := &api.Template{
		XMLName: xml.Name{Local: "template"}, Href: base, ID: t.ID, Name: &t.Name, Description: &t.Description,
		Comment: &t.Comment, Cluster: api.To("clusters", t.Cluster), Console: &api.Console{Enabled: &spec.Console},
		CPU: &spec.CPU, CreationTime: rest.StampOrNil(t.Created), CustomProperties: api.Some(spec.Properties),
		Initialization: spec.Initialization, Memory: &spec.Memory, MemoryPolicy: &spec.MemoryPolicy, OS: osXML(spec),
		SoundcardEnabled: &spec.Soundcard, Status: &t.Status, Type: &spec.Type,
		Links: rest.Links(base, "cdroms", "diskattachments", "graphicsconsoles", "nics", "permissions", "tags",
			"watchdogs"),
	}
	if c.Follows("diskattachments") {
		out.DiskAttachments = api.Some(templateDisks(c, t))
	}
	if c.Follows("nics") {
		out.Nics = api.Some(templateNICs(c, t))
	}
	return out
}

// templateNameFree refuses a name that another template than self has.
func templateNameFree(c *rest.Call, action, name string, self *model.Template) error {
	for _, t := range c.State.Templates {
		if t != self && strings.EqualFold(t.Name, name) {
			return refuse.Conflict("Cannot %s. The Template name is already in use, "+
				"please choose a unique name and try again.", action)
		}
	}
	return nil
}

func addTemplate(c *rest.Call, in *api.Template) (any, error) {
	const action = "add Template"
	if in.Name == nil || in.VM == nil || in.VM.ID == "" && in.VM.Name == nil {
		return nil, refuse.Incomplete("Template [name, vm.id|name]", "add")
	}
	if err := checkName(action, "Template", *in.Name, maxTemplateName); err != nil {
		return nil, err
	}
	if err := templateNameFree(c, action, *in.Name, nil); err != nil {
		return nil, err
	}
	vm := c.VMByRef(in.VM.ID, in.VM.Name)
	if vm == nil {
		return nil, refuse.NotFound()
	}
	if err := c.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.Status != model.VMDown {
		return nil, refuse.Conflict("Cannot %s. VM is running. Please shut it down and try again.", action)
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
	pairs, disks, err := freeze(c, action, vm, t)
	if err != nil {
		return nil, err
	}
	for _, d := range disks {
		c.State.Disks[d.ID] = d
	}
	c.State.Templates[t.ID] = t
	vm.Status = model.VMImageLocked
	job := c.Job("Creating Template %s from VM %s", t.Name, vm.Name)
	task := &model.Task{Kind: datacenter.TaskTemplate, Job: job.ID, VM: vm.ID, Template: t.ID, Pairs: pairs}
	c.Begin(task, c.Config.Delays.Template)
	return templateXML(c, t), nil
}

// freeze plans the copies of a VM's disks that become a template's.
func freeze(c *rest.Call, action string, vm *model.VM, t *model.Template) ([]model.Pair, []*model.Disk, error) {
	var pairs []model.Pair
	var disks []*model.Disk
	need := map[string]int64{}
	for _, a := range vm.Disks {
		d := c.State.Disks[a.Disk]
		if err := datacenter.DiskReady(action, d); err != nil {
			return nil, nil, err
		}
		copied := *d
		copied.ID, copied.Image, copied.Template = datacenter.NewID(), datacenter.NewID(), t.ID
		copied.Status, copied.Owner = model.StatusLocked, c.User.Name
		copied.Domains = d.Domains[:1:1]
		need[copied.Domains[0]] += copied.Allocated
		disks = append(disks, &copied)
		at := *a
		at.Disk = copied.ID
		t.Disks = append(t.Disks, &at)
		pairs = append(pairs, model.Pair{From: d.ID, To: copied.ID})
	}
	return pairs, disks, reserve(c, action, need)
}

func updateTemplate(c *rest.Call, t *model.Template, in *api.Template) (any, error) {
	const action = "edit Template"
	if in.Name != nil && *in.Name != t.Name {
		if err := checkName(action, "Template", *in.Name, maxTemplateName); err != nil {
			return nil, err
		}
		if err := templateNameFree(c, action, *in.Name, t); err != nil {
			return nil, err
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	rest.Set(&t.Comment, in.Comment)
	c.Done("Editing Template %s", t.Name)
	return templateXML(c, t), nil
}

func removeTemplate(c *rest.Call, t *model.Template) (any, error) {
	const action = "remove Template"
	if t.ID == model.BlankTemplate {
		return nil, refuse.Conflict("Cannot %s. The Blank Template cannot be removed.", action)
	}
	if t.Status == model.StatusLocked {
		return nil, refuse.Conflict("Cannot %s. Template is locked. Please try again in a few minutes.", action)
	}
	var users []string
	for _, vm := range model.Sorted(c.State.VMs, func(v *model.VM) string { return v.Name }) {
		if vm.Template == t.ID {
			users = append(users, vm.Name)
		}
	}
	if len(users) > 0 {
		return nil, refuse.Conflict("Cannot %s. Template is being used by the following VMs: %s.",
			action, strings.Join(users, ", "))
	}
	var disks []string
	for _, a := range t.Disks {
		d := c.State.Disks[a.Disk]
		if d.Status == model.StatusLocked {
			return nil, datacenter.DiskReady(action, d)
		}
		disks = append(disks, d.ID)
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

func templateDisks(_ *rest.Call, t *model.Template) []*api.DiskAttachment {
	var out []*api.DiskAttachment
	for _, a := range t.Disks {
		x := attachmentXML(a, "templates/"+t.ID)
		x.Template = api.To("templates", t.ID)
		out = append(out, x)
	}
	return out
}

func templateNICs(_ *rest.Call, t *model.Template) []*api.NIC {
	var out []*api.NIC
	for _, n := range t.NICs {
		out = append(out, nicXML(n, "templates/"+t.ID))
	}
	return out
}
