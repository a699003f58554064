// Package steps is the work of the phases of an installation: a struct with what each needs, and Run. Commands list
// the phases that they go through; pkg/phases has what is known of a phase without a run.
package steps

import (
	"context"
	"sync"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
)

// Lazy is a value that is computed when a phase first needs it. The sink is told what it waits for.
type Lazy[T any] func(ctx context.Context, sink event.Sink) (T, error)

// Once keeps the value of compute. An error is not kept: the next caller tries again.
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
		var err error
		value, err = compute(ctx, sink)
		known = err == nil
		return value, err
	}
}

// Cluster is the cluster that phases wait for.
type Cluster struct {
	Env *install.Env
	API *kube.Client
	// Incomplete reports whether the cluster comes up without some of its nodes; nil if it never does.
	Incomplete func() bool
}

func (c Cluster) handoff(sink event.Sink) *handoff.Watcher {
	return &handoff.Watcher{Watcher: c.Env.Watcher(c.API, sink)}
}

// Watch tells a sink, until ctx ends, what the bootstrap host is doing.
type Watch func(ctx context.Context, sink event.Sink)

// Proof is that the masters have taken over.
type Proof struct {
	Known bool // this run has it, or found it
	// Mark keeps it in the state, and Record on the platform, in case the state is lost.
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

// NodesJoined waits for every node to be Ready.
type NodesJoined struct {
	Cluster
	Nodes   []string
	Approve func() // lets nodes join from now on, until the run ends; may be called more than once
}

// Run does it.
func (s NodesJoined) Run(ctx context.Context, sink event.Sink) error {
	s.Approve()
	return s.handoff(sink).NodesReady(ctx, s.Nodes)
}
