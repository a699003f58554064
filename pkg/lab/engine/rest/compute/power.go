package compute

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func startVM(c *rest.Call) (any, error) {
	var in api.Action
	return order(c, func(vm *model.VM) (*model.Job, error) {
		if err := c.Read(&in); err != nil {
			return nil, err
		}
		return c.Start(vm, &in, c.Correlation())
	})
}

func stopVM(c *rest.Call) (any, error) {
	return order(c, func(vm *model.VM) (*model.Job, error) { return c.Stop(vm, c.Correlation()) })
}

func shutdownVM(c *rest.Call) (any, error) {
	return order(c, func(vm *model.VM) (*model.Job, error) { return c.Shutdown(vm, c.Correlation()) })
}

func resetVM(c *rest.Call) (any, error) {
	return order(c, func(vm *model.VM) (*model.Job, error) { return c.Reset(vm, c.Correlation()) })
}

func order(c *rest.Call, give func(*model.VM) (*model.Job, error)) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	job, err := give(vm)
	if err != nil {
		return nil, err
	}
	return rest.Complete(job), nil
}

// pinVM sets CPU and NUMA pinning: nothing that the API shows afterwards.
func pinVM(c *rest.Call) (any, error) {
	vm, err := vmOf(c)
	if err != nil {
		return nil, err
	}
	if err := c.Unlocked("edit VM", vm); err != nil {
		return nil, err
	}
	c.Done("Pinning VM %s", vm.Name)
	return rest.Complete(nil), nil
}
