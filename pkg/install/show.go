package install

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Plan shows what create cluster would create or change. It changes nothing.
func (a *App) Plan(ctx context.Context, form string) error {
	format := plan.Format(form)
	if !slices.Contains(plan.Formats(), format) {
		return fmt.Errorf("invalid --output %q: choose one of %v", form, plan.Formats())
	}
	inst, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	c, err := a.creation(ctx, inst, inst.Plan)
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
	return diff.Render(a.Stdout, format)
}

// Graph writes the asset graph in DOT.
func Graph(w io.Writer) error {
	_, err := io.WriteString(w, assets.Graph())
	return err
}
