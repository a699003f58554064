package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
)

// BootstrapDestroyed removes the bootstrap host: never without the proof that etcd has left it.
type BootstrapDestroyed struct {
	Cluster
	InfraID   string
	Providers Providers
	Proof     *Proof
	Gather    func(ctx context.Context) // makes a log bundle while the host is there; nil makes none
}

// Run does it.
func (s BootstrapDestroyed) Run(ctx context.Context, sink event.Sink) error {
	if !s.Proof.Known { // the phase that brings it was left out
		if err := s.prove(ctx, sink); err != nil {
			return err
		}
	}
	p := s.Providers(sink)
	if s.Gather != nil {
		found, err := p.Machines(ctx, s.InfraID)
		if err != nil {
			return fmt.Errorf("look for the bootstrap host, to gather its logs: %w", err)
		}
		isBootstrap := func(m machines.Machine) bool { return m.Role == machines.Bootstrap }
		if slices.ContainsFunc(found, isBootstrap) {
			s.Gather(ctx)
		}
	}
	left, err := p.Destroy(ctx, s.InfraID, plan.StageBootstrap)
	return machines.Remaining(left, err)
}

// prove asks the cluster once more.
func (s BootstrapDestroyed) prove(ctx context.Context, sink event.Sink) error {
	api, err := s.handoff(sink).Ask(ctx, handoff.AskLimit)
	switch {
	case err != nil:
		return err
	case api.Silent != nil:
		return handoff.Unproved(s.InfraID, api.Silence())
	case !api.Complete:
		return errors.New("the bootstrap is not complete: its host is still needed")
	case !api.Moved:
		return errors.New("etcd still has a member on the bootstrap host; " +
			"removing the host now could cost the cluster its data")
	}
	return s.Proof.Keep(ctx)
}
