package datacenter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// TagByName finds a tag, or returns nil. The lock is held.
func (dc *DataCenter) TagByName(name string) *model.Tag {
	return named(dc.State.Tags, func(t *model.Tag) bool { return t.Name == name })
}

// named finds the object that fits, or returns nil.
func named[T any](objects map[string]*T, fits func(*T) bool) *T {
	for _, object := range objects {
		if fits(object) {
			return object
		}
	}
	return nil
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
	used := map[string]bool{}
	for _, mac := range dc.UsedMACs() {
		used[mac] = true
	}
	for i := range 1 << 16 {
		if mac := fmt.Sprintf("%s:%02x:%02x", dc.Config.MACPrefix, i>>8, i&0xff); !used[mac] {
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
		for _, id := range task.Disks {
			delete(dc.State.Disks, id)
		}
		delete(dc.State.Templates, t.ID)
		return
	}
	t.Status = model.StatusOK
	if err != nil {
		t.Status = model.StatusIllegal
	}
	for _, a := range t.Disks {
		dc.State.Disks[a.Disk].Status = t.Status
	}
}

// VMByRef finds a VM by ID or, without one, by name; it returns nil when there
// is none. The lock is held.
func (dc *DataCenter) VMByRef(id string, name *string) *model.VM {
	if id != "" {
		return dc.State.VMs[id]
	}
	return named(dc.State.VMs, func(vm *model.VM) bool { return vm.Name == api.Val(name) })
}

// Unlocked refuses to touch a VM whose disks are being worked on. The lock is
// held.
func (dc *DataCenter) Unlocked(action string, vm *model.VM) error {
	dc.Follow(vm)
	if vm.Status == model.VMImageLocked {
		return refuse.Conflict("Cannot %s: VM is locked. Please try again in a few minutes.", action)
	}
	return nil
}

// VMNameFree refuses a name that another VM than self has. The lock is held.
func (dc *DataCenter) VMNameFree(action, name string, self *model.VM) error {
	for _, vm := range dc.State.VMs {
		if vm != self && strings.EqualFold(vm.Name, name) {
			return refuse.Conflict("Cannot %s. The VM name is already in use, "+
				"please choose a unique name and try again.", action)
		}
	}
	return nil
}

// TemplateByRef finds a template by ID or, without one, by name; it returns nil
// when there is none. The lock is held.
func (dc *DataCenter) TemplateByRef(ref *api.Ref) *model.Template {
	if ref.ID != "" {
		return dc.State.Templates[ref.ID]
	}
	return named(dc.State.Templates, func(t *model.Template) bool { return t.Name == api.Val(ref.Name) })
}

// settleVM records how creating a VM ended.
func (dc *DataCenter) settleVM(t *model.Task, err error) {
	vm := dc.State.VMs[t.VM]
	if vm == nil {
		return
	}
	vm.Status = model.VMDown
	for _, a := range vm.Disks {
		d := dc.State.Disks[a.Disk]
		d.Status = model.StatusOK
		if err != nil {
			d.Status = model.StatusIllegal
		}
	}
}

// settleVMRemoval records how removing a VM ended.
func (dc *DataCenter) settleVMRemoval(t *model.Task, err error) {
	vm := dc.State.VMs[t.VM]
	if vm == nil {
		return
	}
	if err != nil {
		vm.Status = model.VMDown
		for _, id := range t.Disks {
			dc.State.Disks[id].Status = model.StatusIllegal
		}
		return
	}
	for _, id := range t.Disks {
		delete(dc.State.Disks, id)
	}
	for _, g := range dc.State.Groups {
		g.VMs = Without(g.VMs, vm.ID)
	}
	delete(dc.State.VMs, vm.ID)
}
