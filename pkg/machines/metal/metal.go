// Package metal starts hosts through their BMCs: off, medium in, boot once, on. The hosts install themselves.
//
// A BMC remembers nothing of a cluster. What proves that a medium is the cluster's own is its name, which has the
// infraID in it; docs/dev/baremetal.md has the rules by which a host may be switched off.
package metal

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/media"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/secret"
)

var (
	_ machines.Booter = (*Provider)(nil)
	_ machines.Wiper  = (*Provider)(nil)
)

// Host is a host of install-config.yaml, or as much of it as metadata.json has.
type Host struct {
	config.Host
	// UUID is that of the system which the BMC had when the cluster was made, empty if it is not known.
	UUID string
	// Disk is the one that the host was installed to, nil if it is not known.
	Disk *agent.DiskID
	// Index is its place among the hosts of install-config.yaml.
	Index int
}

// Options are what a Rack works with. All but Hosts may be empty.
type Options struct {
	Hosts []Host
	// CA has certificates in PEM that BMCs are trusted with, beside those of the system.
	CA []byte
	// Media says how BMCs reach the medium.
	Media machines.Media
	// TakeRunning allows to switch off hosts of which nothing proves that they may be.
	TakeRunning bool
	// Node reports whether the cluster's API lists a node with the UUID of a system. An error means that it does not say.
	Node func(ctx context.Context, systemUUID string) (bool, error)
	// Registered reports whether the service of the rendezvous host has a host with one of these MAC addresses.
	Registered func(ctx context.Context, macs []string) (bool, error)
	// Proved and Prove are those of machines.Access.
	Proved []string
	Prove  func(ids []string)
	// Hide keeps secrets out of everything that is logged from then on.
	Hide func(...secret.String)
	// Parallel bounds how many hosts are worked on at once. Default 512: nearly all of the time they are waited for, and
	// one costs 0.2 MiB and 20 ms of computing.
	Parallel int
	// FetchLimit is how long a BMC may take to read from its medium once the host is on. Default 15 min: servers test
	// their memory before they look at it.
	FetchLimit time.Duration
	// WipeLimit is how long a host may take to wipe its disk, once its BMC has read from the medium. Default 30 min.
	WipeLimit time.Duration
	Clock     clock.Clock
	Log       *slog.Logger
}

// Rack is the hosts of one cluster, with one session for each BMC, and the server of their media. Its providers share
// them.
type Rack struct {
	Options
	hosts  []*host
	slots  chan struct{}
	logins logins
	roots  func() (*x509.CertPool, error)
	starts pace

	serving sync.Mutex
	server  *media.Server // nil while nothing is served
}

// New makes a rack. It sends nothing.
func New(o Options) *Rack {
	o.Clock = cmp.Or(o.Clock, clock.Real())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Parallel = cmp.Or(max(o.Parallel, 0), 512)
	o.FetchLimit = cmp.Or(o.FetchLimit, 15*time.Minute)
	o.WipeLimit = cmp.Or(o.WipeLimit, 30*time.Minute)
	if o.Hide == nil {
		o.Hide = func(...secret.String) {}
	}
	r := &Rack{Options: o, slots: make(chan struct{}, o.Parallel)}
	r.roots = sync.OnceValues(func() (*x509.CertPool, error) { return redfish.Trust(o.CA) })
	r.hideURL()
	for _, h := range o.Hosts {
		r.hosts = append(r.hosts, &host{Host: h, rack: r, turn: make(chan struct{}, 1)})
	}
	return r
}

// Provider is the rack as commands see it. Fetch gets the file of the medium once it is needed, and may be nil where
// nothing is started.
func (r *Rack) Provider(sink event.Sink, fetch machines.Fetch) *Provider {
	return &Provider{Rack: r, Events: cmp.Or[event.Sink](sink, event.Discard), Fetch: fetch}
}

// Provider starts, releases and switches off the hosts of a rack.
type Provider struct {
	*Rack
	Events event.Sink
	Fetch  machines.Fetch
}
