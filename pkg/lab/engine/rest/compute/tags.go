package compute

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest/infra"
)

func vmTags(c *rest.Call, vm *model.VM) []*api.Tag {
	var out []*api.Tag
	for _, id := range vm.Tags {
		if t := c.State.Tags[id]; t != nil {
			x := infra.TagXML(c, t)
			x.Href, x.VM = rest.Href("vms", vm.ID, "tags", id), api.To("vms", vm.ID)
			out = append(out, x)
		}
	}
	return out
}

func addVMTag(c *rest.Call, vm *model.VM, in *api.Tag) (any, error) {
	t := c.State.Tags[in.ID]
	if in.ID == "" {
		t = c.TagByName(api.Val(in.Name))
	}
	if t == nil {
		return nil, refuse.NotFound()
	}
	if !slices.Contains(vm.Tags, t.ID) {
		vm.Tags = append(vm.Tags, t.ID)
	}
	c.Done("Attaching Tag %s to VM %s", t.Name, vm.Name)
	return rest.Pick(vmTags(c, vm), t.ID)
}

func removeVMTag(c *rest.Call, vm *model.VM) (any, error) {
	if !slices.Contains(vm.Tags, c.ID("tag")) {
		return nil, refuse.NotFound()
	}
	vm.Tags = datacenter.Without(vm.Tags, c.ID("tag"))
	c.Done("Detaching Tag from VM %s", vm.Name)
	return rest.Complete(nil), nil
}
