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

var tags = rest.Collection[model.Tag]{
	Name: "tags",
	All: func(c *rest.Call) ([]*model.Tag, error) {
		return model.Sorted(c.State.Tags, func(t *model.Tag) string { return t.Name }), nil
	},
	Find: func(c *rest.Call) (*model.Tag, error) { return rest.Known(c.State.Tags[c.ID("id")]) },
	Fields: func(_ *rest.Call, t *model.Tag) search.Fields {
		return rest.Fields(map[string]string{"name": t.Name, "id": t.ID, "description": t.Description}, nil)
	},
	Document: func(_ *rest.Call, t *model.Tag) *api.Element { return TagXML(t, "tags") },
}

// TagXML is the document of a tag in a collection.
func TagXML(t *model.Tag, collection string) *api.Element {
	out := api.Object("tag", collection, t.ID).Set("name", t.Name).Set("description", t.Description)
	if t.Parent != "" {
		out.Add(api.New("parent").Refer("tag", "tags", t.Parent))
	}
	return out
}

func checkTag(c *rest.Call, action refuse.Action, name string, self *model.Tag) error {
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return action.Invalid("Tag name is not valid.")
	}
	t := c.TagByRef("", &name)
	return action.ConflictIf(t != nil && t != self, "Tag name already exists.")
}

func addTag(c *rest.Call, in *api.Tag) (*api.Element, error) {
	if in.Name == nil {
		return nil, refuse.Incomplete("Tag [name]", "add")
	}
	if err := checkTag(c, "add Tag", *in.Name, nil); err != nil {
		return nil, err
	}
	t := &model.Tag{ID: datacenter.NewID(), Name: *in.Name, Description: api.Val(in.Description)}
	if in.Parent != nil {
		parent, err := rest.Known(c.TagByRef(in.Parent.ID, in.Parent.Name))
		if err != nil {
			return nil, err
		}
		t.Parent = parent.ID
	}
	c.State.Tags[t.ID] = t
	c.Done("Adding Tag %s", t.Name)
	return TagXML(t, "tags"), nil
}

func updateTag(c *rest.Call, t *model.Tag, in *api.Tag) (*api.Element, error) {
	if in.Name != nil {
		if err := checkTag(c, "edit Tag", *in.Name, t); err != nil {
			return nil, err
		}
	}
	rest.Set(&t.Name, in.Name)
	rest.Set(&t.Description, in.Description)
	c.Done("Editing Tag %s", t.Name)
	return TagXML(t, "tags"), nil
}

func removeTag(c *rest.Call, t *model.Tag) (*api.Element, error) {
	for _, other := range c.State.Tags {
		if other.Parent == t.ID {
			return nil, refuse.Action("remove Tag").Conflict("It has children.")
		}
	}
	for _, vm := range c.State.VMs {
		vm.Tags = datacenter.Without(vm.Tags, t.ID)
	}
	delete(c.State.Tags, t.ID)
	return c.Completed("Removing Tag %s", t.Name)
}
