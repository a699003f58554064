package datacenter

import (
	"bytes"
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

var qcowMagic = []byte("QFI\xfb")

// settleTransfer moves a transfer on to its next phase.
func (dc *DataCenter) settleTransfer(task *model.Task, err error) {
	t := dc.State.Transfers[task.Transfer]
	if t == nil {
		return
	}
	t.Activity = dc.Clock.Now()
	d := dc.State.Disks[t.Disk]
	switch task.Kind {
	case TaskOpen:
		if t.Phase == model.PhaseInitializing {
			t.Phase = model.PhaseTransferring
		}
		return
	case TaskFinalize:
		t.Phase = model.PhaseFinishedSuccess
	case TaskCancel:
		t.Phase = model.PhaseFinishedFailure
		err = errCancelled
	}
	if err != nil {
		t.Phase = model.PhaseFinishedFailure
	}
	if d != nil {
		d.Status = model.StatusOK
		if err != nil && t.Upload && t.HighWater > 0 {
			// Half an image is of no use.
			d.Status = model.StatusIllegal
		}
		if err == nil && t.Upload {
			d.Content = t.Format
			if d.Sparse {
				d.Allocated = max(t.HighWater, d.Allocated)
			}
		}
	}
	dc.EndJob(t.Job, err)
}

var errCancelled = fmt.Errorf("the transfer was cancelled")

// pauseIdleTransfers pauses transfers whose ticket has not been used for long.
func (dc *DataCenter) pauseIdleTransfers() {
	now := dc.Clock.Now()
	for _, t := range dc.State.Transfers {
		if t.Phase == model.PhaseTransferring && now.Sub(t.Activity) > t.Timeout {
			t.Phase = model.PhasePausedSystem
			dc.Log.Info("image transfer paused", "transfer", t.ID, "idle", t.Timeout)
		}
	}
}

// commit checks an upload and makes it the disk's content.
func (dc *DataCenter) commit(ctx context.Context, task *model.Task) error {
	dc.mu.Lock()
	t, d := Clone(dc.State.Transfers[task.Transfer]), Clone(dc.State.Disks[task.Disk])
	dc.mu.Unlock()
	if t == nil || d == nil || !t.Upload || t.HighWater == 0 {
		return nil
	}
	defer dc.bytes.lock(d.ID)()
	if isCow := bytes.Equal(t.Magic, qcowMagic); isCow != (t.Format == model.FormatCow) {
		return fmt.Errorf("verify disk %s: the content is not in format %s", d.Alias, t.Format)
	}
	size, err := dc.volumes.Commit(ctx, d.ID, t.Format)
	if err != nil {
		return fmt.Errorf("commit disk %s: %w", d.Alias, err)
	}
	if size > d.Size {
		return fmt.Errorf("verify disk %s: the image has %d bytes, the disk %d", d.Alias, size, d.Size)
	}
	return nil
}
