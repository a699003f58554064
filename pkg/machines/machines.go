// Package machines is what the installer asks of a platform that makes
// machines. Each platform has its own package below this one.
package machines

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Everything asks Destroy for all stages at once.
const Everything plan.Stage = ""

// Bootstrap is the role of the bootstrap host.
const Bootstrap = "bootstrap"

// Machine is a machine of a cluster.
type Machine struct {
	Name      string       `json:"name"`
	Role      string       `json:"role"` // bootstrap, master, worker, image
	ID        string       `json:"id"`
	Status    string       `json:"status"`
	Runs      bool         `json:"runs"`                // it is not switched off
	Ran       bool         `json:"ran"`                 // it was started at least once
	Addresses []netip.Addr `json:"addresses,omitempty"` // as far as the platform knows them
}

// Provider reconciles plans with one platform. Every method can be called
// again after any failure or kill and goes on from what exists.
type Provider interface {
	// Preflight looks for everything that would stop the plan, and changes
	// nothing. An error means that it could not look.
	Preflight(ctx context.Context, p plan.Plan) (*report.Report, error)
	// Diff compares the plan with what exists.
	Diff(ctx context.Context, p plan.Plan) (plan.Diff, error)
	// Apply makes one stage of the plan true, after the earlier ones: it creates or
	// adopts what is missing, and returns when all of it is in place.
	Apply(ctx context.Context, p plan.Plan, stage plan.Stage) error
	// Destroy removes what a stage made, or Everything. It needs nothing but
	// the infraID, goes on past failures, and returns what is left.
	Destroy(ctx context.Context, infraID string, stage plan.Stage) (remaining []plan.Ref, err error)
	// Machines lists a cluster's machines.
	Machines(ctx context.Context, infraID string) ([]Machine, error)
	// Recorded is what the platform remembers of a cluster.
	Recorded(ctx context.Context, infraID string) (Record, error)
	// Record makes the platform remember a cluster. What it remembers already is
	// completed, and its progress never lowered.
	Record(ctx context.Context, r Record) error
	// Clusters are all clusters of this installer that the platform remembers.
	Clusters(ctx context.Context) ([]Record, error)
}

// Booter is a Provider of machines that install themselves from a medium.
type Booter interface {
	Provider
	// Boot starts a machine of the plan from its medium. A machine that is on is started anew only if that is proved to
	// do no harm: the medium in it is the cluster's own, or it is absent, which means that the service with which the
	// machines register has answered that it does not have this one; or the user has allowed it.
	Boot(ctx context.Context, p plan.Plan, name string, absent bool) error
	// Release takes the medium out of a machine and clears what it boots next. Nothing of it left is success.
	Release(ctx context.Context, p plan.Plan, name string) error
	// Withdraw takes back a Boot whose machine has not come up: a host with a medium of the cluster in it is switched
	// off, and released. One without is only released, as are machines that the installer has made.
	Withdraw(ctx context.Context, p plan.Plan, name string) error
	// Close ends the sessions with the machines' controllers. The provider can be used again.
	Close(ctx context.Context) error
}

// Wiper is a Provider of machines that can be started once more, from a medium that wipes what an installation has
// written and switches them off.
type Wiper interface {
	Provider
	// Written are the machines, and what is known of the disks that they were installed to.
	Written() []agent.WipeHost
	// Wipe wipes these disks of machines that Destroy has switched off, and returns those of which it is not known that
	// it is done. The provider's Fetch gets the file of the medium.
	Wipe(ctx context.Context, infraID string, names []string) (remaining []plan.Ref, err error)
}

// Remaining is an error that names what a removal left behind; err if nothing.
func Remaining(left []plan.Ref, err error) error {
	if len(left) == 0 {
		return err
	}
	names := make([]string, len(left))
	for i, r := range left {
		names[i] = string(r.Kind) + " " + r.Name
	}
	count := "1 object is"
	if len(left) > 1 {
		count = fmt.Sprintf("%d objects are", len(left))
	}
	text := fmt.Errorf("%s still there: %s", count, strings.Join(names, ", "))
	if err != nil {
		return fmt.Errorf("%w: %w", text, err)
	}
	return text
}

// Platform is what commands need to know of a platform to have machines there.
type Platform struct {
	Name string // its key in install-config.yaml and metadata.json
	// ByHand says that the user makes the machines.
	ByHand bool
	// SelfInstalling says that the machines exist, and install themselves once they are started from a medium: the
	// providers are Booters, none of the machines is for the bootstrap alone, and the platform keeps no records.
	SelfInstalling bool
	// Roles are those of the machines of the install-config that are installed, by name, where they install themselves.
	// The others are spare ones: nothing is done to them.
	Roles func(c *types.InstallConfig) map[string]string
	// VirtualAddresses says that the cluster has addresses of its own there: the
	// bootstrap host holds the API's until the masters take over.
	VirtualAddresses bool
	// Stream names the CoreOS artifact that machines start from, if there is one.
	Stream string
	// Refusal is why create cluster cannot make a cluster there; zero if it can.
	Refusal Refusal
	// Permissions says where the permissions are listed that are needed, if any.
	Permissions string
	// Plan describes what the cluster needs there. It is pure.
	Plan func(c assets.Cluster, image plan.Image) (plan.Plan, error)
	// Complete asks for what an Access lacks to log in to the controllers of machines that exist; nil where nothing can
	// be lacking.
	Complete func(a *Access) error
	// Password is that of a controller in what the environment names, empty if it is not there; nil where there are none.
	Password func(getenv func(string) string, address string) (secret.String, error)
	// Connect logs in.
	Connect func(ctx context.Context, a Access) (Connection, error)
	// Joins is how machines there join clusters that run; nil if the installer can make or start none for that.
	Joins *Joins
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
	// Login is the login file's content if it was just asked for; nil: as kept.
	Login []byte
	// Password asks for the password of a user of a controller. The error says what can be done if nobody knows it.
	Password func(address, user string) (secret.String, error)
	// Lookup asks DNS for the addresses of a host, none if it has none.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// DeleteForeignDisks makes destroying delete others' disks in the machines, too.
	DeleteForeignDisks bool
	// Config is the install-config of the cluster, nil where there is none any more.
	Config *types.InstallConfig
	// Metadata is the platform's part of metadata.json, nil where there is none.
	Metadata json.RawMessage
	// Disks are those that the machines of the cluster were installed to, by name, as far as that is known.
	Disks map[string]agent.DiskID
	// Media says how the machines of platforms on which they install themselves get their medium.
	Media Media
	// TakeRunning allows to start machines anew that are on although nothing proves that they may be.
	TakeRunning bool
	// Node reports whether the cluster's API lists a node with the UUID of a machine; nil where it is not asked.
	Node func(ctx context.Context, systemUUID string) (bool, error)
	// Registered reports whether the service with which the machines of the cluster register, while they install
	// themselves, has one with such a MAC address; nil where there is none.
	Registered func(ctx context.Context, macs []string) (bool, error)
	// Proved are the IDs of machines that an earlier run has proved to be the cluster's shortly ago. Prove keeps those of
	// this run before any of them is switched off, since those that are off prove nothing about the others.
	Proved []string
	Prove  func(ids []string)
	// Parallel bounds how many machines are worked on at once; 0 is the platform's default.
	Parallel int
}

// Media is how the controllers of machines reach the medium.
type Media struct {
	// Address of this machine, with or without a port; empty for that by which it reaches each controller. In front of
	// it may be http:// or https://. Nothing is served without encryption unless it begins with http://.
	Address string
	URL     string // of the medium, on a server that the user fills; empty to serve it from here
}

// Connection makes providers with one login. The events of a provider go to the
// sink; fetch gets the file of the image once it is needed, and may be nil where
// nothing is made.
type Connection func(sink event.Sink, fetch Fetch) Provider

// Fetch gets the file of an image: it fills in Path and what depends on it.
type Fetch func(context.Context, plan.Image) (plan.Image, error)
