package engine

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

// maxTemplateName is what the engine's database has room for.
const maxTemplateName = 255

func (e *Engine) templateXML(c *call, t *model.Template) *api.Template {
	base := href("templates", t.ID)
	out := &api.Template{
		XMLName: xml.Name{Local: "template"}, Href: base, ID: t.ID, Name: &t.Name, Description: &t.Description, Comment: &t.Comment,
		Cluster: api.To("clusters", t.Cluster), Console: &api.Console{Enabled: &t.Spec.Console}, CPU: &t.Spec.CPU,
		CreationTime: stampOrNil(t.Created), CustomProperties: api.Some(t.Spec.Properties), Initialization: t.Spec.Initialization,
		Memory: &t.Spec.Memory, MemoryPolicy: &t.Spec.MemoryPolicy, OS: osXML(&t.Spec), SoundcardEnabled: &t.Spec.Soundcard,
		Status: &t.Status, Type: &t.Spec.Type, Links: links(base, "cdroms", "diskattachments", "graphicsconsoles", "nics", "permissions", "tags", "watchdogs"),
	}
	if c.follows("diskattachments") {
		out.DiskAttachments = api.Some(e.templateDisks(t))
	}
	if c.follows("nics") {
		out.Nics = api.Some(templateNICs(t))
	}
	return out
}

func (e *Engine) templateFields(t *model.Template) search.Fields {
	cluster := ""
	if t.Cluster != "" {
		cluster = e.world.cluster.Name
	}
	return fields(map[string][]string{"name": one(t.Name), "id": one(t.ID), "status": one(t.Status), "description": one(t.Description),
		"comment": one(t.Comment), "cluster": one(cluster), "cluster.name": one(cluster), "os": one(t.Spec.OS), "datacenter": one(e.world.center.Name)})
}

func listTemplates(c *call) (any, error) {
	hits, err := found(c, model.Sorted(c.st.Templates, func(t *model.Template) string { return t.Name }), c.templateFields)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Template, len(hits))
	for i, t := range hits {
		out[i] = c.templateXML(c, t)
	}
	return list("templates", out)
}

func (c *call) template() (*model.Template, error) {
	t, ok := c.st.Templates[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	return t, nil
}

func getTemplate(c *call) (any, error) {
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	return c.templateXML(c, t), nil
}

func addTemplate(c *call) (any, error) {
	const action = "add Template"
	var in api.Template
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil || in.VM == nil || in.VM.ID == "" && in.VM.Name == nil {
		return nil, incomplete("Template [name, vm.id|name]", "add")
	}
	if err := checkName(action, "Template", *in.Name, maxTemplateName); err != nil {
		return nil, err
	}
	for _, t := range c.st.Templates {
		if strings.EqualFold(t.Name, *in.Name) {
			return nil, conflict("Cannot %s. The Template name is already in use, please choose a unique name and try again.", action)
		}
	}
	vm := c.vmByRef(in.VM.ID, in.VM.Name)
	if vm == nil {
		return nil, notFound()
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.Status != model.VMDown {
		return nil, conflict("Cannot %s. VM is running. Please shut it down and try again.", action)
	}
	t := &model.Template{ID: newID(), Name: *in.Name, Description: api.Val(in.Description), Comment: api.Val(in.Comment),
		Cluster: vm.Cluster, Status: model.StatusLocked, Spec: *clone(&vm.Spec), Owner: c.user.Name, Created: c.clock.Now()}
	for _, n := range vm.NICs {
		copied := *n
		copied.ID, copied.MAC = newID(), ""
		t.NICs = append(t.NICs, &copied)
	}
	pairs, disks, err := c.freeze(action, vm, t)
	if err != nil {
		return nil, err
	}
	for _, d := range disks {
		c.st.Disks[d.ID] = d
	}
	c.st.Templates[t.ID] = t
	vm.Status = model.VMImageLocked
	job := c.job("Creating Template %s from VM %s", t.Name, vm.Name)
	c.begin(&model.Task{Kind: taskTemplate, Job: job.ID, VM: vm.ID, Template: t.ID, Pairs: pairs}, c.cfg.Delays.Template)
	return c.templateXML(c, t), nil
}

// freeze plans the copies of a VM's disks that become a template's.
func (c *call) freeze(action string, vm *model.VM, t *model.Template) ([]model.Pair, []*model.Disk, error) {
	var pairs []model.Pair
	var disks []*model.Disk
	need := map[string]int64{}
	for _, a := range vm.Disks {
		d := c.st.Disks[a.Disk]
		if err := diskReady(action, d); err != nil {
			return nil, nil, err
		}
		copied := *d
		copied.ID, copied.Image, copied.Status, copied.Template, copied.Owner = newID(), newID(), model.StatusLocked, t.ID, c.user.Name
		copied.Domains = d.Domains[:1:1]
		need[copied.Domains[0]] += copied.Allocated
		disks = append(disks, &copied)
		at := *a
		at.Disk = copied.ID
		t.Disks = append(t.Disks, &at)
		pairs = append(pairs, model.Pair{From: d.ID, To: copied.ID})
	}
	for id, bytes := range need {
		sd, _ := c.world.domain(id)
		if err := c.reserve(action, sd, bytes); err != nil {
			return nil, nil, err
		}
	}
	return pairs, disks, nil
}

func updateTemplate(c *call) (any, error) {
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	var in api.Template
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name != nil && *in.Name != t.Name {
		if err := checkName("edit Template", "Template", *in.Name, maxTemplateName); err != nil {
			return nil, err
		}
		for _, other := range c.st.Templates {
			if strings.EqualFold(other.Name, *in.Name) && other != t {
				return nil, conflict("Cannot edit Template. The Template name is already in use, please choose a unique name and try again.")
			}
		}
	}
	set(&t.Name, in.Name)
	set(&t.Description, in.Description)
	set(&t.Comment, in.Comment)
	c.done("Editing Template %s", t.Name)
	return c.templateXML(c, t), nil
}

func removeTemplate(c *call) (any, error) {
	const action = "remove Template"
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	if t.ID == model.BlankTemplate {
		return nil, conflict("Cannot %s. The Blank Template cannot be removed.", action)
	}
	if t.Status == model.StatusLocked {
		return nil, conflict("Cannot %s. Template is locked. Please try again in a few minutes.", action)
	}
	var users []string
	for _, vm := range model.Sorted(c.st.VMs, func(v *model.VM) string { return v.Name }) {
		if vm.Template == t.ID {
			users = append(users, vm.Name)
		}
	}
	if len(users) > 0 {
		return nil, conflict("Cannot %s. Template is being used by the following VMs: %s.", action, strings.Join(users, ", "))
	}
	var disks []string
	for _, a := range t.Disks {
		d := c.st.Disks[a.Disk]
		if d.Status == model.StatusLocked {
			return nil, diskReady(action, d)
		}
		disks = append(disks, d.ID)
	}
	for _, id := range disks {
		c.st.Disks[id].Status = model.StatusLocked
	}
	t.Status = model.StatusLocked
	job := c.job("Removing Template %s", t.Name)
	c.begin(&model.Task{Kind: taskUntemplate, Job: job.ID, Template: t.ID, Disks: disks}, c.cfg.Delays.Template)
	return complete(job), nil
}

// settleTemplate records how creating or removing a template ended.
func (e *Engine) settleTemplate(task *model.Task, err error) {
	t := e.st.Templates[task.Template]
	if t == nil {
		return
	}
	if vm := e.st.VMs[task.VM]; vm != nil && vm.Status == model.VMImageLocked {
		vm.Status = model.VMDown
	}
	if task.Kind == taskUntemplate && err == nil {
		for _, id := range task.Disks {
			delete(e.st.Disks, id)
		}
		delete(e.st.Templates, t.ID)
		return
	}
	t.Status = model.StatusOK
	if err != nil {
		t.Status = model.StatusIllegal
	}
	for _, a := range t.Disks {
		e.st.Disks[a.Disk].Status = t.Status
	}
}

func (e *Engine) templateDisks(t *model.Template) []*api.DiskAttachment {
	var out []*api.DiskAttachment
	for _, a := range t.Disks {
		x := attachmentXML(a, fmt.Sprintf("templates/%s", t.ID))
		x.Template = api.To("templates", t.ID)
		out = append(out, x)
	}
	return out
}

func listTemplateDisks(c *call) (any, error) {
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	return list("disk_attachments", c.templateDisks(t))
}

func getTemplateDisk(c *call) (any, error) {
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	for _, x := range c.templateDisks(t) {
		if x.ID == c.id("disk") {
			return x, nil
		}
	}
	return nil, notFound()
}

func templateNICs(t *model.Template) []*api.NIC {
	var out []*api.NIC
	for _, n := range t.NICs {
		x := nicXML(n, fmt.Sprintf("templates/%s", t.ID))
		out = append(out, x)
	}
	return out
}

func listTemplateNICs(c *call) (any, error) {
	t, err := c.template()
	if err != nil {
		return nil, err
	}
	return list("nics", templateNICs(t))
}
