package machines

import (
	"context"
	"net/netip"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Platform is what commands need to know of a platform to have machines there.
type Platform struct {
	Name string // its key in install-config.yaml and metadata.json
	// ByHand says that the user makes the machines.
	ByHand bool
	// VirtualAddresses says that the cluster has addresses of its own there: the
	// bootstrap host holds the API's until the masters take over.
	VirtualAddresses bool
	// Stream names the CoreOS artifact that machines start from; empty where the
	// installer brings no image.
	Stream string
	// Refusal is why create cluster cannot make a cluster there; the zero value if
	// it can.
	Refusal Refusal
	// Permissions says where the permissions are listed that the installer needs;
	// empty if it needs none.
	Permissions string
	// Plan describes what the cluster needs there. It is pure.
	Plan func(c assets.Cluster, image plan.Image) (plan.Plan, error)
	// Connect logs in.
	Connect func(ctx context.Context, a Access) (Connection, error)
}

// Refusal says why something cannot be done, and what can be done instead.
type Refusal struct {
	Text string
	Next phase.Hint
}

// Access is what a platform logs in with.
type Access struct {
	Clock  clock.Clock
	Sink   event.Sink
	Getenv func(string) string
	// Hide keeps secrets out of everything that is logged from then on.
	Hide func(...secret.String)
	// Login is the content of the platform's login file, if it was asked for in
	// this run; nil for what is kept.
	Login []byte
	// Lookup asks DNS for the addresses of a host, none if it has none.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// DeleteForeignDisks makes destroying delete disks, too, that somebody else put
	// into the cluster's machines.
	DeleteForeignDisks bool
}

// Connection makes providers with one login. The events of a provider go to the
// sink; fetch gets the file of the image once it is needed, and may be nil where
// nothing is made.
type Connection func(sink event.Sink, fetch Fetch) Provider

// Fetch gets the file of an image: it fills in Path and what depends on it.
type Fetch func(context.Context, plan.Image) (plan.Image, error)
