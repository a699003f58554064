package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/imageio"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// defaultInactivity is how long a ticket may rest before the engine pauses
// its transfer.
const defaultInactivity = 60 * time.Second

var qcowMagic = []byte("QFI\xfb")

func (e *Engine) transferXML(t *model.Transfer) *api.ImageTransfer {
	direction := "download"
	if t.Upload {
		direction = "upload"
	}
	active := t.Phase == model.PhaseTransferring
	out := &api.ImageTransfer{
		Href: href("imagetransfers", t.ID), ID: t.ID, Active: &active, Direction: &direction, Format: &t.Format, Phase: &t.Phase,
		Actions:           actions(href("imagetransfers", t.ID), "cancel", "extend", "finalize", "pause", "resume"),
		InactivityTimeout: api.Ptr(int(t.Timeout / time.Second)), TimeoutPolicy: &t.Policy, Shallow: api.Ptr(false),
		Disk: &api.Disk{Href: href("disks", t.Disk), ID: t.Disk}, Image: &api.Ref{ID: t.Disk},
		Host: &api.Host{Href: href("hosts", t.Host), ID: t.Host}, Transferred: &t.Moved,
	}
	if !finished(t.Phase) {
		out.TransferURL = api.Ptr(e.cfg.TransferURL + "/images/" + t.Ticket)
		out.ProxyURL = api.Ptr(e.cfg.ProxyURL + "/images/" + t.Ticket)
	}
	return out
}

func finished(phase string) bool {
	return phase == model.PhaseFinishedSuccess || phase == model.PhaseFinishedFailure
}

func listTransfers(c *call) (any, error) {
	var out []*api.ImageTransfer
	for _, t := range model.Sorted(c.st.Transfers, func(t *model.Transfer) string { return t.ID }) {
		if !finished(t.Phase) {
			out = append(out, c.transferXML(t))
		}
	}
	return list("image_transfers", out)
}

func (c *call) transfer() (*model.Transfer, error) {
	t, ok := c.st.Transfers[c.id("id")]
	if !ok {
		return nil, notFound()
	}
	return t, nil
}

func getTransfer(c *call) (any, error) {
	t, err := c.transfer()
	if err != nil {
		return nil, err
	}
	return c.transferXML(t), nil
}

func addTransfer(c *call) (any, error) {
	const action = "transfer Virtual Disk"
	var in api.ImageTransfer
	if err := c.read(&in); err != nil {
		return nil, err
	}
	id := api.RefID(in.Image)
	if id == "" && in.Disk != nil {
		id = in.Disk.ID
	}
	if id == "" {
		return nil, incomplete("ImageTransfer [image.id|disk.id|snapshot.id]", "add")
	}
	d, ok := c.st.Disks[id]
	if !ok {
		return nil, invalid("Cannot %s. The disk does not exist.", action)
	}
	upload := in.Direction == nil || *in.Direction == "upload"
	format := d.Format
	set(&format, in.Format)
	if err := c.transferable(action, d, upload, format); err != nil {
		return nil, err
	}
	host, err := c.transferHost(action, in.Host)
	if err != nil {
		return nil, err
	}
	timeout := defaultInactivity
	if s := api.Val(in.InactivityTimeout); s > 0 {
		timeout = time.Duration(s) * time.Second
	}
	policy := "legacy"
	set(&policy, in.TimeoutPolicy)
	verb := "Downloading"
	if upload {
		verb = "Uploading"
	}
	job := c.job("%s disk image %s", verb, d.Alias)
	t := &model.Transfer{ID: newID(), Ticket: newID(), Disk: d.ID, Upload: upload, Format: format,
		Phase: model.PhaseInitializing, Timeout: timeout, Policy: policy, Host: host.ID, Job: job.ID, Activity: c.clock.Now()}
	c.st.Transfers[t.ID] = t
	d.Status = model.StatusLocked
	c.begin(&model.Task{Kind: taskOpen, Transfer: t.ID}, c.cfg.Delays.Transfer)
	return c.transferXML(t), nil
}

func (c *call) transferable(action string, d *model.Disk, upload bool, format string) error {
	if format != model.FormatRaw && format != model.FormatCow {
		return invalid("Cannot %s. Image format %q is not supported.", action, format)
	}
	if err := diskReady(action, d); err != nil && (!upload || d.Status == model.StatusLocked) {
		return err // an illegal disk may be uploaded once more
	}
	if upload && d.Template != "" {
		return conflict("Cannot %s. This disk is a part of a template.", action)
	}
	if vm, _ := c.diskUser(d.ID); vm != nil && vm.Status != model.VMDown {
		return conflict("Cannot %s. The disk is in use by a running VM: %s.", action, vm.Name)
	}
	if !upload && format != d.Content {
		// A real engine converts on the way; the lab hands out what it holds.
		return invalid("Cannot %s. The content of disk %s is %s and cannot be read as %s.", action, d.Alias, d.Content, format)
	}
	return nil
}

func (c *call) transferHost(action string, want *api.Host) (worldHost, error) {
	for _, h := range c.world.hosts {
		if c.hostStatus(h) == hostUp && (want == nil || want.ID == h.ID || want.ID == "" && api.Val(want.Name) == h.Name) {
			return h, nil
		}
	}
	return worldHost{}, conflict("Cannot %s. There is no active host in the Data Center.", action)
}

// settleTransfer moves a transfer on to its next phase.
func (e *Engine) settleTransfer(task *model.Task, err error) {
	t := e.st.Transfers[task.Transfer]
	if t == nil {
		return
	}
	t.Activity = e.clock.Now()
	d := e.st.Disks[t.Disk]
	switch task.Kind {
	case taskOpen:
		if t.Phase == model.PhaseInitializing {
			t.Phase = model.PhaseTransferring
		}
		return
	case taskFinalize:
		t.Phase = model.PhaseFinishedSuccess
	case taskCancel:
		t.Phase = model.PhaseFinishedFailure
		err = errCancelled
	}
	if err != nil {
		t.Phase = model.PhaseFinishedFailure
	}
	if d != nil {
		d.Status = model.StatusOK
		if err != nil && t.Upload && t.HighWater > 0 {
			// Half an image is no image.
			d.Status = model.StatusIllegal
		}
		if err == nil && t.Upload {
			d.Content = t.Format
			if d.Sparse {
				d.Allocated = max(t.HighWater, d.Allocated)
			}
		}
	}
	e.endJob(t.Job, err)
}

var errCancelled = fmt.Errorf("the transfer was cancelled")

func finalizeTransfer(c *call) (any, error) {
	t, err := c.transfer()
	if err != nil {
		return nil, err
	}
	switch t.Phase {
	case model.PhaseTransferring, model.PhasePausedSystem, model.PhasePausedUser:
	case model.PhaseFinalizingSuccess, model.PhaseFinishedSuccess:
		return complete(nil), nil // said twice
	default:
		return nil, conflict("Cannot finalize image transfer. The transfer is in phase %s.", t.Phase)
	}
	t.Phase = model.PhaseFinalizingSuccess
	job := c.job("Finalizing transfer of disk %s", t.Disk)
	c.begin(&model.Task{Kind: taskFinalize, Transfer: t.ID, Disk: t.Disk, Job: job.ID}, c.cfg.Delays.Transfer)
	return complete(job), nil
}

func cancelTransfer(c *call) (any, error) {
	t, err := c.transfer()
	if err != nil {
		return nil, err
	}
	switch t.Phase {
	case model.PhaseFinalizingFailure, model.PhaseFinishedFailure:
		return complete(nil), nil
	case model.PhaseFinalizingSuccess, model.PhaseFinishedSuccess:
		return nil, conflict("Cannot cancel image transfer. The transfer is in phase %s.", t.Phase)
	}
	t.Phase = model.PhaseFinalizingFailure
	job := c.job("Cancelling transfer of disk %s", t.Disk)
	c.begin(&model.Task{Kind: taskCancel, Transfer: t.ID, Job: job.ID}, c.cfg.Delays.Transfer)
	return complete(job), nil
}

func pauseTransfer(c *call) (any, error) {
	return c.shift(model.PhasePausedUser, model.PhaseTransferring, model.PhasePausedUser)
}

func resumeTransfer(c *call) (any, error) {
	return c.shift(model.PhaseTransferring, model.PhasePausedUser, model.PhasePausedSystem, model.PhaseTransferring)
}

func extendTransfer(c *call) (any, error) {
	return c.shift(model.PhaseTransferring, model.PhaseTransferring)
}

// shift changes the phase when it is one of those given.
func (c *call) shift(to string, from ...string) (any, error) {
	t, err := c.transfer()
	if err != nil {
		return nil, err
	}
	if !contains(from, t.Phase) {
		return nil, conflict("Cannot change image transfer. The transfer is in phase %s.", t.Phase)
	}
	t.Phase, t.Activity = to, c.clock.Now()
	return complete(nil), nil
}

// pauseIdleTransfers does what the engine does when nobody uses a ticket.
func (e *Engine) pauseIdleTransfers() {
	now := e.clock.Now()
	for _, t := range e.st.Transfers {
		if t.Phase == model.PhaseTransferring && now.Sub(t.Activity) > t.Timeout {
			t.Phase = model.PhasePausedSystem
			e.log.Info("image transfer paused", "transfer", t.ID, "idle", t.Timeout)
		}
	}
}

// commit checks an upload and makes it the disk's content.
func (e *Engine) commit(ctx context.Context, task *model.Task) error {
	e.mu.Lock()
	t, d := clone(e.st.Transfers[task.Transfer]), clone(e.st.Disks[task.Disk])
	e.mu.Unlock()
	if t == nil || d == nil || !t.Upload || t.HighWater == 0 {
		return nil
	}
	defer e.bytes.lock(d.ID)()
	if isCow := bytes.Equal(t.Magic, qcowMagic); isCow != (t.Format == model.FormatCow) {
		return fmt.Errorf("verify disk %s: the content is not in format %s", d.Alias, t.Format)
	}
	size, err := e.volumes.Commit(ctx, d.ID, t.Format)
	if err != nil {
		return fmt.Errorf("commit disk %s: %w", d.Alias, err)
	}
	if size > d.Size {
		return fmt.Errorf("verify disk %s: the image has %d bytes, the disk %d", d.Alias, size, d.Size)
	}
	return nil
}

// imageBackend serves tickets to imageio.
type imageBackend struct{ e *Engine }

func (b *imageBackend) find(ticket string) *model.Transfer {
	for _, t := range b.e.st.Transfers {
		if t.Ticket == ticket {
			return t
		}
	}
	return nil
}

// Ticket implements imageio.Backend.
func (b *imageBackend) Ticket(id string) (imageio.Ticket, error) {
	e := b.e
	e.mu.Lock()
	defer e.mu.Unlock()
	t := b.find(id)
	if t == nil || t.Phase != model.PhaseTransferring || e.st.Disks[t.Disk] == nil {
		return imageio.Ticket{}, imageio.ErrNoTicket
	}
	t.Activity = e.clock.Now()
	size := e.st.Disks[t.Disk].Size
	if t.Format == model.FormatCow {
		// QCOW2 has tables besides the data: the engine allows a tenth.
		size += size/10 + 4<<20
	}
	out := imageio.Ticket{ID: t.Ticket, Disk: t.Disk, Upload: t.Upload, Size: size}
	if f, ok := e.faults.Take("", []string{"/images/" + id}, fault.SlowTransfer); ok {
		out.BytesPerSecond = f.BytesPerSecond
	}
	return out, nil
}

// Write implements imageio.Backend.
func (b *imageBackend) Write(ctx context.Context, tk imageio.Ticket, offset int64, r io.Reader) (int64, error) {
	defer b.e.bytes.lock(tk.Disk)()
	head := &header{r: b.alive(tk.ID, r)}
	n, err := b.e.volumes.Write(ctx, tk.Disk, offset, head)
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	if t := b.find(tk.ID); t != nil {
		t.Moved += n
		t.HighWater = max(t.HighWater, offset+n)
		if offset == 0 && len(head.first) == len(qcowMagic) {
			t.Magic = head.first
		}
	}
	return n, err
}

// Read implements imageio.Backend.
func (b *imageBackend) Read(ctx context.Context, tk imageio.Ticket) (io.ReadSeekCloser, int64, error) {
	content, size, err := b.e.volumes.Read(ctx, tk.Disk)
	if err != nil {
		return nil, 0, err
	}
	return &download{ReadSeekCloser: content, alive: b.alive(tk.ID, content)}, size, nil
}

type download struct {
	io.ReadSeekCloser
	alive io.Reader
}

func (d *download) Read(p []byte) (int, error) { return d.alive.Read(p) }

// alive counts every piece of a long transfer as activity.
func (b *imageBackend) alive(ticket string, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		b.e.mu.Lock()
		if t := b.find(ticket); t != nil {
			t.Activity = b.e.clock.Now()
		}
		b.e.mu.Unlock()
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// header remembers the first bytes of a stream.
type header struct {
	r     io.Reader
	first []byte
}

func (h *header) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if want := len(qcowMagic) - len(h.first); want > 0 {
		h.first = append(h.first, p[:min(n, want)]...)
	}
	return n, err
}
