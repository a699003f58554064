package datacenter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// The kinds of task.
const (
	TaskDiskCreate = "disk-create"
	TaskDiskResize = "disk-resize"
	TaskDiskMove   = "disk-move" // becomes known on another domain
	TaskDiskCopy   = "disk-copy" // to a new disk
	TaskDiskRemove = "disk-remove"
	TaskVMCreate   = "vm-create"
	TaskVMRemove   = "vm-remove"
	TaskVMStart    = "vm-start"
	TaskVMStop     = "vm-stop"
	TaskVMShutdown = "vm-shutdown"
	TaskVMReset    = "vm-reset"
	TaskTemplate   = "template-create"
	TaskUntemplate = "template-remove"
	TaskOpen       = "transfer-open"
	TaskFinalize   = "transfer-finalize"
	TaskCancel     = "transfer-cancel"
)

// Begin starts a task after a delay and returns where it tells its end. The
// lock is held.
func (dc *DataCenter) Begin(t *model.Task, delay time.Duration) <-chan error {
	t.ID = NewID()
	t.Due = dc.Clock.Now().Add(delay)
	dc.State.Tasks[t.ID] = t
	return dc.launch(t)
}

// launch runs a task in the background. The lock is held.
func (dc *DataCenter) launch(t *model.Task) <-chan error {
	done := make(chan error, 1)
	if dc.closed {
		done <- context.Canceled
		return done // it stays in the state for the next engine
	}
	dc.work.Add(1)
	task := *t
	go func() {
		defer dc.work.Done()
		done <- dc.run(&task)
	}()
	return done
}

func (dc *DataCenter) run(t *model.Task) error {
	if err := dc.Clock.Sleep(dc.ctx, t.Due.Sub(dc.Clock.Now())); err != nil {
		return err
	}
	err := dc.perform(dc.ctx, t)
	if dc.ctx.Err() != nil {
		return dc.ctx.Err() // done again after a restart: every task can be repeated
	}
	dc.mu.Lock()
	defer dc.mu.Unlock()
	delete(dc.State.Tasks, t.ID)
	dc.settle(t, err)
	dc.EndJob(t.Job, err)
	if err != nil {
		dc.Log.Warn("task failed", "task", t.Kind, "vm", t.VM, "disk", t.Disk, "error", err)
	}
	return err
}

// perform does a task's work outside the engine. The lock is not held.
func (dc *DataCenter) perform(ctx context.Context, t *model.Task) error {
	switch t.Kind {
	case TaskDiskCreate:
		return dc.volumes.Create(ctx, t.Disk, t.Size)
	case TaskDiskResize:
		return dc.volumes.Resize(ctx, t.Disk, t.Size)
	case TaskDiskRemove:
		return dc.volumes.Delete(ctx, t.Disk)
	case TaskDiskCopy, TaskVMCreate, TaskTemplate:
		return dc.copyDisks(ctx, t.Pairs)
	case TaskVMRemove, TaskUntemplate:
		return dc.removeVolumes(ctx, t)
	case TaskVMStart:
		return dc.powerOn(ctx, t)
	case TaskVMStop:
		defer dc.power.lock(t.VM)()
		return dc.machines.PowerOff(ctx, t.VM)
	case TaskVMShutdown:
		defer dc.power.lock(t.VM)()
		return dc.machines.Shutdown(ctx, t.VM)
	case TaskVMReset:
		defer dc.power.lock(t.VM)()
		return dc.machines.Reset(ctx, t.VM)
	case TaskFinalize:
		return dc.commit(ctx, t)
	case TaskDiskMove, TaskOpen, TaskCancel:
		return nil
	}
	return fmt.Errorf("unknown task %q", t.Kind)
}

// settle records how a task ended. The lock is held.
func (dc *DataCenter) settle(t *model.Task, err error) {
	switch t.Kind {
	case TaskDiskCreate, TaskDiskResize, TaskDiskMove, TaskDiskCopy, TaskDiskRemove:
		dc.settleDisk(t, err)
	case TaskVMCreate:
		dc.settleVM(t, err)
	case TaskVMRemove:
		dc.settleVMRemoval(t, err)
	case TaskVMStart, TaskVMStop, TaskVMShutdown, TaskVMReset:
		dc.settlePower(t, err)
	case TaskTemplate, TaskUntemplate:
		dc.settleTemplate(t, err)
	case TaskOpen, TaskFinalize, TaskCancel:
		dc.settleTransfer(t, err)
	}
}

func (dc *DataCenter) copyDisks(ctx context.Context, pairs []model.Pair) error {
	for _, p := range pairs {
		// Repeated after a restart, the target may be there in part.
		if err := dc.volumes.Delete(ctx, p.To); err != nil {
			return fmt.Errorf("clear disk %s: %w", p.To, err)
		}
		if err := dc.volumes.Clone(ctx, p.From, p.To); err != nil {
			return fmt.Errorf("copy disk %s: %w", p.From, err)
		}
		if p.Size > 0 {
			if err := dc.volumes.Resize(ctx, p.To, p.Size); err != nil {
				return fmt.Errorf("resize disk %s: %w", p.To, err)
			}
		}
	}
	return nil
}

func (dc *DataCenter) removeVolumes(ctx context.Context, t *model.Task) error {
	if t.VM != "" {
		unlock := dc.power.lock(t.VM)
		err := dc.machines.Remove(ctx, t.VM)
		unlock()
		if err != nil {
			return fmt.Errorf("remove machine of VM %s: %w", t.VM, err)
		}
	}
	for _, id := range t.Disks {
		if err := dc.volumes.Delete(ctx, id); err != nil {
			return fmt.Errorf("delete disk %s: %w", id, err)
		}
	}
	return nil
}

// watch looks after machines and transfers until the engine is closed.
func (dc *DataCenter) watch() {
	defer dc.work.Done()
	for dc.Clock.Sleep(dc.ctx, dc.Config.Delays.Poll) == nil {
		dc.mu.Lock()
		for _, vm := range dc.State.VMs {
			dc.Follow(vm)
		}
		dc.pauseIdleTransfers()
		dc.mu.Unlock()
	}
}

// maxJobs bounds the history.
const maxJobs = 1000

// StartJob registers a job. The lock is held.
func (dc *DataCenter) StartJob(correlation, description string) *model.Job {
	if correlation == "" {
		correlation = NewID()
	}
	j := &model.Job{ID: NewID(), Correlation: correlation, Description: description,
		Status: model.JobStarted, Started: dc.Clock.Now()}
	dc.State.Jobs = append(dc.State.Jobs, j)
	if n := len(dc.State.Jobs); n > maxJobs {
		ended := func(j *model.Job) bool { return j.Status != model.JobStarted }
		old, recent := dc.State.Jobs[:n-maxJobs/2], dc.State.Jobs[n-maxJobs/2:]
		dc.State.Jobs = slices.Concat(slices.DeleteFunc(slices.Clone(old), ended), recent)
	}
	return j
}

// EndJob closes a job. The lock is held.
func (dc *DataCenter) EndJob(id string, err error) {
	job := model.Find(dc.State.Jobs, func(j *model.Job) bool { return j.ID == id && j.Status == model.JobStarted })
	if job == nil {
		return
	}
	job.Ended, job.Status = dc.Clock.Now(), model.JobFinished
	if err != nil {
		job.Status = model.JobFailed
	}
}
