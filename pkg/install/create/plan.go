package create

import (
	"bytes"
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Plan is the command plan: it shows what create cluster would create or change or, where the machines are the user's,
// what must exist. It changes nothing.
func Plan(ctx context.Context, e *install.Env, o Options, form plan.Format) error {
	diff, err := newCommand(e, o).compare(ctx)
	if err != nil {
		return err
	}
	return diff.Render(e.Stdout, form)
}

// InfrastructurePlan is the command create infrastructure-plan: it writes the plan to a file.
func InfrastructurePlan(ctx context.Context, e *install.Env, o Options) error {
	diff, err := newCommand(e, o).compare(ctx)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := diff.Render(&text, plan.JSON); err != nil {
		return err
	}
	if err := workdir.WriteFile(e.Path(install.PlanFile), text.Bytes(), 0o600); err != nil {
		return err
	}
	event.Info(e.Sink, "Infrastructure-Plan created in: "+e.Dir)
	return nil
}

// compare compares the plan of the cluster with what there is on the platform.
func (c command) compare(ctx context.Context) (plan.Diff, error) {
	inst, login, err := c.open(ctx, c.Env, c.Opening)
	if err != nil {
		return plan.Diff{}, err
	}
	defer func() { _ = inst.Close() }()
	anything := func(*types.InstallConfig, machines.Platform) error { return nil }
	t, err := c.target(ctx, inst, login, anything, generator{inst.Plan, inst.PlanAgentImage})
	if err != nil {
		return plan.Diff{}, err
	}
	defer func() { c.CloseSessions(ctx, t.providers(event.Discard)) }()
	p, err := t.plan(ctx, c.Sink)
	if err != nil {
		return plan.Diff{}, err
	}
	diff, err := t.providers(event.Discard).Diff(ctx, p)
	if err != nil {
		return plan.Diff{}, fmt.Errorf("compare the plan with the platform: %w", err)
	}
	if t.verdict.Answer == handoff.Yes {
		why := "The masters have taken over (" + t.verdict.Why + "): of the image and the bootstrap host nothing is " +
			"needed any more, and no machine is made anew beside the control plane"
		diff = diff.NoMore(why, plan.StageImage, plan.StageBootstrap)
	}
	return diff, nil
}
