package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// The kinds of task.
const (
	taskDiskCreate = "disk-create"
	taskDiskResize = "disk-resize"
	taskDiskMove   = "disk-move" // becomes known on another domain
	taskDiskCopy   = "disk-copy" // to a new disk
	taskDiskRemove = "disk-remove"
	taskVMCreate   = "vm-create"
	taskVMRemove   = "vm-remove"
	taskVMStart    = "vm-start"
	taskVMStop     = "vm-stop"
	taskVMShutdown = "vm-shutdown"
	taskVMReset    = "vm-reset"
	taskTemplate   = "template-create"
	taskUntemplate = "template-remove"
	taskOpen       = "transfer-open"
	taskFinalize   = "transfer-finalize"
	taskCancel     = "transfer-cancel"
)

// begin starts a task after a delay and returns where it tells its end. e.mu
// is held.
func (e *Engine) begin(t *model.Task, delay time.Duration) <-chan error {
	t.ID = newID()
	t.Due = e.clock.Now().Add(delay)
	e.st.Tasks[t.ID] = t
	return e.launch(t)
}

// launch runs a task in the background. e.mu is held.
func (e *Engine) launch(t *model.Task) <-chan error {
	done := make(chan error, 1)
	if e.closed {
		done <- context.Canceled
		return done // it stays in the state for the next engine
	}
	e.work.Add(1)
	task := *t
	go func() {
		defer e.work.Done()
		if err := e.clock.Sleep(e.ctx, task.Due.Sub(e.clock.Now())); err != nil {
			done <- err
			return
		}
		err := e.perform(e.ctx, &task)
		if e.ctx.Err() != nil {
			// Done again after a restart: every task can be repeated.
			done <- e.ctx.Err()
			return
		}
		defer func() { done <- err }()
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.st.Tasks, task.ID)
		e.settle(&task, err)
		e.endJob(task.Job, err)
		if err != nil {
			e.log.Warn("task failed", "task", task.Kind, "vm", task.VM, "disk", task.Disk, "error", err)
		}
	}()
	return done
}

// perform does a task's work outside the engine. e.mu is not held.
func (e *Engine) perform(ctx context.Context, t *model.Task) error {
	switch t.Kind {
	case taskDiskCreate:
		return e.volumes.Create(ctx, t.Disk, t.Size)
	case taskDiskResize:
		return e.volumes.Resize(ctx, t.Disk, t.Size)
	case taskDiskRemove:
		return e.volumes.Delete(ctx, t.Disk)
	case taskDiskCopy, taskVMCreate, taskTemplate:
		return e.copyDisks(ctx, t.Pairs)
	case taskVMRemove, taskUntemplate:
		return e.removeVolumes(ctx, t)
	case taskVMStart:
		return e.powerOn(ctx, t)
	case taskVMStop:
		defer e.power.lock(t.VM)()
		return e.machines.PowerOff(ctx, t.VM)
	case taskVMShutdown:
		defer e.power.lock(t.VM)()
		return e.machines.Shutdown(ctx, t.VM)
	case taskVMReset:
		defer e.power.lock(t.VM)()
		return e.machines.Reset(ctx, t.VM)
	case taskFinalize:
		return e.commit(ctx, t)
	case taskDiskMove, taskOpen, taskCancel:
		return nil
	}
	return fmt.Errorf("unknown task %q", t.Kind)
}

// settle records how a task ended. e.mu is held.
func (e *Engine) settle(t *model.Task, err error) {
	switch t.Kind {
	case taskDiskCreate, taskDiskResize, taskDiskMove, taskDiskCopy, taskDiskRemove:
		e.settleDisk(t, err)
	case taskVMCreate:
		e.settleVM(t, err)
	case taskVMRemove:
		e.settleVMRemoval(t, err)
	case taskVMStart, taskVMStop, taskVMShutdown, taskVMReset:
		e.settlePower(t, err)
	case taskTemplate, taskUntemplate:
		e.settleTemplate(t, err)
	case taskOpen, taskFinalize, taskCancel:
		e.settleTransfer(t, err)
	}
}

func (e *Engine) copyDisks(ctx context.Context, pairs []model.Pair) error {
	for _, p := range pairs {
		// Repeated after a restart, the target may be there in part.
		if err := e.volumes.Delete(ctx, p.To); err != nil {
			return fmt.Errorf("clear disk %s: %w", p.To, err)
		}
		if err := e.volumes.Clone(ctx, p.From, p.To); err != nil {
			return fmt.Errorf("copy disk %s: %w", p.From, err)
		}
		if p.Size > 0 {
			if err := e.volumes.Resize(ctx, p.To, p.Size); err != nil {
				return fmt.Errorf("resize disk %s: %w", p.To, err)
			}
		}
	}
	return nil
}

func (e *Engine) removeVolumes(ctx context.Context, t *model.Task) error {
	if t.VM != "" {
		unlock := e.power.lock(t.VM)
		err := e.machines.Remove(ctx, t.VM)
		unlock()
		if err != nil {
			return fmt.Errorf("remove machine of VM %s: %w", t.VM, err)
		}
	}
	for _, id := range t.Disks {
		if err := e.volumes.Delete(ctx, id); err != nil {
			return fmt.Errorf("delete disk %s: %w", id, err)
		}
	}
	return nil
}

// watch looks after machines and transfers until the engine is closed.
func (e *Engine) watch() {
	defer e.work.Done()
	for e.clock.Sleep(e.ctx, e.cfg.Delays.Poll) == nil {
		e.mu.Lock()
		for _, vm := range e.st.VMs {
			e.follow(vm)
		}
		e.pauseIdleTransfers()
		e.mu.Unlock()
	}
}

// maxJobs bounds the history.
const maxJobs = 1000

// startJob registers a job. e.mu is held.
func (e *Engine) startJob(correlation, description string) *model.Job {
	if correlation == "" {
		correlation = newID()
	}
	j := &model.Job{ID: newID(), Correlation: correlation, Description: description,
		Status: model.JobStarted, Started: e.clock.Now()}
	e.st.Jobs = append(e.st.Jobs, j)
	if n := len(e.st.Jobs); n > maxJobs {
		kept := make([]*model.Job, 0, n)
		for i, old := range e.st.Jobs {
			if old.Status == model.JobStarted || i >= n-maxJobs/2 {
				kept = append(kept, old)
			}
		}
		e.st.Jobs = kept
	}
	return j
}

// endJob closes a job. e.mu is held.
func (e *Engine) endJob(id string, err error) {
	for _, j := range e.st.Jobs {
		if j.ID != id || j.Status != model.JobStarted {
			continue
		}
		j.Ended = e.clock.Now()
		j.Status = model.JobFinished
		if err != nil {
			j.Status = model.JobFailed
		}
	}
}
