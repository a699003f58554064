package steps

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Infrastructure makes the cluster's machines. Beside masters that have taken
// over nothing is made or started: an etcd that lost a member must not get an
// empty one of the same name.
type Infrastructure struct {
	Plan       Lazy[plan.Plan]
	Providers  Providers
	HandedOver bool
	// Nodes are the names of the machines that there should be, and Found those
	// that there were when the run began.
	Nodes []string
	Found []machines.Machine
	// MarkStarted says in the state that machines may have what was generated: it
	// must not change any more.
	MarkStarted func() error
}

// Run does it.
func (s Infrastructure) Run(ctx context.Context, sink event.Sink) error {
	if s.HandedOver {
		s.nameMissing(sink)
		return s.MarkStarted()
	}
	p, err := s.Plan(ctx, sink)
	if err != nil {
		return err
	}
	if err := s.MarkStarted(); err != nil {
		return err
	}
	if err := s.Providers(sink).Apply(ctx, p, plan.StageInfrastructure); err != nil {
		return fmt.Errorf("create %s: %w", plan.StageInfrastructure, err)
	}
	return nil
}

func (s Infrastructure) nameMissing(sink event.Sink) {
	have := map[string]machines.Machine{}
	for _, m := range s.Found {
		have[m.Name] = m
	}
	for _, name := range s.Nodes {
		m, there := have[name]
		switch {
		case !there:
			event.Warn(sink, "Machine "+name+" is missing, and is not made anew beside a control plane that runs: "+
				"restore it on the platform, or replace the node by the means of the cluster, its etcd member first")
		case !m.Runs:
			event.Warn(sink, "Machine "+name+" is "+m.Status+": start it on the platform")
		}
	}
}
