// Package enginetest runs the lab's oVirt engine in a test: over real TLS on
// the loopback interface, with machines and disks that live in memory.
package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine"
)

// Machines pretends to run machines: each boots for a moment and is up, and
// obeys every shutdown. It is safe for concurrent use.
type Machines struct {
	// Boot and Stop are the times that machines take to start and to shut down.
	Boot, Stop time.Duration
	// Refuse, if set, decides whether a machine cannot start.
	Refuse func(engine.Hardware) error

	mu       sync.Mutex
	machines map[string]*machine
}

type machine struct {
	hw    engine.Hardware
	state engine.State
	due   time.Time // when state moves on
	power int       // how often it was switched on
	deaf  bool      // ignores shutdowns
	addrs []netip.Addr
}

// NewMachines returns machines that take a few milliseconds to boot.
func NewMachines() *Machines {
	return &Machines{Boot: 10 * time.Millisecond, Stop: 10 * time.Millisecond, machines: map[string]*machine{}}
}

// with calls do with a machine, whose state is as of now.
func (m *Machines) with(id string, do func(*machine)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.machines[id]
	if x == nil {
		x = &machine{state: engine.StateDown}
		m.machines[id] = x
	}
	if !x.due.IsZero() && !time.Now().Before(x.due) {
		x.due = time.Time{}
		switch x.state {
		case engine.StateStarting:
			x.state = engine.StateUp
		case engine.StateStopping:
			x.state = engine.StateDown
		}
	}
	do(x)
}

// Start implements engine.Machines.
func (m *Machines) Start(_ context.Context, hw engine.Hardware) (err error) {
	if m.Refuse != nil {
		if err := m.Refuse(hw); err != nil {
			return err
		}
	}
	m.with(hw.ID, func(x *machine) {
		if x.state != engine.StateDown {
			err = fmt.Errorf("machine %s runs already", hw.Name)
			return
		}
		x.hw, x.state, x.due = hw, engine.StateStarting, time.Now().Add(m.Boot)
		x.power++
	})
	return err
}

// Shutdown implements engine.Machines.
func (m *Machines) Shutdown(_ context.Context, id string) error {
	m.with(id, func(x *machine) {
		if x.state != engine.StateDown && !x.deaf {
			x.state, x.due = engine.StateStopping, time.Now().Add(m.Stop)
		}
	})
	return nil
}

// Insert implements engine.Machines.
func (m *Machines) Insert(id string, medium *engine.Media) (err error) {
	m.with(id, func(x *machine) {
		if x.hw.Media = medium; x.state == engine.StateDown {
			err = fmt.Errorf("machine %s is down", id)
		}
	})
	return err
}

// PowerOff implements engine.Machines.
func (m *Machines) PowerOff(_ context.Context, id string) error {
	m.with(id, func(x *machine) { x.state, x.due = engine.StateDown, time.Time{} })
	return nil
}

// Reset implements engine.Machines.
func (m *Machines) Reset(_ context.Context, id string) (err error) {
	m.with(id, func(x *machine) {
		if x.state == engine.StateDown {
			err = fmt.Errorf("machine %s is down", id)
			return
		}
		x.state, x.due = engine.StateStarting, time.Now().Add(m.Boot)
	})
	return err
}

// Remove implements engine.Machines.
func (m *Machines) Remove(_ context.Context, id string) error {
	m.with(id, func(*machine) { delete(m.machines, id) })
	return nil
}

// State implements engine.Machines.
func (m *Machines) State(id string) (state engine.State) {
	m.with(id, func(x *machine) { state = x.state })
	return state
}

// Addresses implements engine.Machines.
func (m *Machines) Addresses(id string) (addrs []netip.Addr) {
	m.with(id, func(x *machine) { addrs = x.addrs })
	return addrs
}

// SetAddresses makes a guest agent report addresses.
func (m *Machines) SetAddresses(id string, addrs ...netip.Addr) {
	m.with(id, func(x *machine) { x.addrs = addrs })
}

// Deafen makes a machine ignore shutdowns.
func (m *Machines) Deafen(id string) { m.with(id, func(x *machine) { x.deaf = true }) }

// Halt makes a machine power itself off, as a guest may.
func (m *Machines) Halt(id string) { _ = m.PowerOff(context.Background(), id) }

// Hardware returns what a machine was started with last, and how often it was
// switched on. ok is false when it never was.
func (m *Machines) Hardware(id string) (hw engine.Hardware, starts int, ok bool) {
	m.with(id, func(x *machine) { hw, starts = x.hw, x.power })
	return hw, starts, starts > 0
}

// Volumes keeps disks in memory. It is safe for concurrent use.
type Volumes struct {
	mu    sync.Mutex
	disks map[string]*volume
}

type volume struct {
	size   int64
	data   []byte // as uploaded; shorter than size when the rest is zero
	upload []byte // not committed yet
}

// NewVolumes returns an empty store.
func NewVolumes() *Volumes { return &Volumes{disks: map[string]*volume{}} }

// with calls do with a volume, or fails if there is none.
func (v *Volumes) with(id string, do func(*volume) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := v.disks[id]; d != nil {
		return do(d)
	}
	return fmt.Errorf("no volume %s", id)
}

// Create implements engine.Volumes.
func (v *Volumes) Create(_ context.Context, id string, size int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.disks[id] = &volume{size: size}
	return nil
}

// Write implements engine.Volumes.
func (v *Volumes) Write(_ context.Context, id string, offset int64, r io.Reader) (int64, error) {
	data, err := io.ReadAll(r)
	return int64(len(data)), errors.Join(err, v.with(id, func(d *volume) error {
		if end := int(offset) + len(data); end > len(d.upload) {
			d.upload = append(d.upload, make([]byte, end-len(d.upload))...)
		}
		copy(d.upload[offset:], data)
		return nil
	}))
}

// Commit implements engine.Volumes. Of QCOW2 it reads the header only.
func (v *Volumes) Commit(_ context.Context, id, format string) (size int64, err error) {
	err = v.with(id, func(d *volume) error {
		size = int64(len(d.upload))
		if format == "cow" {
			if len(d.upload) < 32 || !bytes.HasPrefix(d.upload, qcow) {
				return fmt.Errorf("volume %s is not a QCOW2 image", id)
			}
			size = int64(binary.BigEndian.Uint64(d.upload[24:32]))
		}
		d.data, d.upload = d.upload, nil
		return nil
	})
	return size, err
}

var qcow = []byte("QFI\xfb")

// Read implements engine.Volumes.
func (v *Volumes) Read(_ context.Context, id string) (r io.ReadSeekCloser, size int64, err error) {
	err = v.with(id, func(d *volume) error {
		size = int64(len(d.data))
		if !bytes.HasPrefix(d.data, qcow) {
			size = max(size, d.size)
		}
		content := make([]byte, size)
		copy(content, d.data)
		r = nopCloser{bytes.NewReader(content)}
		return nil
	})
	return r, size, err
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// Clone implements engine.Volumes.
func (v *Volumes) Clone(_ context.Context, src, dst string) error {
	return v.with(src, func(d *volume) error {
		v.disks[dst] = &volume{size: d.size, data: d.data} // data is never written in place
		return nil
	})
}

// Resize implements engine.Volumes.
func (v *Volumes) Resize(_ context.Context, id string, size int64) error {
	return v.with(id, func(d *volume) error {
		if size < d.size {
			return fmt.Errorf("volume %s would shrink", id)
		}
		d.size = size
		return nil
	})
}

// Delete implements engine.Volumes.
func (v *Volumes) Delete(_ context.Context, id string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.disks, id)
	return nil
}

// Content returns the bytes of a disk as they were uploaded, and whether there
// is such a disk.
func (v *Volumes) Content(id string) (data []byte, ok bool) {
	err := v.with(id, func(d *volume) error {
		data = bytes.Clone(d.data)
		return nil
	})
	return data, err == nil
}

// Size returns the virtual size of a disk, 0 when there is none.
func (v *Volumes) Size(id string) (size int64) {
	_ = v.with(id, func(d *volume) error {
		size = d.size
		return nil
	})
	return size
}

// Count returns the number of disks.
func (v *Volumes) Count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.disks)
}
