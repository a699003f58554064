package ovirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
)

var _ machines.Provider = (*Provider)(nil)

// Deps is what a provider works with.
type Deps struct {
	Engine *api.Client
	Clock  clock.Clock
	Events event.Sink
	Log    *slog.Logger
	// Fetch gets the image file when it is needed and the plan names none: it
	// fills in Path, Size and Virtual. It may be nil if plans name the file.
	Fetch func(context.Context, plan.Image) (plan.Image, error)
	// Parallel bounds how many objects are worked on at once. Default 4.
	Parallel int
	// Poll is the pause between tries. Default 2 s.
	Poll time.Duration
	// Limit bounds each wait for the engine. Default 15 min; copying a disk of
	// 120 GiB takes its time.
	Limit time.Duration
	// HostImagePort and ProxyImagePort are where imageio listens on hypervisors
	// and on the engine. Defaults 54322 and 54323.
	HostImagePort, ProxyImagePort string
	// DeleteForeignDisks makes a removal of machines delete disks that somebody
	// else put into them, too. Without it these are detached and stay.
	DeleteForeignDisks bool
	// DestroyLimit bounds each wait while destroying. Default 10 min.
	DestroyLimit time.Duration
}

// Provider reconciles plans with one oVirt engine.
type Provider struct {
	Deps
	// Lookups that are the same for all machines of a run.
	profiles memo[string, string]
	// Tags and templates are ensured from several machines at once.
	serial keyed
}

// New makes a provider.
func New(d Deps) *Provider {
	if d.Clock == nil {
		d.Clock = clock.Real()
	}
	if d.Events == nil {
		d.Events = event.Discard
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Parallel <= 0 {
		d.Parallel = 4
	}
	if d.Poll <= 0 {
		d.Poll = 2 * time.Second
	}
	if d.Limit <= 0 {
		d.Limit = 15 * time.Minute
	}
	if d.DestroyLimit <= 0 {
		d.DestroyLimit = 10 * time.Minute
	}
	if d.HostImagePort == "" {
		d.HostImagePort = api.HostImagePort
	}
	if d.ProxyImagePort == "" {
		d.ProxyImagePort = api.ProxyImagePort
	}
	return &Provider{Deps: d}
}

// Apply makes one stage of the plan true.
func (p *Provider) Apply(ctx context.Context, pl plan.Plan, stage plan.Stage) error {
	if err := pl.Validate(); err != nil {
		return err
	}
	if err := checkInfraID(pl.InfraID); err != nil {
		return err
	}
	if err := p.each(ctx, pl.In(stage), func(ctx context.Context, o plan.Object) error { return p.ensure(ctx, pl, o) }); err != nil {
		return fmt.Errorf("apply stage %s: %w", stage, err)
	}
	return nil
}

// ensure creates or adopts one object.
func (p *Provider) ensure(ctx context.Context, pl plan.Plan, o plan.Object) error {
	if o.Until != "" {
		made, err := p.made(ctx, pl, o.Until)
		if err != nil || made {
			return err
		}
	}
	switch spec := o.Spec.(type) {
	case plan.Tag:
		_, err := p.ensureTag(ctx, pl, o.Name)
		return err
	case plan.Disk:
		return p.ensureImageDisk(ctx, pl.InfraID, o.Name, spec)
	case plan.Template:
		return p.ensureTemplate(ctx, pl, o, spec)
	case plan.AffinityGroup:
		_, err := p.ensureGroup(ctx, pl.InfraID, o.Name, spec)
		return err
	case plan.VM:
		return p.ensureVM(ctx, pl, o, spec)
	}
	return fmt.Errorf("create %s: oVirt has no such objects", o.Key)
}

// made says whether the object that others are only needed for is there. While
// it is being made they must stay untouched, so existence is enough. One that
// the engine failed to make is removed, and its disks, which have the image's
// name, with it.
func (p *Provider) made(ctx context.Context, pl plan.Plan, key plan.Key) (bool, error) {
	o, _ := pl.Get(key)
	if o.Kind != plan.KindTemplate {
		return false, nil
	}
	t, err := p.Engine.FindTemplate(ctx, o.Name)
	if err != nil || t == nil || !marked(pl.InfraID, t.Description) {
		return false, err
	}
	if t.Status != "illegal" {
		return true, nil
	}
	return false, p.removeTemplate(ctx, *t, p.Limit)
}

// each runs work on all objects, at most Parallel at once, each after those of
// the list that it needs. After a failure nothing new is begun, and what is
// under way is brought to its end.
func (p *Provider) each(ctx context.Context, objects []plan.Object, work func(context.Context, plan.Object) error) error {
	done := map[plan.Key]chan struct{}{}
	for _, o := range objects {
		done[o.Key] = make(chan struct{})
	}
	slots := make(chan struct{}, p.Parallel)
	var mu sync.Mutex
	var failed []error
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, o := range objects {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, n := range o.Needs {
				select {
				case <-ready(done, n):
				case <-stop:
					return
				}
			}
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-stop:
				return
			}
			select {
			case <-stop:
				return
			default:
			}
			if err := work(ctx, o); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if len(failed) == 0 {
					close(stop)
				}
				failed = append(failed, err)
				return
			}
			close(done[o.Key])
		}()
	}
	wg.Wait()
	return errors.Join(failed...)
}

// ready is closed when what is needed is there; what is not in the list was made
// by an earlier stage.
func ready(done map[plan.Key]chan struct{}, key plan.Key) <-chan struct{} {
	if c, here := done[key]; here {
		return c
	}
	c := make(chan struct{})
	close(c)
	return c
}

// settle brings about a state that one request makes: it looks whether the
// state is there, sends the request if not, and looks again when the answer
// leaves it open whether it worked, or when the engine is busy.
func (p *Provider) settle(ctx context.Context, limit time.Duration, look func(context.Context) (bool, error), act func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		there, err := look(ctx)
		if err != nil {
			return errors.Join(last, err)
		}
		if there {
			return nil
		}
		if api.Is(last, api.Conflict) { // and still not there
			return last
		}
		err = act(ctx)
		if err == nil {
			return nil
		}
		if !api.Is(err, api.Locked, api.Unavailable, api.Conflict) {
			return err
		}
		if api.Is(err, api.Unavailable) && api.Is(last, api.Unavailable) {
			// The client has tried hard each time; twice is enough.
			return err
		}
		last = err
		p.Log.Debug("engine is busy, trying again", "err", err)
		if p.Clock.Sleep(ctx, p.Poll) != nil {
			return last
		}
	}
}

// taken is the refusal to touch what another owner has.
func taken(kind, name, id string) error {
	return fmt.Errorf("create %s %s: the name is taken by %s %s, which does not belong to this cluster; rename or remove it", kind, name, kind, id)
}

// memo remembers results of successful calls.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	have map[K]V
}

func (m *memo[K, V]) get(key K, find func() (V, error)) (V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.have[key]; ok {
		return v, nil
	}
	v, err := find()
	if err == nil {
		if m.have == nil {
			m.have = map[K]V{}
		}
		m.have[key] = v
	}
	return v, err
}

// keyed is one lock per name.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*sync.Mutex
}

func (k *keyed) lock(name string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*sync.Mutex{}
	}
	l, ok := k.locks[name]
	if !ok {
		l = &sync.Mutex{}
		k.locks[name] = l
	}
	k.mu.Unlock()
	l.Lock()
	return l.Unlock
}
