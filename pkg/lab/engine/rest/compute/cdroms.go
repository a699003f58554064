package compute

import (
	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/rest"
)

// theDrive is the ID of the drive that every VM has, and the only one.
const theDrive = model.BlankTemplate

func cdromXML(vm *model.VM, disk string) *api.Element {
	out := api.Object("cdrom", "vms/"+vm.ID+"/cdroms", theDrive)
	if disk != "" {
		out.Add(api.Object("file", "files", disk))
	}
	return out.Refer("vm", "vms", vm.ID)
}

// vmCDs shows what is in the drive at the next start.
func vmCDs(_ *rest.Call, vm *model.VM) []*api.Element { return []*api.Element{cdromXML(vm, vm.CD)} }

// drive finds the drive of a VM.
func drive(c *rest.Call) (*model.VM, error) {
	vm, err := vmOf(c)
	if err == nil && c.ID("cdrom") != theDrive {
		err = refuse.NotFound()
	}
	return vm, err
}

// showCD shows what is in the drive at the next start or, if so asked for, now.
func showCD(c *rest.Call, vm *model.VM) (*api.Element, error) {
	if c.Flag("current") {
		return cdromXML(vm, vm.CurrentCD), nil
	}
	return cdromXML(vm, vm.CD), nil
}

// changeCD changes what is in the drive at the next start or, if so asked for, now. As the engine does, it takes any
// disk for the next start, and looks at it then.
func changeCD(c *rest.Call, vm *model.VM, in *api.CDROM) (*api.Element, error) {
	if in.File == nil {
		return nil, refuse.Incomplete("Cdrom [file]", "update")
	}
	if c.Flag("current") {
		if err := c.InsertCD(vm, in.File.ID, c.Correlation()); err != nil {
			return nil, err
		}
		return showCD(c, vm)
	}
	if err := c.Unlocked("edit VM", vm); err != nil {
		return nil, err
	}
	vm.CD = in.File.ID
	c.Done("Editing VM %s", vm.Name)
	return showCD(c, vm)
}
