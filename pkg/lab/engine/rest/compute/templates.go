package compute

import (
	"encoding/xml"
	"fmt"
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

func templateXML(c *rest.Call, t *model.Template) *api.Template {
	base := rest.Href("templates", t.ID)
	out := &api.Template{
		XMLName: xml.Name{Local: "template"}, Href: base, ID: t.ID, Name: &t.Name, Description: &t.Description, Comment: &t.Comment,
		Cluster: api.To("clusters", t.Cluster), Console: &api.Console{Enabled: &t.Spec.Console}, CPU: &t.Spec.CPU,
		CreationTime: rest.StampOrNil(t.Created), CustomProperties: api.Some(t.Spec.Properties), Initialization: t.Spec.Initialization,
		Memory: &t.Spec.Memory, MemoryPolicy: &t.Spec.MemoryPolicy, OS: osXML(&t.Spec), SoundcardEnabled: &t.Spec.Soundcard,
		Status: &t.Status, Type: &t.Spec.Type, Links: rest.Links(base, "cdroms", "diskattachments", "graphicsconsoles", "nics", "permissions", "tags", "watchdogs"),
	}
	if c.Follows("diskattachments") {
		out.DiskAttachments = api.Some(templateDisks(c, t))
	}
	if c.Follows("nics") {
		out.Nics = api.Some(templateNICs(t))
	}
	return out
}

func templateFields(c *rest.Call, t *model.Template) search.Fields {
	cluster := ""
	if t.Cluster != "" {
		cluster = c.Layout.Cluster.Name
	}
	return rest.Fields(map[string][]string{"name": rest.One(t.Name), "id": rest.One(t.ID), "status": rest.One(t.Status), "description": rest.One(t.Description),
		"comment": rest.One(t.Comment), "cluster": rest.One(cluster), "cluster.name": rest.One(cluster), "os": rest.One(t.Spec.OS), "datacenter": rest.One(c.Layout.Center.Name)})
}

func listTemplates(c *rest.Call) (any, error) {
	hits, err := rest.Found(c, model.Sorted(c.State.Templates, func(t *model.Template) string { return t.Name }), templateFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Template, len(hits))
	for i, t := range hits {
		out[i] = templateXML(c, t)
	}
	return rest.List("templates", out)
}

func templateOf(c *rest.Call) (*model.Template, error) {
	t, ok := c.State.Templates[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	return t, nil
}

func getTemplate(c *rest.Call) (any, error) {
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
	return templateXML(c, t), nil
}

func addTemplate(c *rest.Call) (any, error) {
	const action = "add Template"
	var in api.Template
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.VM == nil || in.VM.ID == "" && in.VM.Name == nil {
		return nil, refuse.Incomplete("Template [name, vm.id|name]", "add")
	}
	if err := checkName(action, "Template", *in.Name, maxTemplateName); err != nil {
		return nil, err
	}
	for _, t := range c.State.Templates {
		if strings.EqualFold(t.Name, *in.Name) {
			return nil, refuse.Conflict("Cannot %s. The Template name is already in use, please choose a unique name and try again.", action)
		}
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
	t := &model.Template{ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description), Comment: api.Val(in.Comment),
		Cluster: vm.Cluster, Status: model.StatusLocked, Spec: *datacenter.Clone(&vm.Spec), Owner: c.User.Name, Created: c.Clock.Now()}
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
	c.Begin(&model.Task{Kind: datacenter.TaskTemplate, Job: job.ID, VM: vm.ID, Template: t.ID, Pairs: pairs}, c.Config.Delays.Template)
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
		copied.ID, copied.Image, copied.Status, copied.Template, copied.Owner = datacenter.NewID(), datacenter.NewID(), model.StatusLocked, t.ID, c.User.Name
		copied.Domains = d.Domains[:1:1]
		need[copied.Domains[0]] += copied.Allocated
		disks = append(disks, &copied)
		at := *a
		at.Disk = copied.ID
		t.Disks = append(t.Disks, &at)
		pairs = append(pairs, model.Pair{From: d.ID, To: copied.ID})
	}
	for id, bytes := range need {
		sd, _ := c.Layout.Domain(id)
		if err := c.Reserve(action, sd, bytes); err != nil {
			return nil, nil, err
		}
	}
	return pairs, disks, nil
}

func updateTemplate(c *rest.Call) (any, error) {
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
	var in api.Template
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name != nil && *in.Name != t.Name {
		if err := checkName("edit Template", "Template", *in.Name, maxTemplateName); err != nil {
			return nil, err
		}
		for _, other := range c.State.Templates {
			if strings.EqualFold(other.Name, *in.Name) && other != t {
				return nil, refuse.Conflict("Cannot edit Template. The Template name is already in use, please choose a unique name and try again.")
			}
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	rest.Set(&t.Comment, in.Comment)
	c.Done("Editing Template %s", t.Name)
	return templateXML(c, t), nil
}

func removeTemplate(c *rest.Call) (any, error) {
	const action = "remove Template"
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
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
		return nil, refuse.Conflict("Cannot %s. Template is being used by the following VMs: %s.", action, strings.Join(users, ", "))
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
	c.Begin(&model.Task{Kind: datacenter.TaskUntemplate, Job: job.ID, Template: t.ID, Disks: disks}, c.Config.Delays.Template)
	return rest.Complete(job), nil
}

func templateDisks(c *rest.Call, t *model.Template) []*api.DiskAttachment {
	var out []*api.DiskAttachment
	for _, a := range t.Disks {
		x := attachmentXML(a, fmt.Sprintf("templates/%s", t.ID))
		x.Template = api.To("templates", t.ID)
		out = append(out, x)
	}
	return out
}

func listTemplateDisks(c *rest.Call) (any, error) {
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("disk_attachments", templateDisks(c, t))
}

func getTemplateDisk(c *rest.Call) (any, error) {
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
	for _, x := range templateDisks(c, t) {
		if x.ID == c.ID("disk") {
			return x, nil
		}
	}
	return nil, refuse.NotFound()
}

func templateNICs(t *model.Template) []*api.NIC {
	var out []*api.NIC
	for _, n := range t.NICs {
		x := nicXML(n, fmt.Sprintf("templates/%s", t.ID))
		out = append(out, x)
	}
	return out
}

func listTemplateNICs(c *rest.Call) (any, error) {
	t, err := templateOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("nics", templateNICs(t))
}
