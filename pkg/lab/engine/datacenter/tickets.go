package datacenter

import (
	"bufio"
	"bytes"
	"context"
	"io"

	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/imageio"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// Tickets are what imageio needs to serve image transfers.
func (dc *DataCenter) Tickets() imageio.Backend { return &tickets{dc} }

type tickets struct{ dc *DataCenter }

func (b *tickets) find(ticket string) *model.Transfer {
	return byRef(b.dc.State.Transfers, "", &ticket, func(t *model.Transfer) string { return t.Ticket })
}

// Ticket implements imageio.Backend.
func (b *tickets) Ticket(id string) (imageio.Ticket, error) {
	dc := b.dc
	dc.mu.Lock()
	defer dc.mu.Unlock()
	t := b.find(id)
	if t == nil || t.Phase != model.PhaseTransferring || dc.State.Disks[t.Disk] == nil {
		return imageio.Ticket{}, imageio.ErrNoTicket
	}
	t.Activity = dc.Clock.Now()
	size := dc.State.Disks[t.Disk].Size
	if t.Format == model.FormatCow {
		// QCOW2 has tables besides the data: the engine allows a tenth.
		size += size/10 + 4<<20
	}
	out := imageio.Ticket{ID: t.Ticket, Disk: t.Disk, Upload: t.Upload, Size: size}
	if f, ok := dc.Faults.Take("", []string{"/images/" + id}, fault.SlowTransfer); ok {
		out.BytesPerSecond = f.BytesPerSecond
	}
	return out, nil
}

// Write implements imageio.Backend.
func (b *tickets) Write(ctx context.Context, tk imageio.Ticket, offset int64, r io.Reader) (int64, error) {
	defer b.dc.bytes.lock(tk.Disk)()
	// Commit checks the first bytes against the format.
	content := bufio.NewReader(b.alive(tk.ID, r))
	head, _ := content.Peek(len(qcowMagic))
	head = bytes.Clone(head)
	n, err := b.dc.volumes.Write(ctx, tk.Disk, offset, content)
	b.dc.mu.Lock()
	defer b.dc.mu.Unlock()
	if t := b.find(tk.ID); t != nil {
		t.Moved += n
		t.HighWater = max(t.HighWater, offset+n)
		if offset == 0 && len(head) == len(qcowMagic) {
			t.Magic = head
		}
	}
	return n, err
}

// Read implements imageio.Backend.
func (b *tickets) Read(ctx context.Context, tk imageio.Ticket) (io.ReadSeekCloser, int64, error) {
	content, size, err := b.dc.volumes.Read(ctx, tk.Disk)
	if err != nil {
		return nil, 0, err
	}
	return &download{content, b.alive(tk.ID, content)}, size, nil
}

// download is a content whose bytes are read through another reader.
type download struct {
	io.ReadSeekCloser
	alive io.Reader
}

func (d *download) Read(p []byte) (int, error) { return d.alive.Read(p) }

// alive counts every piece of a long transfer as activity.
func (b *tickets) alive(ticket string, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		b.dc.mu.Lock()
		if t := b.find(ticket); t != nil {
			t.Activity = b.dc.Clock.Now()
		}
		b.dc.mu.Unlock()
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
