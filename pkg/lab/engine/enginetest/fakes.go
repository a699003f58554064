// Package enginetest runs the lab's oVirt engine in a test: over real TLS on
// the loopback interface, with machines and disks that live in memory.
package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
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

func (m *Machines) get(id string) *machine {
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
	return x
}

// Start implements engine.Machines.
func (m *Machines) Start(_ context.Context, hw engine.Hardware) error {
	if m.Refuse != nil {
		if err := m.Refuse(hw); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.get(hw.ID)
	if x.state != engine.StateDown {
		return fmt.Errorf("machine %s runs already", hw.Name)
	}
	x.hw, x.state, x.due = hw, engine.StateStarting, time.Now().Add(m.Boot)
	x.power++
	return nil
}

// Shutdown implements engine.Machines.
func (m *Machines) Shutdown(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x := m.get(id); x.state != engine.StateDown && !x.deaf {
		x.state, x.due = engine.StateStopping, time.Now().Add(m.Stop)
	}
	return nil
}

// PowerOff implements engine.Machines.
func (m *Machines) PowerOff(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.get(id)
	x.state, x.due = engine.StateDown, time.Time{}
	return nil
}

// Reset implements engine.Machines.
func (m *Machines) Reset(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.get(id)
	if x.state == engine.StateDown {
		return fmt.Errorf("machine %s is down", id)
	}
	x.state, x.due = engine.StateStarting, time.Now().Add(m.Boot)
	return nil
}

// Remove implements engine.Machines.
func (m *Machines) Remove(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.machines, id)
	return nil
}

// State implements engine.Machines.
func (m *Machines) State(id string) engine.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(id).state
}

// Addresses implements engine.Machines.
func (m *Machines) Addresses(id string) []netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(id).addrs
}

// SetAddresses makes a guest agent report addresses.
func (m *Machines) SetAddresses(id string, addrs ...netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.get(id).addrs = addrs
}

// Deafen makes a machine ignore shutdowns.
func (m *Machines) Deafen(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.get(id).deaf = true
}

// Halt makes a machine power itself off, as a guest may.
func (m *Machines) Halt(id string) { _ = m.PowerOff(context.Background(), id) }

// Hardware returns what a machine was started with last, and how often it was
// switched on. ok is false when it never was.
func (m *Machines) Hardware(id string) (hw engine.Hardware, starts int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.get(id)
	return x.hw, x.power, x.power > 0
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

func (v *Volumes) find(id string) (*volume, error) {
	if d := v.disks[id]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("no volume %s", id)
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
	v.mu.Lock()
	defer v.mu.Unlock()
	d, e := v.find(id)
	if e != nil {
		return 0, e
	}
	if end := int(offset) + len(data); end > len(d.upload) {
		d.upload = append(d.upload, make([]byte, end-len(d.upload))...)
	}
	copy(d.upload[offset:], data)
	return int64(len(data)), err
}

// Commit implements engine.Volumes. Of QCOW2 it reads the header only.
func (v *Volumes) Commit(_ context.Context, id, format string) (int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	d, err := v.find(id)
	if err != nil {
		return 0, err
	}
	size := int64(len(d.upload))
	if format == "cow" {
		if len(d.upload) < 32 || string(d.upload[:4]) != "QFI\xfb" {
			return 0, fmt.Errorf("volume %s is not a QCOW2 image", id)
		}
		size = int64(binary.BigEndian.Uint64(d.upload[24:32]))
	}
	d.data, d.upload = d.upload, nil
	return size, nil
}

// Read implements engine.Volumes.
func (v *Volumes) Read(_ context.Context, id string) (io.ReadSeekCloser, int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	d, err := v.find(id)
	if err != nil {
		return nil, 0, err
	}
	size := int64(len(d.data))
	if !bytes.HasPrefix(d.data, []byte("QFI\xfb")) {
		size = max(size, d.size)
	}
	content := make([]byte, size)
	copy(content, d.data)
	return nopCloser{bytes.NewReader(content)}, size, nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// Clone implements engine.Volumes.
func (v *Volumes) Clone(_ context.Context, src, dst string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	d, err := v.find(src)
	if err != nil {
		return err
	}
	v.disks[dst] = &volume{size: d.size, data: d.data} // data is never written in place
	return nil
}

// Resize implements engine.Volumes.
func (v *Volumes) Resize(_ context.Context, id string, size int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	d, err := v.find(id)
	if err != nil {
		return err
	}
	if size < d.size {
		return fmt.Errorf("volume %s would shrink", id)
	}
	d.size = size
	return nil
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
func (v *Volumes) Content(id string) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	d := v.disks[id]
	if d == nil {
		return nil, false
	}
	return bytes.Clone(d.data), true
}

// Size returns the virtual size of a disk, 0 when there is none.
func (v *Volumes) Size(id string) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d := v.disks[id]; d != nil {
		return d.size
	}
	return 0
}

// Count returns the number of disks.
func (v *Volumes) Count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.disks)
}
