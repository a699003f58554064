package compute

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

func startVM(c *rest.Call, vm *model.VM, in *api.Action) (any, error) {
	return ordered(c.Start(vm, in, c.Correlation()))
}

func stopVM(c *rest.Call, vm *model.VM) (any, error) { return ordered(c.Stop(vm, c.Correlation())) }

func shutdownVM(c *rest.Call, vm *model.VM) (any, error) {
	return ordered(c.Shutdown(vm, c.Correlation()))
}

func resetVM(c *rest.Call, vm *model.VM) (any, error) { return ordered(c.Reset(vm, c.Correlation())) }

func ordered(job *model.Job, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return rest.Complete(job), nil
}

// pinVM sets CPU and NUMA pinning: nothing that the API shows afterwards.
func pinVM(c *rest.Call, vm *model.VM) (any, error) {
	if err := c.Unlocked("edit VM", vm); err != nil {
		return nil, err
	}
	c.Done("Pinning VM %s", vm.Name)
	return rest.Complete(nil), nil
}
