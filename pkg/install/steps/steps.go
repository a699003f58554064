// Package steps does what the phases of an installation do: one file each, a
// struct with what the phase needs, and Run. Which commands go through which of
// them is said there, and what is known of a phase without a run in pkg/phases.
package steps

import (
	"context"
	"sync"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// Lazy is a value that is computed when a phase first needs it. What it waits for
// is told to the sink.
type Lazy[T any] func(ctx context.Context, sink event.Sink) (T, error)

// Once keeps the value of compute. An error is not kept: the next caller tries
// again.
func Once[T any](compute Lazy[T]) Lazy[T] {
	var mu sync.Mutex
	var value T
	known := false
	return func(ctx context.Context, sink event.Sink) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if known {
			return value, nil
		}
		v, err := compute(ctx, sink)
		if err == nil {
			value, known = v, true
		}
		return v, err
	}
}

// Providers makes the provider of machines whose events go to a sink.
type Providers func(sink event.Sink) machines.Provider

// Cluster is the cluster that phases wait for.
type Cluster struct {
	API   *kube.Client
	Clock clock.Clock
}

func (c Cluster) handoff(sink event.Sink) *handoff.Watcher {
	return &handoff.Watcher{API: c.API, Clock: c.Clock, Sink: sink, Every: install.Poll}
}

func (c Cluster) rollout(sink event.Sink) *rollout.Watcher {
	return &rollout.Watcher{
		API: c.API, Clock: c.Clock, Sink: sink, Every: install.Poll, Settle: rollout.DefaultSettle,
	}
}

// Watch tells a sink, until ctx ends, what the bootstrap host is doing. Nil does
// not look at the host.
type Watch func(ctx context.Context, sink event.Sink)

func (w Watch) start(ctx context.Context, sink event.Sink) {
	if w != nil {
		go w(ctx, sink)
	}
}

// Approve lets nodes join from now on, until the run ends. It may be called more
// than once; nil leaves that to others.
type Approve func()

func (a Approve) start() {
	if a != nil {
		a()
	}
}

// Proof is that the masters have taken over.
type Proof struct {
	// Known says that this run has it, or found it.
	Known bool
	// Mark keeps it in the state, and Record on the platform, for those who have
	// lost the state.
	Mark   func() error
	Record func(ctx context.Context) error
}

// Keep makes the proof known in both places.
func (p *Proof) Keep(ctx context.Context) error {
	if err := p.Mark(); err != nil {
		return err
	}
	if err := p.Record(ctx); err != nil {
		return err
	}
	p.Known = true
	return nil
}
