package datacenter

import (
	"cmp"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/payload"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// StartVM switches a VM on, with the initialization that it gets when a request
// asks for no other.
func (dc *DataCenter) StartVM(id string) error {
	return dc.order(id, func(vm *model.VM, correlation string) (*model.Job, error) {
		return dc.Start(vm, &api.Action{}, correlation)
	})
}

// StopVM cuts a VM's power.
func (dc *DataCenter) StopVM(id string) error { return dc.order(id, dc.Stop) }

// ShutdownVM asks a VM's guest to power off.
func (dc *DataCenter) ShutdownVM(id string) error { return dc.order(id, dc.Shutdown) }

func (dc *DataCenter) order(id string, give func(vm *model.VM, correlation string) (*model.Job, error)) error {
	dc.mu.Lock()
	defer dc.mu.Unlock()
	vm := dc.State.VMs[id]
	if vm == nil {
		return fmt.Errorf("the engine has no VM %s", id)
	}
	_, err := give(vm, "")
	return err
}

// Start gives the order to switch a VM on. Job names its job. The lock is held.
func (dc *DataCenter) Start(vm *model.VM, in *api.Action, correlation string) (*model.Job, error) {
	const action refuse.Action = "run VM"
	if err := dc.Unlocked(action, vm); err != nil {
		return nil, err
	}
	devices, cd, once := vm.Spec.BootDevices, vm.CD, []string(nil)
	if in.VM != nil { // run once
		if once = in.VM.BootDevices; len(once) > 0 {
			devices = once
		}
		if len(in.VM.CDROMs) > 0 && in.VM.CDROMs[0].File != nil {
			cd = in.VM.CDROMs[0].File.ID
		}
	}
	if err := cmp.Or(
		action.ConflictIf(vm.Status != model.VMDown, "VM is running."),
		BootDevices(action, once),
		dc.bootable(action, vm, devices),
		dc.insertable(action, cd),
	); err != nil {
		return nil, err
	}
	init := payloadOf(vm, in)
	if _, err := payload.UserData(vm.Spec.OS, init); err != nil {
		return nil, action.Invalid("Failed to build the initialization payload: %v.", err)
	}
	host, err := dc.schedule(action, vm)
	if err != nil {
		return nil, err
	}
	_, stuck := dc.Faults.Take("", []string{vm.Name}, fault.NoBoot)
	vm.Run++
	vm.Status, vm.Host, vm.Started, vm.StopReason = model.VMWaitLaunch, host.ID, dc.Clock.Now(), ""
	vm.Payload, vm.Stuck, vm.CurrentCD, vm.Once = init, stuck, cd, once
	return dc.beginPower(vm, TaskVMStart, dc.Config.Delays.Launch, correlation, "Launching"), nil
}

// Stop gives the order to cut a VM's power; the job is nil when there is nothing
// to do. The lock is held.
func (dc *DataCenter) Stop(vm *model.VM, correlation string) (*model.Job, error) {
	if err := dc.Unlocked("stop VM", vm); err != nil {
		return nil, err
	}
	if vm.Status == model.VMDown || dc.busy(vm, TaskVMStop) {
		return nil, nil // no error here
	}
	if cancel := dc.starts[vm.ID]; cancel != nil {
		cancel()
	}
	vm.Status = model.VMPoweringDown
	return dc.beginPower(vm, TaskVMStop, dc.Config.Delays.Stop, correlation, "Stopping"), nil
}

// Shutdown gives the order to shut a VM's guest down; the job is nil when there
// is nothing to do. The lock is held.
func (dc *DataCenter) Shutdown(vm *model.VM, correlation string) (*model.Job, error) {
	const action refuse.Action = "shutdown VM"
	if err := dc.Unlocked(action, vm); err != nil {
		return nil, err
	}
	switch {
	case vm.Status == model.VMPoweringDown, running(vm) && vm.Stuck:
		return nil, nil // under way, or its guest does not run
	case !running(vm):
		return nil, action.Conflict("VM is not running.")
	}
	vm.Status, vm.GiveUp = model.VMPoweringDown, dc.Clock.Now().Add(dc.Config.Delays.GiveUp)
	return dc.beginPower(vm, TaskVMShutdown, 0, correlation, "Shutting down"), nil
}

// Reset gives the order to reset a VM. The lock is held.
func (dc *DataCenter) Reset(vm *model.VM, correlation string) (*model.Job, error) {
	const action refuse.Action = "reset VM"
	if err := dc.Unlocked(action, vm); err != nil {
		return nil, err
	}
	if !running(vm) {
		return nil, action.Conflict("VM is not running.")
	}
	vm.Status = model.VMRebooting
	if vm.Stuck {
		job := dc.StartJob(correlation, "Resetting VM "+vm.Name)
		dc.EndJob(job.ID, nil)
		return job, nil
	}
	return dc.beginPower(vm, TaskVMReset, 0, correlation, "Resetting"), nil
}

// beginPower begins a task with a VM's machine and returns its job.
func (dc *DataCenter) beginPower(
	vm *model.VM, kind string, delay time.Duration, correlation, what string,
) *model.Job {
	job := dc.StartJob(correlation, what+" VM "+vm.Name)
	dc.Begin(&model.Task{Kind: kind, Job: job.ID, VM: vm.ID, Run: vm.Run}, delay)
	return job
}

func running(vm *model.VM) bool {
	return vm.Status == model.VMUp || vm.Status == model.VMPoweringUp || vm.Status == model.VMRebooting
}

// payloadOf decides what a run gets: the initialization of the request, or
// that of the VM until it has been up once, afterwards only on request.
func payloadOf(vm *model.VM, in *api.Action) *api.Initialization {
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
	return Clone(vm.Spec.Initialization)
}
