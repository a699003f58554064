package datacenter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// byRef finds an object by ID or, without one, by name; it returns nil when there
// is none.
func byRef[T any](objects map[string]*T, id string, name *string, nameOf func(*T) string) *T {
	if id != "" {
		return objects[id]
	}
	for _, object := range objects {
		if name != nil && nameOf(object) == *name {
			return object
		}
	}
	return nil
}

// TagByRef finds a tag by ID or, without one, by name; it returns nil when there
// is none. The lock is held.
func (dc *DataCenter) TagByRef(id string, name *string) *model.Tag {
	return byRef(dc.State.Tags, id, name, func(t *model.Tag) string { return t.Name })
}

// VMByRef finds a VM in the same way.
func (dc *DataCenter) VMByRef(id string, name *string) *model.VM {
	return byRef(dc.State.VMs, id, name, func(vm *model.VM) string { return vm.Name })
}

// TemplateByRef finds a template in the same way.
func (dc *DataCenter) TemplateByRef(ref *api.Ref) *model.Template {
	return byRef(dc.State.Templates, ref.ID, ref.Name, func(t *model.Template) string { return t.Name })
}

// With returns a list that has a text, once.
func With(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Without returns a list without one of its texts.
func Without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == s })
}

// UsedMACs lists the addresses of all cards, sorted. The lock is held.
func (dc *DataCenter) UsedMACs() []string {
	var out []string
	for _, vm := range dc.State.VMs {
		for _, n := range vm.NICs {
			out = append(out, n.MAC)
		}
	}
	slices.Sort(out)
	return out
}

// FreeMAC returns the lowest free address of the pool. The lock is held.
func (dc *DataCenter) FreeMAC() (string, error) {
	used := dc.UsedMACs()
	for i := range 1 << 16 {
		mac := fmt.Sprintf("%s:%02x:%02x", dc.Config.MACPrefix, i>>8, i&0xff)
		if _, taken := slices.BinarySearch(used, mac); !taken {
			return mac, nil
		}
	}
	return "", refuse.Conflict("Cannot add Interface. Not enough MAC addresses left in MAC Address Pool.")
}

// settleTemplate records how creating or removing a template ended.
func (dc *DataCenter) settleTemplate(task *model.Task, err error) {
	t := dc.State.Templates[task.Template]
	if t == nil {
		return
	}
	if vm := dc.State.VMs[task.VM]; vm != nil && vm.Status == model.VMImageLocked {
		vm.Status = model.VMDown
	}
	if task.Kind == TaskUntemplate && err == nil {
		dc.dropDisks(task.Disks, nil)
		delete(dc.State.Templates, t.ID)
		return
	}
	t.Status = outcome(err)
	for _, a := range t.Disks {
		dc.State.Disks[a.Disk].Status = t.Status
	}
}

// Unlocked refuses to touch a VM whose disks are being worked on. The lock is
// held.
func (dc *DataCenter) Unlocked(action refuse.Action, vm *model.VM) error {
	dc.Follow(vm)
	if vm.Status == model.VMImageLocked {
		return refuse.Conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
	}
	return nil
}

// VMNameFree refuses a name that another VM than self has. The lock is held.
func (dc *DataCenter) VMNameFree(action refuse.Action, name string, self *model.VM) error {
	for _, vm := range dc.State.VMs {
		if vm != self && strings.EqualFold(vm.Name, name) {
			return NameTaken(action, "VM")
		}
	}
	return nil
}

// NameTaken refuses a name that another object of a kind has.
func NameTaken(action refuse.Action, kind string) error {
	return action.Conflict("The %s name is already in use, please choose a unique name and try again.", kind)
}

// settleVM records how creating a VM ended.
func (dc *DataCenter) settleVM(t *model.Task, err error) {
	vm := dc.State.VMs[t.VM]
	if vm == nil {
		return
	}
	vm.Status = model.VMDown
	for _, a := range vm.Disks {
		dc.State.Disks[a.Disk].Status = outcome(err)
	}
}

// settleVMRemoval records how removing a VM ended.
func (dc *DataCenter) settleVMRemoval(t *model.Task, err error) {
	vm := dc.State.VMs[t.VM]
	if vm == nil {
		return
	}
	dc.dropDisks(t.Disks, err)
	if err != nil {
		vm.Status = model.VMDown
		return
	}
	for _, g := range dc.State.Groups {
		g.VMs = Without(g.VMs, vm.ID)
	}
	delete(dc.State.VMs, vm.ID)
}
