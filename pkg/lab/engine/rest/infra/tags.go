package infra

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
)

func allTags(c *rest.Call) ([]*model.Tag, error) {
	return model.Sorted(c.State.Tags, func(t *model.Tag) string { return t.Name }), nil
}

func tagOf(c *rest.Call) (*model.Tag, error) { return rest.Find(c, c.State.Tags) }

func tagFields(_ *rest.Call, t *model.Tag) search.Fields {
	return rest.Fields(map[string]string{"name": t.Name, "id": t.ID, "description": t.Description})
}

// TagXML is the document of a tag.
func TagXML(_ *rest.Call, t *model.Tag) *api.Tag {
	out := &api.Tag{Href: rest.Href("tags", t.ID), ID: t.ID, Name: &t.Name, Description: &t.Description}
	if t.Parent != "" {
		out.Parent = &api.Parent{Tag: api.To("tags", t.Parent)}
	}
	return out
}

func checkTag(c *rest.Call, action, name string, self *model.Tag) error {
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return refuse.Invalid("Cannot %s. Tag name is not valid.", action)
	}
	if t := c.TagByName(name); t != nil && t != self {
		return refuse.Conflict("Cannot %s. Tag name already exists.", action)
	}
	return nil
}

func addTag(c *rest.Call, in *api.Tag) (any, error) {
	if in.Name == nil {
		return nil, refuse.Incomplete("Tag [name]", "add")
	}
	if err := checkTag(c, "add Tag", *in.Name, nil); err != nil {
		return nil, err
	}
	t := &model.Tag{ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description)}
	if in.Parent != nil && in.Parent.Tag != nil {
		parent := c.State.Tags[in.Parent.Tag.ID]
		if in.Parent.Tag.ID == "" {
			parent = c.TagByName(api.Val(in.Parent.Tag.Name))
		}
		if parent == nil {
			return nil, refuse.NotFound()
		}
		t.Parent = parent.ID
	}
	c.State.Tags[t.ID] = t
	c.Done("Adding Tag %s", t.Name)
	return TagXML(c, t), nil
}

func updateTag(c *rest.Call, t *model.Tag, in *api.Tag) (any, error) {
	if in.Name != nil {
		if err := checkTag(c, "edit Tag", *in.Name, t); err != nil {
			return nil, err
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	c.Done("Editing Tag %s", t.Name)
	return TagXML(c, t), nil
}

func removeTag(c *rest.Call, t *model.Tag) (any, error) {
	for _, other := range c.State.Tags {
		if other.Parent == t.ID {
			return nil, refuse.Conflict("Cannot remove Tag. It has children.")
		}
	}
	for _, vm := range c.State.VMs {
		vm.Tags = datacenter.Without(vm.Tags, t.ID)
	}
	delete(c.State.Tags, t.ID)
	c.Done("Removing Tag %s", t.Name)
	return rest.Complete(nil), nil
}
