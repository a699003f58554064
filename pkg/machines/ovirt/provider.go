package ovirt

import (
	"context"
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

// taken is the refusal to touch what another owner has.
func taken(kind, name, id string) error {
	return fmt.Errorf("create %s %s: the name is taken by %s %s, which does not belong to this cluster; rename or "+
		"remove it", kind, name, kind, id)
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
