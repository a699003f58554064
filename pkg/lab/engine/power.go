package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/payload"
)

func startVM(c *call) (any, error) {
	const action = "run VM"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	var in api.Action
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	if vm.Status != model.VMDown {
		return nil, conflict("Cannot %s. VM is running.", action)
	}
	if err := c.bootable(action, vm); err != nil {
		return nil, err
	}
	init := c.payloadOf(vm, &in)
	if _, err := payload.UserData(vm.Spec.OS, init); err != nil {
		return nil, invalid("Cannot %s. Failed to build the initialization payload: %v.", action, err)
	}
	host, err := c.schedule(action, vm)
	if err != nil {
		return nil, err
	}
	_, stuck := c.faults.Take("", []string{vm.Name}, fault.NoBoot)
	vm.Run++
	vm.Status, vm.Host, vm.Started, vm.StopReason = model.VMWaitLaunch, host.ID, c.clock.Now(), ""
	vm.Payload, vm.Stuck = init, stuck
	job := c.job("Launching VM %s", vm.Name)
	c.begin(&model.Task{Kind: taskVMStart, Job: job.ID, VM: vm.ID, Run: vm.Run}, c.cfg.Delays.Launch)
	return complete(job), nil
}

// payloadOf decides what a run gets: the initialization of the request, or
// that of the VM until it has been up once, afterwards only on request.
func (e *Engine) payloadOf(vm *model.VM, in *api.Action) *api.Initialization {
	if in.VM != nil && in.VM.Initialization != nil {
		return in.VM.Initialization
	}
	asked := api.Val(in.UseCloudInit) || api.Val(in.UseInitialization)
	if vm.Spec.OS == payload.IgnitionOS {
		asked = api.Val(in.UseIgnition)
	}
	if vm.Initialized && !asked {
		return nil
	}
	return clone(vm.Spec.Initialization)
}

// bootable refuses VMs that have nothing to boot from.
func (e *Engine) bootable(action string, vm *model.VM) error {
	boot := false
	var locked []string
	for _, a := range vm.Disks {
		if !a.Active {
			continue
		}
		boot = boot || a.Bootable
		d := e.st.Disks[a.Disk]
		switch d.Status {
		case model.StatusLocked:
			locked = append(locked, d.Alias)
		case model.StatusIllegal:
			return broken(errIllegal(action, d))
		}
	}
	if len(locked) > 0 {
		return conflict("Cannot %s: Disk is locked. The following disks are locked: %s. Please try again in a few minutes.",
			action, strings.Join(locked, ", "))
	}
	if !boot && contains(vm.Spec.BootDevices, "hd") && len(vm.Spec.BootDevices) == 1 {
		return conflict("Cannot %s without at least one bootable disk. Please add a bootable disk and try again.", action)
	}
	return nil
}

// hardware describes a VM to whoever runs it. e.mu is held.
func (e *Engine) hardware(vm *model.VM) (Hardware, error) {
	top := vm.Spec.CPU.Topology
	hw := Hardware{ID: vm.ID, Name: vm.Name, CPUs: top.Cores * top.Sockets * top.Threads, MemoryMB: vm.Spec.Memory >> 20}
	for _, n := range vm.NICs {
		if !n.Plugged || !n.Linked {
			continue
		}
		network := ""
		if p := e.st.Profiles[n.Profile]; p != nil {
			if net, ok := e.world.network(p.Network); ok {
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
func (e *Engine) powerOn(ctx context.Context, t *model.Task) error {
	defer e.power.lock(t.VM)()
	e.mu.Lock()
	vm := e.st.VMs[t.VM]
	if vm == nil || vm.Run != t.Run || vm.Status != model.VMWaitLaunch || vm.Stuck {
		e.mu.Unlock()
		return nil
	}
	hw, err := e.hardware(vm)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.starts[t.VM] = cancel
	e.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start VM %s: %w", hw.Name, err)
	}
	// After a restart of the engine the machine may run already.
	if e.machines.State(hw.ID) == StateDown {
		err = e.machines.Start(ctx, hw)
	}
	e.mu.Lock()
	delete(e.starts, t.VM)
	e.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start VM %s: %w", hw.Name, err)
	}
	return nil
}

// settlePower records how a power operation ended.
func (e *Engine) settlePower(t *model.Task, err error) {
	vm := e.st.VMs[t.VM]
	if vm == nil || vm.Run != t.Run {
		return
	}
	switch t.Kind {
	case taskVMStart:
		if vm.Status != model.VMWaitLaunch {
			return // ordered to stop meanwhile
		}
		if err != nil {
			e.down(vm, fmt.Sprintf("VM %s is down with error. Exit message: %v.", vm.Name, err))
			return
		}
		vm.Status = model.VMPoweringUp
		e.follow(vm)
	case taskVMStop:
		if err != nil {
			vm.Status = model.VMUp // it runs on: follow corrects this
			e.follow(vm)
			return
		}
		e.down(vm, "")
	case taskVMShutdown:
		if err != nil && vm.Status == model.VMPoweringDown {
			vm.Status = model.VMUp
		}
		e.follow(vm)
	case taskVMReset:
		e.follow(vm)
	}
}

func (e *Engine) down(vm *model.VM, why string) {
	vm.Status, vm.Host, vm.Stuck, vm.Payload = model.VMDown, "", false, nil
	vm.Stopped, vm.StopReason = e.clock.Now(), why
}

// follow brings a VM's status in line with its machine. e.mu is held.
func (e *Engine) follow(vm *model.VM) {
	switch vm.Status {
	case model.VMPoweringUp, model.VMUp, model.VMRebooting, model.VMPoweringDown:
	default:
		return
	}
	// An order under way decides by its outcome, not by what the machine does
	// meanwhile.
	if vm.Stuck || e.stopping(vm) || e.task(vm, taskVMReset) {
		return
	}
	state := e.machines.State(vm.ID)
	before := vm.Status
	switch {
	case state == StateDown:
		why := ""
		if before != model.VMPoweringDown {
			why = fmt.Sprintf("VM %s is down. Exit message: User shut down from within the guest.", vm.Name)
		}
		e.down(vm, why)
	case state == StateStopping:
		if before != model.VMRebooting {
			vm.Status = model.VMPoweringDown
		}
	case state == StateStarting:
		if before == model.VMUp || before == model.VMPoweringDown {
			vm.Status = model.VMRebooting // the guest did it
		}
	case before == model.VMPoweringDown && e.clock.Now().Before(vm.GiveUp):
	default:
		vm.Status = model.VMUp
		vm.Initialized = true
	}
	if vm.Status != before {
		e.log.Info("VM status", "vm", vm.Name, "was", before, "is", vm.Status)
	}
}

// stopping tells whether the order to cut a VM's power is under way.
func (e *Engine) stopping(vm *model.VM) bool { return e.task(vm, taskVMStop) }

func (e *Engine) task(vm *model.VM, kind string) bool {
	for _, t := range e.st.Tasks {
		if t.VM == vm.ID && t.Kind == kind && t.Run == vm.Run {
			return true
		}
	}
	return false
}

func stopVM(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked("stop VM", vm); err != nil {
		return nil, err
	}
	if vm.Status == model.VMDown || c.stopping(vm) {
		return complete(nil), nil // nothing to do is no error here
	}
	if cancel := c.starts[vm.ID]; cancel != nil {
		cancel()
	}
	vm.Status = model.VMPoweringDown
	job := c.job("Stopping VM %s", vm.Name)
	c.begin(&model.Task{Kind: taskVMStop, Job: job.ID, VM: vm.ID, Run: vm.Run}, c.cfg.Delays.Stop)
	return complete(job), nil
}

func shutdownVM(c *call) (any, error) {
	const action = "shutdown VM"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	switch vm.Status {
	case model.VMUp, model.VMPoweringUp, model.VMRebooting:
	case model.VMPoweringDown:
		return complete(nil), nil
	default:
		return nil, conflict("Cannot %s. VM is not running.", action)
	}
	if vm.Stuck {
		return complete(nil), nil // nobody listens inside
	}
	vm.Status, vm.GiveUp = model.VMPoweringDown, c.clock.Now().Add(c.cfg.Delays.GiveUp)
	job := c.job("Shutting down VM %s", vm.Name)
	c.begin(&model.Task{Kind: taskVMShutdown, Job: job.ID, VM: vm.ID, Run: vm.Run}, 0)
	return complete(job), nil
}

func resetVM(c *call) (any, error) {
	const action = "reset VM"
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked(action, vm); err != nil {
		return nil, err
	}
	switch vm.Status {
	case model.VMUp, model.VMPoweringUp, model.VMRebooting:
	default:
		return nil, conflict("Cannot %s. VM is not running.", action)
	}
	vm.Status = model.VMRebooting
	job := c.job("Resetting VM %s", vm.Name)
	if vm.Stuck {
		c.endJob(job.ID, nil)
		return complete(job), nil
	}
	c.begin(&model.Task{Kind: taskVMReset, Job: job.ID, VM: vm.ID, Run: vm.Run}, 0)
	return complete(job), nil
}

// pinVM sets CPU and NUMA pinning: nothing that the API shows afterwards.
func pinVM(c *call) (any, error) {
	vm, err := c.vm()
	if err != nil {
		return nil, err
	}
	if err := c.vmUnlocked("edit VM", vm); err != nil {
		return nil, err
	}
	c.done("Pinning VM %s", vm.Name)
	return complete(nil), nil
}
