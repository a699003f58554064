package datacenter

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/payload"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// bootable refuses VMs that have nothing to boot from.
func (dc *DataCenter) bootable(action refuse.Action, vm *model.VM) error {
	boot := false
	var locked []string
	for _, a := range vm.Disks {
		if !a.Active {
			continue
		}
		boot = boot || a.Bootable
		d := dc.State.Disks[a.Disk]
		if err := diskLegal(action, d); err != nil {
			return err
		}
		if d.Status == model.StatusLocked {
			locked = append(locked, d.Alias)
		}
	}
	if len(locked) > 0 {
		return refuse.Conflict("Cannot %s: Disk is locked. The following disks are locked: %s. "+
			"Please try again in a few minutes.", action, strings.Join(locked, ", "))
	}
	if !boot && slices.Equal(vm.Spec.BootDevices, []string{"hd"}) {
		return refuse.Conflict("Cannot %s without at least one bootable disk. "+
			"Please add a bootable disk and try again.", action)
	}
	return nil
}

// hardware describes a VM to what runs it. The lock is held.
func (dc *DataCenter) hardware(vm *model.VM) (Hardware, error) {
	top := vm.Spec.CPU.Topology
	hw := Hardware{ID: vm.ID, Name: vm.Name, CPUs: top.Cores * top.Sockets * top.Threads, MemoryMB: vm.Spec.Memory >> 20}
	for _, n := range vm.NICs {
		if !n.Plugged || !n.Linked {
			continue
		}
		network := ""
		if p := dc.State.Profiles[n.Profile]; p != nil {
			if net := dc.Layout.Network(p.Network); net != nil {
				network = net.Name
			}
		}
		hw.NICs = append(hw.NICs, NIC{ID: n.ID, MAC: n.MAC, Network: network})
	}
	for _, a := range vm.Disks {
		hw.Disks = append(hw.Disks, Disk{ID: a.Disk, Interface: a.Interface, Bootable: a.Bootable, Active: a.Active})
	}
	var err error
	hw.UserData, err = payload.UserData(vm.Spec.OS, vm.Payload)
	return hw, err
}

// powerOn starts the machine of a task's run, unless the run is over.
func (dc *DataCenter) powerOn(ctx context.Context, t *model.Task) error {
	defer dc.power.lock(t.VM)()
	dc.mu.Lock()
	vm := dc.State.VMs[t.VM]
	if vm == nil || vm.Run != t.Run || vm.Status != model.VMWaitLaunch || vm.Stuck {
		dc.mu.Unlock()
		return nil
	}
	hw, err := dc.hardware(vm)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dc.starts[t.VM] = cancel
	dc.mu.Unlock()
	// After a restart of the engine the machine may run already.
	if err == nil && dc.machines.State(hw.ID) == StateDown {
		err = dc.machines.Start(ctx, hw)
	}
	dc.mu.Lock()
	delete(dc.starts, t.VM)
	dc.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start VM %s: %w", hw.Name, err)
	}
	return nil
}

// settlePower records how a power operation ended.
func (dc *DataCenter) settlePower(t *model.Task, err error) {
	vm := dc.State.VMs[t.VM]
	if vm == nil || vm.Run != t.Run {
		return
	}
	switch {
	case t.Kind == TaskVMStart && vm.Status != model.VMWaitLaunch:
		return // ordered to stop meanwhile
	case t.Kind == TaskVMStart && err != nil:
		dc.down(vm, fmt.Sprintf("VM %s is down with error. Exit message: %v.", vm.Name, err))
		return
	case t.Kind == TaskVMStart:
		vm.Status = model.VMPoweringUp
	case t.Kind == TaskVMStop && err == nil:
		dc.down(vm, "")
		return
	case t.Kind == TaskVMStop, t.Kind == TaskVMShutdown && err != nil && vm.Status == model.VMPoweringDown:
		vm.Status = model.VMUp // it runs on; Follow corrects this
	}
	dc.Follow(vm)
}

func (dc *DataCenter) down(vm *model.VM, why string) {
	vm.Status, vm.Host, vm.Stuck, vm.Payload = model.VMDown, "", false, nil
	vm.Stopped, vm.StopReason = dc.Clock.Now(), why
}

// Follow brings a VM's status in line with its machine. The lock is held.
func (dc *DataCenter) Follow(vm *model.VM) {
	// An order under way decides by its outcome, not by what the machine does
	// meanwhile.
	if !running(vm) && vm.Status != model.VMPoweringDown ||
		vm.Stuck || dc.stopping(vm) || dc.task(vm, TaskVMReset) {
		return
	}
	state := dc.machines.State(vm.ID)
	before := vm.Status
	switch {
	case state == StateDown && before == model.VMPoweringDown:
		dc.down(vm, "")
	case state == StateDown:
		dc.down(vm, fmt.Sprintf("VM %s is down. Exit message: User shut down from within the guest.", vm.Name))
	case state == StateStopping:
		if before != model.VMRebooting {
			vm.Status = model.VMPoweringDown
		}
	case state == StateStarting:
		if before == model.VMUp || before == model.VMPoweringDown {
			vm.Status = model.VMRebooting // the guest did it
		}
	case before == model.VMPoweringDown && dc.Clock.Now().Before(vm.GiveUp):
	default:
		vm.Status = model.VMUp
		vm.Initialized = true
	}
	if vm.Status != before {
		dc.Log.Info("VM status", "vm", vm.Name, "was", before, "is", vm.Status)
	}
}

// stopping reports whether the order to cut a VM's power is under way.
func (dc *DataCenter) stopping(vm *model.VM) bool { return dc.task(vm, TaskVMStop) }

func (dc *DataCenter) task(vm *model.VM, kind string) bool {
	for _, t := range dc.State.Tasks {
		if t.VM == vm.ID && t.Kind == kind && t.Run == vm.Run {
			return true
		}
	}
	return false
}

// Addresses are those that a VM's guest agent reports; nil when unknown.
func (dc *DataCenter) Addresses(vm *model.VM) []netip.Addr { return dc.machines.Addresses(vm.ID) }
