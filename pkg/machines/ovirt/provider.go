package ovirt

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
)

var _ machines.Booter = (*Provider)(nil)

// Deps is what a provider works with.
type Deps struct {
	Engine *api.Client
	Clock  clock.Clock
	Events event.Sink
	Log    *slog.Logger
	// Fetch gets the image file where the plan names none; it may be nil otherwise.
	Fetch machines.Fetch
	// Parallel bounds how many objects are worked on at once. Default 4.
	Parallel int
	// Poll is the pause between tries. Default 2 s.
	Poll time.Duration
	// Limit bounds each wait for the engine, as for copies of disks. Default 15 min.
	Limit time.Duration
	// HostImagePort and ProxyImagePort are where imageio listens on hypervisors
	// and on the engine. Defaults 54322 and 54323.
	HostImagePort, ProxyImagePort string
	// DeleteForeignDisks deletes others' disks in machines, too, instead of detaching them.
	DeleteForeignDisks bool
	// TakeRunning allows to start machines anew that run without the cluster's medium.
	TakeRunning bool
	// DestroyLimit bounds each wait while destroying. Default 10 min.
	DestroyLimit time.Duration
}

// Provider reconciles plans with one oVirt engine.
type Provider struct {
	Deps
	tags     sync.Mutex // is held while a tag is made or described: several machines need the same
	mu       sync.Mutex
	profiles map[string]string // IDs of vNIC profiles that were chosen
	media    *media
}

// New makes a provider.
func New(d Deps) *Provider {
	d.Clock = cmp.Or(d.Clock, clock.Real())
	d.Events = cmp.Or[event.Sink](d.Events, event.Discard)
	d.Log = cmp.Or(d.Log, slog.New(slog.DiscardHandler))
	d.Parallel = cmp.Or(d.Parallel, 4)
	d.Poll = cmp.Or(d.Poll, 2*time.Second)
	d.Limit = cmp.Or(d.Limit, 15*time.Minute)
	d.DestroyLimit = cmp.Or(d.DestroyLimit, 10*time.Minute)
	d.HostImagePort = cmp.Or(d.HostImagePort, api.HostImagePort)
	d.ProxyImagePort = cmp.Or(d.ProxyImagePort, api.ProxyImagePort)
	return &Provider{Deps: d, profiles: map[string]string{}, media: &media{}}
}

// taken is the refusal to touch what another owner has.
func taken(kind, name, id string) error {
	return fmt.Errorf("create %s %s: the name is taken by %s %s, which does not belong to this cluster; rename or "+
		"remove it", kind, name, kind, id)
}

// vanished is the failure of an operation that lacks what an earlier step made.
func vanished(op, what string) error {
	return fmt.Errorf("%s: %s is gone; run the same command again", op, what)
}
