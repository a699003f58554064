package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/imageio"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

// Fault is one thing that goes wrong on purpose.
type Fault = fault.Fault

// Inventory lists what an engine holds.
type Inventory = model.Inventory

// Engine is one oVirt engine. It is safe for concurrent use.
type Engine struct {
	cfg      Config
	clock    clock.Clock
	log      *slog.Logger
	machines Machines
	volumes  Volumes
	sso      *sso.Store
	faults   *fault.Set
	world    *world
	routes   *http.ServeMux
	images   http.Handler

	mu     sync.Mutex // guards st, starts and closed
	st     *model.State
	starts map[string]context.CancelFunc // of power-ons under way, by VM
	closed bool

	power keyed // one power operation per VM at a time
	bytes keyed // one write per disk at a time

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup
}

// New starts an engine. Close it in the end.
func New(cfg Config, m Machines, v Volumes) (*Engine, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Engine{
		cfg: cfg, clock: cfg.Clock, log: cfg.Log, machines: m, volumes: v,
		sso:    sso.New(cfg.Clock, cfg.Sessions, cfg.Users),
		faults: &fault.Set{},
		world:  newWorld(&cfg),
		st:     model.NewState(),
		starts: map[string]context.CancelFunc{},
		ctx:    ctx, stop: stop,
	}
	for _, f := range cfg.Faults {
		e.faults.Add(f)
	}
	e.seed()
	e.routes = e.newRoutes()
	e.images = imageio.New(&imageBackend{e}, cfg.Clock)
	e.work.Add(1)
	go e.watch()
	return e, nil
}

// Close stops all work in progress and waits for it. Machines keep running.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.work.Wait()
	return nil
}

// Handler serves the API, sign-on and the CA certificate under /ovirt-engine/.
func (e *Engine) Handler() http.Handler { return e.logged(http.HandlerFunc(e.serve)) }

// ImageHandler serves image transfers under /images/.
func (e *Engine) ImageHandler() http.Handler {
	return e.logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.misbehave(w, r, []string{r.URL.Path}, e.images.ServeHTTP) {
			e.images.ServeHTTP(w, r)
		}
	}))
}

// Inject makes something go wrong and returns its ID, for Heal.
func (e *Engine) Inject(f Fault) string {
	e.log.Info("fault injected", "kind", f.Kind, "method", f.Method, "path", f.Path, "status", f.Status, "count", f.Count)
	return e.faults.Add(f)
}

// Heal ends a fault, or all of them when id is empty. VMs that a fault kept
// from booting stay as they are until they are started again.
func (e *Engine) Heal(id string) { e.faults.Clear(id) }

// Faults lists what is still going to go wrong.
func (e *Engine) Faults() []Fault { return e.faults.List() }

// ExpireSessions ends all login sessions, as if they had been idle too long.
func (e *Engine) ExpireSessions() int { return e.sso.Expire() }

// Inventory lists everything there is. Custom scripts are left out: they hold
// secrets.
func (e *Engine) Inventory() Inventory {
	e.mu.Lock()
	defer e.mu.Unlock()
	inv := model.Inventory{
		VMs:            model.Sorted(e.st.VMs, func(v *model.VM) string { return v.Name }),
		Disks:          model.Sorted(e.st.Disks, func(d *model.Disk) string { return d.Alias }),
		Templates:      model.Sorted(e.st.Templates, func(t *model.Template) string { return t.Name }),
		Tags:           model.Sorted(e.st.Tags, func(t *model.Tag) string { return t.Name }),
		AffinityGroups: model.Sorted(e.st.Groups, func(g *model.AffinityGroup) string { return g.Name }),
		Profiles:       model.Sorted(e.st.Profiles, func(p *model.Profile) string { return p.Name }),
		MACs:           e.usedMACs(),
		History: model.History{
			Transfers: model.Sorted(e.st.Transfers, func(t *model.Transfer) string { return t.ID }),
			Jobs:      e.st.Jobs,
		},
	}
	for _, d := range e.world.domains {
		used := e.used(d.ID)
		inv.Domains = append(inv.Domains, model.Domain{
			Name: d.Name, Status: e.domainStatus(d), Used: used, Available: d.Size - used,
		})
	}
	// A copy, so that nobody sees the engine's own objects change.
	out := *clone(&inv)
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

// Snapshot writes the engine's state down: objects, locks and work in
// progress, but no login sessions.
func (e *Engine) Snapshot() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	data, err := json.Marshal(e.st)
	if err != nil {
		return nil, fmt.Errorf("write engine state: %w", err)
	}
	return data, nil
}

// Restore replaces the state of a fresh engine by one that Snapshot wrote and
// takes the work in progress up again.
func (e *Engine) Restore(data []byte) error {
	st, err := model.ReadState(data)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.st.Tasks) > 0 {
		return fmt.Errorf("restore engine state: work is in progress already")
	}
	e.st = st
	e.seed()
	now := e.clock.Now()
	for _, t := range st.Transfers {
		t.Activity = now // nobody could transfer while the engine was away
	}
	for _, t := range st.Tasks {
		e.launch(t)
	}
	return nil
}

func newID() string { return uuid.NewString() }

// clone copies a value that can be written as JSON.
func clone[T any](v *T) *T {
	if v == nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("clone %T: %v", v, err)) // plain values: cannot happen
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		panic(fmt.Sprintf("clone %T: %v", v, err))
	}
	return out
}

// keyed is a set of locks by name.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	mu    sync.Mutex
	users int
}

// lock waits for the lock of that name and returns what releases it.
func (k *keyed) lock(name string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyedLock{}
	}
	l := k.locks[name]
	if l == nil {
		l = &keyedLock{}
		k.locks[name] = l
	}
	l.users++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, name)
		}
	}
}
