package steps

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
)

// Images brings the operating system image to the platform.
type Images struct {
	Plan      Lazy[plan.Plan]
	Providers Providers
}

// Run does it.
func (s Images) Run(ctx context.Context, sink event.Sink) error {
	p, err := s.Plan(ctx, sink)
	if err != nil {
		return err
	}
	if err := s.Providers(sink).Apply(ctx, p, plan.StageImage); err != nil {
		return fmt.Errorf("create %s: %w", plan.StageImage, err)
	}
	return nil
}
