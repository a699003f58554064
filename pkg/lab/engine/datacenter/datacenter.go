// Package datacenter is what the engine manages: its objects, the rules for
// changing them, and the work that goes on after an order was given. It does not
// depend on HTTP.
//
// Machines that run and bytes that are stored belong to the two backends,
// Machines and Volumes.
package datacenter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// DataCenter is one data center with one cluster. Its methods that say so need
// its lock, which Do takes; the others are safe for concurrent use.
type DataCenter struct {
	Config Config
	Layout *Layout
	Faults *fault.Set
	Clock  clock.Clock
	Log    *slog.Logger
	// State may be read and changed only with the lock.
	State *model.State

	machines Machines
	volumes  Volumes

	mu     sync.Mutex                    // the lock: of State, starts and closed
	starts map[string]context.CancelFunc // of power-ons under way, by VM
	closed bool

	power keyed // one power operation per VM at a time
	bytes keyed // one write per disk at a time

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup
}

// New starts a data center. Close it in the end.
func New(cfg Config, m Machines, v Volumes) (*DataCenter, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	dc := &DataCenter{
		Config: cfg, Clock: cfg.Clock, Log: cfg.Log, machines: m, volumes: v,
		Faults: &fault.Set{},
		Layout: newLayout(&cfg),
		State:  model.NewState(),
		starts: map[string]context.CancelFunc{},
		ctx:    ctx, stop: stop,
	}
	for _, f := range cfg.Faults {
		dc.Faults.Add(f)
	}
	dc.seed()
	dc.work.Add(1)
	go dc.watch()
	return dc, nil
}

// Close stops all work in progress and waits for it. Machines keep running. It
// always succeeds.
func (dc *DataCenter) Close() error {
	dc.mu.Lock()
	dc.closed = true
	dc.mu.Unlock()
	dc.stop()
	dc.work.Wait()
	return nil
}

// Do runs fn with the lock.
func (dc *DataCenter) Do(fn func()) {
	dc.mu.Lock()
	defer dc.mu.Unlock()
	fn()
}

// Inventory lists everything there is. Custom scripts are left out: they hold
// secrets.
func (dc *DataCenter) Inventory() model.Inventory {
	dc.mu.Lock()
	defer dc.mu.Unlock()
	inv := model.Inventory{
		VMs:            model.Sorted(dc.State.VMs, func(v *model.VM) string { return v.Name }),
		Disks:          model.Sorted(dc.State.Disks, func(d *model.Disk) string { return d.Alias }),
		Templates:      model.Sorted(dc.State.Templates, func(t *model.Template) string { return t.Name }),
		Tags:           model.Sorted(dc.State.Tags, func(t *model.Tag) string { return t.Name }),
		AffinityGroups: model.Sorted(dc.State.Groups, func(g *model.AffinityGroup) string { return g.Name }),
		Profiles:       model.Sorted(dc.State.Profiles, func(p *model.Profile) string { return p.Name }),
		MACs:           dc.UsedMACs(),
		History: model.History{
			Transfers: model.Sorted(dc.State.Transfers, func(t *model.Transfer) string { return t.ID }),
			Jobs:      dc.State.Jobs,
		},
	}
	for _, d := range dc.Layout.Domains {
		used := dc.Used(d.ID)
		inv.Domains = append(inv.Domains, model.Domain{
			Name: d.Name, Status: dc.DomainStatus(d), Used: used, Available: d.Size - used,
		})
	}
	// A copy: the objects themselves go on changing.
	out := *Clone(&inv)
	for _, vm := range out.VMs {
		vm.Spec.Initialization, vm.Payload = nil, nil
	}
	for _, t := range out.Templates {
		t.Spec.Initialization = nil
	}
	for _, t := range out.History.Transfers {
		t.Ticket = ""
	}
	return out
}

// Snapshot returns the state as JSON: objects, locks and work in
// progress, but no login sessions.
func (dc *DataCenter) Snapshot() ([]byte, error) {
	dc.mu.Lock()
	defer dc.mu.Unlock()
	data, err := json.Marshal(dc.State)
	if err != nil {
		return nil, fmt.Errorf("write engine state: %w", err)
	}
	return data, nil
}

// Restore replaces the state of a fresh data center by one that Snapshot wrote and
// takes the work in progress up again.
func (dc *DataCenter) Restore(data []byte) error {
	st, err := model.ReadState(data)
	if err != nil {
		return err
	}
	dc.mu.Lock()
	defer dc.mu.Unlock()
	if len(dc.State.Tasks) > 0 {
		return fmt.Errorf("restore engine state: work is in progress already")
	}
	dc.State = st
	dc.seed()
	now := dc.Clock.Now()
	for _, t := range st.Transfers {
		t.Activity = now // nothing could be transferred while the engine was down
	}
	for _, t := range st.Tasks {
		dc.launch(t)
	}
	return nil
}

// NewID returns the ID of a new object.
func NewID() string { return uuid.NewString() }

// Clone copies a value by way of JSON.
func Clone[T any](v *T) *T {
	if v == nil {
		return nil
	}
	out := new(T)
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		panic(fmt.Sprintf("clone %T: %v", v, err)) // plain values: cannot happen
	}
	return out
}

// keyed is a set of locks by name. They are kept: there are no more than VMs and
// disks in the life of an engine.
type keyed struct{ locks sync.Map }

// lock waits for the lock of that name and returns what releases it.
func (k *keyed) lock(name string) (unlock func()) {
	stored, _ := k.locks.LoadOrStore(name, &sync.Mutex{})
	mu := stored.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock
}
