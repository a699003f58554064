package engine

import (
	"encoding/xml"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func marshal(v any) ([]byte, error) {
	data, err := xml.Marshal(v)
	if err != nil {
		return nil, broken(err)
	}
	return data, nil
}

func tagXML(t *model.Tag) *api.Tag {
	out := &api.Tag{Href: href("tags", t.ID), ID: t.ID, Name: &t.Name, Description: &t.Description}
	if t.Parent != "" {
		out.Parent = &api.Parent{Tag: api.To("tags", t.Parent)}
	}
	return out
}

func listTags(c *call) (any, error) {
	all := model.Sorted(c.st.Tags, func(t *model.Tag) string { return t.Name })
	hits, err := found(c, all, func(t *model.Tag) search.Fields {
		return fields(map[string][]string{"name": one(t.Name), "id": one(t.ID), "description": one(t.Description)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Tag, len(hits))
	for i, t := range hits {
		out[i] = tagXML(t)
	}
	return list("tags", out)
}

func (c *call) tag() (*model.Tag, error) {
	t, ok := c.st.Tags[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	return t, nil
}

func getTag(c *call) (any, error) {
	t, err := c.tag()
	if err != nil {
		return nil, err
	}
	return tagXML(t), nil
}

func (c *call) tagByName(name string) *model.Tag {
	for _, t := range c.st.Tags {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func (c *call) checkTag(action, name string, self *model.Tag) error {
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return invalid("Cannot %s. Tag name is not valid.", action)
	}
	if t := c.tagByName(name); t != nil && t != self {
		return conflict("Cannot %s. Tag name already exists.", action)
	}
	return nil
}

func addTag(c *call) (any, error) {
	var in api.Tag
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name == nil {
		return nil, incomplete("Tag [name]", "add")
	}
	if err := c.checkTag("add Tag", *in.Name, nil); err != nil {
		return nil, err
	}
	t := &model.Tag{ID: newID(), Name: *in.Name, Description: api.Val(in.Description)}
	if in.Parent != nil && in.Parent.Tag != nil {
		parent := c.st.Tags[in.Parent.Tag.ID]
		if in.Parent.Tag.ID == "" {
			parent = c.tagByName(api.Val(in.Parent.Tag.Name))
		}
		if parent == nil {
			return nil, notFound()
		}
		t.Parent = parent.ID
	}
	c.st.Tags[t.ID] = t
	c.done("Adding Tag %s", t.Name)
	return tagXML(t), nil
}

func updateTag(c *call) (any, error) {
	t, err := c.tag()
	if err != nil {
		return nil, err
	}
	var in api.Tag
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Name != nil {
		if err := c.checkTag("edit Tag", *in.Name, t); err != nil {
			return nil, err
		}
	}
	set(&t.Name, in.Name)
	set(&t.Description, in.Description)
	c.done("Editing Tag %s", t.Name)
	return tagXML(t), nil
}

func removeTag(c *call) (any, error) {
	t, err := c.tag()
	if err != nil {
		return nil, err
	}
	for _, other := range c.st.Tags {
		if other.Parent == t.ID {
			return nil, conflict("Cannot remove Tag. It has children.")
		}
	}
	for _, vm := range c.st.VMs {
		vm.Tags = without(vm.Tags, t.ID)
	}
	delete(c.st.Tags, t.ID)
	c.done("Removing Tag %s", t.Name)
	return complete(nil), nil
}

func (e *Engine) vmTags(vm *model.VM) []*api.Tag {
	var out []*api.Tag
	for _, id := range vm.Tags {
		if t := e.st.Tags[id]; t != nil {
			x := tagXML(t)
			x.Href, x.VM = href("vms", vm.ID, "tags", id), api.To("vms", vm.ID)
			out = append(out, x)
		}
	}
	return out
}

func listVMTags(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	return list("tags", c.vmTags(vm))
}

func getVMTag(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	for _, x := range c.vmTags(vm) {
		if x.ID == c.id("tag") {
			return x, nil
		}
	}
	return nil, notFound()
}

func addVMTag(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	var in api.Tag
	if err := c.read(&in); err != nil {
		return nil, err
	}
	t := c.st.Tags[in.ID]
	if in.ID == "" {
		t = c.tagByName(api.Val(in.Name))
	}
	if t == nil {
		return nil, notFound()
	}
	if !contains(vm.Tags, t.ID) {
		vm.Tags = append(vm.Tags, t.ID)
	}
	c.done("Attaching Tag %s to VM %s", t.Name, vm.Name)
	c.r.SetPathValue("tag", t.ID)
	return getVMTag(c)
}

func removeVMTag(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if !contains(vm.Tags, c.id("tag")) {
		return nil, notFound()
	}
	vm.Tags = without(vm.Tags, c.id("tag"))
	c.done("Detaching Tag from VM %s", vm.Name)
	return complete(nil), nil
}
