package steps

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Providers makes the provider of machines whose events go to a sink.
type Providers func(sink event.Sink) machines.Provider

// Machines is what the phases create with that make something on the platform.
type Machines struct {
	Plan      Lazy[plan.Plan]
	Providers Providers
	// MarkStarted notes in the state that machines may have what was generated: it must not change any more.
	MarkStarted func() error
}

// Create returns the work of a phase that creates the objects of a stage.
func (m Machines) Create(stage plan.Stage) func(context.Context, event.Sink) error {
	return func(ctx context.Context, sink event.Sink) error {
		p, err := m.Plan(ctx, sink)
		if err != nil {
			return err
		}
		if stage != plan.StageImage {
			if err := m.MarkStarted(); err != nil {
				return err
			}
		}
		if err := m.Providers(sink).Apply(ctx, p, stage); err != nil {
			return fmt.Errorf("create %s: %w", stage, err)
		}
		return nil
	}
}

// Infrastructure creates the cluster's machines. Beside masters that have taken over nothing is created or started: an
// etcd that lost a member must not get an empty one of the same name.
type Infrastructure struct {
	Machines
	HandedOver bool
	Nodes      []string           // names of the machines that there should be
	Found      []machines.Machine // those that there were when the run began
}

// Work returns the work of the phase.
func (s Infrastructure) Work() func(context.Context, event.Sink) error {
	if s.HandedOver {
		return s.nameMissing
	}
	return s.Create(plan.StageInfrastructure)
}

func (s Infrastructure) nameMissing(_ context.Context, sink event.Sink) error {
	have := map[string]machines.Machine{}
	for _, m := range s.Found {
		have[m.Name] = m
	}
	for _, name := range s.Nodes {
		m, there := have[name]
		switch {
		case !there:
			event.Warn(sink, "Machine "+name+" is missing, and is not created again beside a running control plane: "+
				"restore it on the platform, or replace the node by the means of the cluster, its etcd member first")
		case !m.Runs:
			event.Warn(sink, "Machine "+name+" is "+m.Status+": start it on the platform")
		}
	}
	return s.MarkStarted()
}
