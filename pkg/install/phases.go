package install

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/plan"
)

// steps is the whole installation, in order.
func (c *creation) steps() []phase.Step {
	return []phase.Step{
		{Phase: phases.Preflight, Done: c.machinesExist, Run: c.preflight},
		{Phase: phases.Images, Done: c.handedOver, Run: c.apply(plan.StageImage)},
		{Phase: phases.Infrastructure, Run: c.infrastructure},
		{Phase: phases.BootstrapUp, Done: c.handedOver, Run: c.apply(plan.StageBootstrap)},
		{Phase: phases.APIAnswers, Run: c.apiAnswers},
		{Phase: phases.BootstrapComplete, Done: c.provedHandedOver, Run: c.bootstrapComplete},
		{Phase: phases.BootstrapDestroyed, Unless: c.preserved(), Run: c.destroyBootstrap},
		{Phase: phases.NodesJoined, Run: c.nodesJoined},
		{Phase: phases.ClusterComplete, Run: c.clusterComplete},
		{Phase: phases.Virtualization, Unless: "this version of the installer does not deploy it"},
	}
}

func (c *creation) preserved() string {
	if c.app.Getenv(envPreserveBootstrap) != "" {
		return envPreserveBootstrap + " is set: the bootstrap host stays until `" + c.app.command("destroy bootstrap") + "`"
	}
	return ""
}

// apply reconciles one stage of the plan.
func (c *creation) apply(stage plan.Stage) func(context.Context, event.Sink) error {
	return func(ctx context.Context, sink event.Sink) error {
		p, err := c.plan(ctx)
		if err != nil {
			return err
		}
		if stage != plan.StageImage {
			// From here on machines may have what was generated: it must not change.
			if err := c.assets.MarkStarted(); err != nil {
				return err
			}
		}
		if err := c.provider(sink).Apply(ctx, p, stage); err != nil {
			return fmt.Errorf("create %s: %w", stage, err)
		}
		return nil
	}
}
