package datacenter

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// Ticket is the right to one image transfer.
type Ticket struct {
	ID     string
	Disk   string
	Upload bool
	Size   int64 // bytes that may be written, or that there are to read
	// BytesPerSecond slows a transfer down; 0 does not.
	BytesPerSecond int64
}

var errNoTicket = errors.New("no such ticket")

func (dc *DataCenter) transferOf(ticket string) *model.Transfer {
	return byRef(dc.State.Transfers, "", &ticket, func(t *model.Transfer) string { return t.Ticket })
}

// Ticket returns the ticket of a transfer that is in use now. A call counts as
// activity.
func (dc *DataCenter) Ticket(id string) (Ticket, error) {
	dc.mu.Lock()
	defer dc.mu.Unlock()
	t := dc.transferOf(id)
	if t == nil || t.Phase != model.PhaseTransferring || dc.State.Disks[t.Disk] == nil {
		return Ticket{}, errNoTicket
	}
	t.Activity = dc.Clock.Now()
	size := dc.State.Disks[t.Disk].Size
	if t.Format == model.FormatCow {
		// QCOW2 has tables besides the data: the engine allows a tenth.
		size += size/10 + 4<<20
	}
	out := Ticket{ID: t.Ticket, Disk: t.Disk, Upload: t.Upload, Size: size}
	if f, ok := dc.Faults.Take("", []string{"/images/" + id}, fault.SlowTransfer); ok {
		out.BytesPerSecond = f.BytesPerSecond
	}
	return out, nil
}

// WriteImage stores bytes of an upload.
func (dc *DataCenter) WriteImage(ctx context.Context, tk Ticket, offset int64, r io.Reader) (int64, error) {
	defer dc.bytes.lock(tk.Disk)()
	// Commit checks the first bytes against the format.
	content := bufio.NewReader(dc.alive(tk.ID, r))
	head, _ := content.Peek(len(qcowMagic))
	head = bytes.Clone(head)
	n, err := dc.volumes.Write(ctx, tk.Disk, offset, content)
	dc.mu.Lock()
	defer dc.mu.Unlock()
	if t := dc.transferOf(tk.ID); t != nil {
		t.Moved += n
		t.HighWater = max(t.HighWater, offset+n)
		if offset == 0 && len(head) == len(qcowMagic) {
			t.Magic = head
		}
	}
	return n, err
}

// ReadImage opens the content for a download.
func (dc *DataCenter) ReadImage(ctx context.Context, tk Ticket) (io.ReadSeekCloser, int64, error) {
	content, size, err := dc.volumes.Read(ctx, tk.Disk)
	if err != nil {
		return nil, 0, err
	}
	return &download{content, dc.alive(tk.ID, content)}, size, nil
}

// download is a content whose bytes are read through another reader.
type download struct {
	io.ReadSeekCloser
	alive io.Reader
}

func (d *download) Read(p []byte) (int, error) { return d.alive.Read(p) }

// alive counts every piece of a long transfer as activity.
func (dc *DataCenter) alive(ticket string, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		dc.mu.Lock()
		if t := dc.transferOf(ticket); t != nil {
			t.Activity = dc.Clock.Now()
		}
		dc.mu.Unlock()
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

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

var errCancelled = errors.New("the transfer was cancelled")

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
