package upi

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/report"
)

// Provider looks and makes nothing.
type Provider struct {
	// Lookup asks DNS for a host's addresses, none if it has none; nil asks nothing.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

var _ machines.Provider = Provider{}

// Preflight finds nothing wrong with what the user is going to make.
func (Provider) Preflight(context.Context, plan.Plan) (*report.Report, error) {
	return report.New("install-config.yaml"), nil
}

// Diff says what the user provides, and what DNS says of the names now.
func (p Provider) Diff(ctx context.Context, pl plan.Plan) (plan.Diff, error) {
	d := plan.Compare(pl, nil)
	d.Provide = p.look(ctx, d.Provide)
	return d, nil
}

// ErrByHand says that the user makes the machines.
var ErrByHand = errors.New("on this platform the machines are yours to make")

// Apply makes nothing.
func (Provider) Apply(context.Context, plan.Plan, plan.Stage) error { return ErrByHand }

// Destroy leaves nothing behind: nothing was made.
func (Provider) Destroy(context.Context, string, plan.Stage) ([]plan.Ref, error) { return nil, nil }

// Machines are not known.
func (Provider) Machines(context.Context, string) ([]machines.Machine, error) { return nil, nil }

// Recorded is nothing: nobody keeps records of the user's machines.
func (Provider) Recorded(_ context.Context, infraID string) (machines.Record, error) {
	return machines.Record{InfraID: infraID, Progress: machines.ByHand}, nil
}

// Record keeps nothing.
func (Provider) Record(context.Context, machines.Record) error { return nil }

// Clusters are not known.
func (Provider) Clusters(context.Context) ([]machines.Record, error) { return nil, nil }

// lookLimit bounds the look at DNS: a plan can be made where there is none.
const lookLimit = 3 * time.Second

// look asks for all names at once.
func (p Provider) look(ctx context.Context, list []plan.Requirement) []plan.Requirement {
	if p.Lookup == nil {
		return list
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	out := slices.Clone(list)
	var lookups sync.WaitGroup
	for i := range out {
		if spec, is := out[i].Spec.(plan.Record); is {
			lookups.Go(func() { out[i].Seen = p.seen(ctx, out[i].Name, spec.Addresses) })
		}
	}
	lookups.Wait()
	return out
}

// seen says what DNS has for a name. For a wildcard it asks for the console's.
func (p Provider) seen(ctx context.Context, name string, want []string) string {
	if domain, wildcard := strings.CutPrefix(name, "*."); wildcard {
		name = "console-openshift-console." + domain
	}
	found, err := p.Lookup(ctx, name)
	switch {
	case err != nil:
		return "unknown: DNS does not answer here"
	case len(found) == 0:
		return "not in DNS"
	}
	have := machines.Texts(found)
	slices.Sort(have)
	text := strings.Join(have, ", ")
	for _, w := range want {
		if !slices.Contains(have, w) {
			return text + ", which is not " + w
		}
	}
	return text
}

// OwnMachines is a platform on which the user makes the machines.
func OwnMachines(name string) machines.Platform {
	return machines.Platform{
		Name: name, ByHand: true, Plan: plans, Connect: connect,
		Refusal: machines.Refusal{
			Text: "create cluster cannot make machines on platform " + name + ": they are yours",
			Next: phase.Hint{
				Text:     "%s, boot your machines with them, and %s; docs/user/upi.md has the whole way",
				Commands: []string{"create ignition-configs", "wait-for bootstrap-complete"},
			},
		},
	}
}

func plans(c assets.Cluster, _ plan.Image) (plan.Plan, error) {
	return Plan(c.Config, c.InfraID, Ignitions{Bootstrap: c.Bootstrap, Master: c.Master, Worker: c.Worker}), nil
}

func connect(_ context.Context, a machines.Access) (machines.Connection, error) {
	return func(event.Sink, machines.Fetch) machines.Provider { return Provider{Lookup: a.Lookup} }, nil
}
