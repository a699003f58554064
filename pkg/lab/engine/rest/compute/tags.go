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
			x := infra.TagXML(t)
			x.Href, x.VM = rest.Href("vms", vm.ID, "tags", id), api.To("vms", vm.ID)
			out = append(out, x)
		}
	}
	return out
}

func listVMTags(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return rest.List("tags", vmTags(c, vm))
}

func showVMTag(c *rest.Call, vm *model.VM, id string) (any, error) {
	for _, x := range vmTags(c, vm) {
		if x.ID == id {
			return x, nil
		}
	}
	return nil, refuse.NotFound()
}

func getVMTag(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	return showVMTag(c, vm, c.ID("tag"))
}

func addVMTag(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	var in api.Tag
	if err := c.Read(&in); err != nil {
		return nil, err
	}
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
	return showVMTag(c, vm, t.ID)
}

func removeVMTag(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(vm.Tags, c.ID("tag")) {
		return nil, refuse.NotFound()
	}
	vm.Tags = datacenter.Without(vm.Tags, c.ID("tag"))
	c.Done("Detaching Tag from VM %s", vm.Name)
	return rest.Complete(nil), nil
}
