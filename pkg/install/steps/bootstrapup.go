package steps

import (
	"context"
	"fmt"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/plan"
)

// BootstrapUp makes the bootstrap host and starts it.
type BootstrapUp struct {
	Plan      Lazy[plan.Plan]
	Providers Providers
	// MarkStarted is that of Infrastructure, which may have been skipped.
	MarkStarted func() error
}

// Run does it.
func (s BootstrapUp) Run(ctx context.Context, sink event.Sink) error {
	p, err := s.Plan(ctx, sink)
	if err != nil {
		return err
	}
	if err := s.MarkStarted(); err != nil {
		return err
	}
	if err := s.Providers(sink).Apply(ctx, p, plan.StageBootstrap); err != nil {
		return fmt.Errorf("create %s: %w", plan.StageBootstrap, err)
	}
	return nil
}
