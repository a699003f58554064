package steps

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	stack "github.com/okd-install/okd-install/pkg/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
)

// Virtualization deploys what the cluster needs to run VMs, and proves it with one.
type Virtualization struct {
	Cluster
	// Stack is what is deployed.
	Stack func(context.Context, event.Sink) (*stack.Deployer, *virtualization.Config, error)
	Again string // the command that repeats the test
}

// Run does it.
func (s Virtualization) Run(ctx context.Context, sink event.Sink) error {
	d, config, err := s.Stack(ctx, sink)
	if err != nil {
		return err
	}
	d.Sink = sink
	if config != nil && !config.SmokeTest.AllowEmulation {
		warning, err := proof.Test{API: s.API, Clock: s.Env.Clock, Sink: sink, Options: proof.Options{Again: s.Again}}.
			Hardware(ctx, config.HyperConverged.Workloads.NodeSelector)
		if err != nil {
			return err
		}
		if warning != "" {
			event.Warn(sink, warning)
		}
	}
	if err := d.Deploy(ctx); err != nil {
		return err
	}
	event.Info(sink, "Virtualization is deployed")
	if config == nil || config.SmokeTest.Enabled != nil && !*config.SmokeTest.Enabled {
		return nil
	}
	return s.prove(ctx, sink, config)
}

// ProofOptions are what the test of the stack takes from its configuration.
func ProofOptions(c *virtualization.Config) proof.Options {
	o := proof.Options{Image: c.SmokeTest.Image, Timeout: c.SmokeTest.Timeout.Duration}
	if c.Storage.Type == virtualization.NoStorage {
		o.Skip = []string{proof.StorageProfiles, proof.Volume}
	}
	return o
}

// prove boots a VM.
func (s Virtualization) prove(ctx context.Context, sink event.Sink, config *virtualization.Config) error {
	options := ProofOptions(config)
	options.Again = s.Again
	r := proof.Test{API: s.API, Clock: s.Env.Clock, Sink: sink, Options: options}.Run(ctx)
	var text strings.Builder
	err := r.Write(&text, proof.Text)
	for line := range strings.Lines(text.String()) {
		event.Info(sink, strings.TrimRight(line, "\n"))
	}
	if failed := errors.Join(err, r.Err()); failed != nil {
		return exit.With(exit.Install, cmp.Or(exit.Next(failed), s.Again), failed)
	}
	return nil
}
