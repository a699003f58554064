package datacenter

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/payload"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// bootable refuses VMs that have nothing to boot from.
func (dc *DataCenter) bootable(action refuse.Action, vm *model.VM, devices []string) error {
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
	if !boot && slices.Equal(devices, []string{"hd"}) {
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
		profile := api.Val(dc.State.Profiles[n.Profile])
		network := api.Val(dc.Layout.Network(profile.Network))
		hw.NICs = append(hw.NICs, NIC{ID: n.ID, MAC: n.MAC, Network: network.Name})
	}
	for _, a := range vm.Disks {
		hw.Disks = append(hw.Disks, Disk{ID: a.Disk, Interface: a.Interface, Bootable: a.Bootable, Active: a.Active})
	}
	hw.Media = medium(vm.CurrentCD)
	var err error
	if hw.Host, err = dc.firmware(vm); err != nil {
		return hw, err
	}
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
	vm.CurrentCD, vm.Once = "", nil
}

// Follow brings a VM's status in line with its machine. The lock is held.
func (dc *DataCenter) Follow(vm *model.VM) {
	// An order under way decides by its outcome, not by what the machine does
	// meanwhile.
	if !running(vm) && vm.Status != model.VMPoweringDown ||
		vm.Stuck || dc.busy(vm, TaskVMStop) || dc.busy(vm, TaskVMReset) {
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

// busy reports whether a task of a kind is under way for a VM's run.
func (dc *DataCenter) busy(vm *model.VM, kind string) bool {
	for _, t := range dc.State.Tasks {
		if t.VM == vm.ID && t.Kind == kind && t.Run == vm.Run {
			return true
		}
	}
	return false
}

// Addresses are those that a VM's guest agent reports; nil when unknown.
func (dc *DataCenter) Addresses(vm *model.VM) []netip.Addr { return dc.machines.Addresses(vm.ID) }

// schedule finds a host for a VM: up, allowed by placement policy and
// enforcing affinity rules, with memory left; the least loaded of those.
// The lock is held.
func (dc *DataCenter) schedule(action refuse.Action, vm *model.VM) (*KnownHost, error) {
	var best *KnownHost
	bestLoad := 0
	for _, h := range dc.Layout.Hosts {
		if dc.HostStatus(h) != HostUp || !placed(vm, h) || !dc.affine(vm, h) {
			continue
		}
		load, memory := 0, h.MemoryMB<<20
		for _, other := range dc.State.VMs {
			if other.Host == h.ID {
				load++
				memory -= other.Spec.Memory
			}
		}
		if memory >= vm.Spec.Memory && (best == nil || load < bestLoad) {
			best, bestLoad = h, load
		}
	}
	if best == nil {
		return nil, action.Conflict("There is no host that satisfies current scheduling constraints. " +
			"See below for details:")
	}
	return best, nil
}

func placed(vm *model.VM, h *KnownHost) bool {
	p := vm.Spec.Placement
	return p == nil || len(p.Hosts) == 0 || api.Val(p.Affinity) == "migratable" ||
		slices.ContainsFunc(p.Hosts, func(want *api.Ref) bool { return want.ID == h.ID })
}

// affine applies the enforcing rules of affinity groups.
func (dc *DataCenter) affine(vm *model.VM, h *KnownHost) bool {
	for _, g := range dc.State.Groups {
		if !slices.Contains(g.VMs, vm.ID) {
			continue
		}
		if r := g.HostsRule; r.Enabled && r.Enforcing && slices.Contains(g.Hosts, h.ID) != r.Positive {
			return false
		}
		if r := g.VMsRule; !r.Enabled || !r.Enforcing && !g.Enforcing {
			continue
		}
		for _, id := range g.VMs {
			other := dc.State.VMs[id]
			if other == nil || other == vm || other.Host == "" {
				continue
			}
			if (other.Host == h.ID) != g.VMsRule.Positive {
				return false
			}
		}
	}
	return true
}
