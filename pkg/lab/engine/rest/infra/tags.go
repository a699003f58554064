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

func TagXML(t *model.Tag) *api.Tag {
	out := &api.Tag{Href: rest.Href("tags", t.ID), ID: t.ID, Name: &t.Name, Description: &t.Description}
	if t.Parent != "" {
		out.Parent = &api.Parent{Tag: api.To("tags", t.Parent)}
	}
	return out
}

func listTags(c *rest.Call) (any, error) {
	all := model.Sorted(c.State.Tags, func(t *model.Tag) string { return t.Name })
	hits, err := rest.Found(c, all, func(c *rest.Call, t *model.Tag) search.Fields {
		return rest.Fields(map[string][]string{"name": rest.One(t.Name), "id": rest.One(t.ID), "description": rest.One(t.Description)})
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.Tag, len(hits))
	for i, t := range hits {
		out[i] = TagXML(t)
	}
	return rest.List("tags", out)
}

func tagOf(c *rest.Call) (*model.Tag, error) {
	t, ok := c.State.Tags[c.ID("id")]
	if !ok {
		return nil, refuse.NotFound()
	}
	return t, nil
}

func getTag(c *rest.Call) (any, error) {
	t, err := tagOf(c)
	if err != nil {
		return nil, err
	}
	return TagXML(t), nil
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

func addTag(c *rest.Call) (any, error) {
	var in api.Tag
	if err := c.Read(&in); err != nil {
		return nil, err
	}
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
	return TagXML(t), nil
}

func updateTag(c *rest.Call) (any, error) {
	t, err := tagOf(c)
	if err != nil {
		return nil, err
	}
	var in api.Tag
	if err := c.Read(&in); err != nil {
		return nil, err
	}
	if in.Name != nil {
		if err := checkTag(c, "edit Tag", *in.Name, t); err != nil {
			return nil, err
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	c.Done("Editing Tag %s", t.Name)
	return TagXML(t), nil
}

func removeTag(c *rest.Call) (any, error) {
	t, err := tagOf(c)
	if err != nil {
		return nil, err
	}
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
