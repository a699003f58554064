package install

import (
	"context"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
)

// The phases of an installation.
const (
	PhasePreflight          = "preflight"
	PhaseImages             = "images"
	PhaseInfrastructure     = "infrastructure"
	PhaseBootstrapUp        = "bootstrap-up"
	PhaseAPIAnswers         = "api-answers"
	PhaseBootstrapComplete  = "bootstrap-complete"
	PhaseBootstrapDestroyed = "bootstrap-destroyed"
	PhaseNodesJoined        = "nodes-joined"
	PhaseClusterComplete    = "cluster-complete"
	PhaseVirtualization     = "virtualization"
)

// The budgets are the reference's fixed timeouts (API 20 min, bootstrap 45,
// install 40, console 2), but here they count from the last progress.
const (
	budgetPlatform  = 10 * time.Minute
	budgetImages    = 30 * time.Minute // one image over a slow line
	budgetAPI       = 20 * time.Minute
	budgetBootstrap = 45 * time.Minute
	budgetNodes     = 30 * time.Minute
	budgetInstall   = 40 * time.Minute
)

const resume = "run the same command again: it goes on where it stopped"

// PhaseNames lists the phases of an installation in their order.
func PhaseNames() []string {
	var names []string
	for _, p := range (&creation{}).phases() {
		names = append(names, p.Name)
	}
	return names
}

// phases is the whole installation, in order.
func (c *creation) phases() []phase.Phase {
	return []phase.Phase{
		{
			Name: PhasePreflight, Help: "check the platform, the release and the addresses before anything is created",
			Done: c.machinesExist, Run: c.preflight, Budget: budgetPlatform,
			Next: "correct what is named above and run the same command again; nothing was created",
		},
		{
			Name: PhaseImages, Help: "bring the operating system image to the platform",
			Done: c.handedOver, Run: c.apply(plan.StageImage), Budget: budgetImages, Next: resume,
		},
		{
			Name: PhaseInfrastructure, Help: "create the machines",
			Run: c.infrastructure, Budget: budgetPlatform, Next: resume,
		},
		{
			Name: PhaseBootstrapUp, Help: "start the bootstrap host",
			Done: c.handedOver, Run: c.apply(plan.StageBootstrap), Budget: budgetPlatform, Next: resume,
		},
		{
			Name: PhaseAPIAnswers, Help: "wait for the Kubernetes API",
			Run: c.apiAnswers, Budget: budgetAPI, Next: c.app.nextBootstrap(),
		},
		{
			Name: PhaseBootstrapComplete, Help: "wait for the masters to take over",
			Done: c.provedHandedOver, Run: c.bootstrapComplete, Budget: budgetBootstrap, Next: c.app.nextBootstrap(),
		},
		{
			Name: PhaseBootstrapDestroyed, Help: "remove the bootstrap host",
			Unless: c.preserved, Run: c.destroyBootstrap, Budget: budgetPlatform, Next: resume,
		},
		{
			Name: PhaseNodesJoined, Help: "wait for every node to join",
			Run: c.nodesJoined, Budget: budgetNodes, Next: c.app.nextCluster(),
		},
		{
			Name: PhaseClusterComplete, Help: "wait for the cluster to install itself",
			Run: c.clusterComplete, Budget: budgetInstall, Next: c.app.nextCluster(),
		},
		{
			Name: PhaseVirtualization, Help: "deploy the virtualization stack",
			Unless: func() string { return "this version of the installer does not deploy it" },
		},
	}
}

func (a *App) nextBootstrap() string {
	return "read the log bundle named above, or look with `" + a.command("gather bootstrap") + "`; then " + resume
}

// nextWait is for those who only wait: no bundle was made.
func (a *App) nextWait() string {
	return "collect logs with `" + a.command("gather bootstrap") + "`, or see `" + a.command("analyze") + "`; then run the same command again: it goes on waiting"
}

func (a *App) nextCluster() string {
	return "look at `oc get clusteroperators,nodes`; `" + a.command("wait-for install-complete") + "` goes on waiting"
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
