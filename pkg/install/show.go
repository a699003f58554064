package install

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
)

// Plan shows what create cluster would create or change or, where the user makes
// the machines, what there has to be. It changes nothing.
func (a *App) Plan(ctx context.Context, form string) error {
	return a.plan(ctx, plan.Format(form), func(d plan.Diff) error { return d.Render(a.Stdout, plan.Format(form)) })
}

// planFile is where create infrastructure-plan leaves the plan.
const planFile = "infrastructure-plan.json"

// CreateInfrastructurePlan writes the plan to a file.
func (a *App) CreateInfrastructurePlan(ctx context.Context) error {
	return a.plan(ctx, plan.JSON, func(d plan.Diff) error {
		var text bytes.Buffer
		if err := d.Render(&text, plan.JSON); err != nil {
			return err
		}
		if err := asset.WriteFile(a.path(planFile), text.Bytes(), 0o600); err != nil {
			return err
		}
		event.Info(a.Sink, "Infrastructure-Plan created in: "+a.Dir)
		return nil
	})
}

func (a *App) plan(ctx context.Context, form plan.Format, use func(plan.Diff) error) error {
	if !slices.Contains(plan.Formats(), form) {
		return fmt.Errorf("invalid --output %q: choose one of %v", form, plan.Formats())
	}
	inst, err := a.openOrAsk(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	anything := func(*types.InstallConfig) error { return nil }
	c, err := a.creation(ctx, inst, anything, inst.Plan)
	if err != nil {
		return err
	}
	p, err := c.plan(ctx)
	if err != nil {
		return err
	}
	diff, err := c.provider(event.Discard).Diff(ctx, p)
	if err != nil {
		return fmt.Errorf("compare the plan with the platform: %w", err)
	}
	if over, _ := c.handedOver(ctx); over {
		diff = diff.NoMore(c.served(), plan.StageImage, plan.StageBootstrap)
	}
	return use(diff)
}

// Graph writes the asset graph in DOT.
func Graph(w io.Writer) error {
	_, err := io.WriteString(w, assets.Graph())
	return err
}
