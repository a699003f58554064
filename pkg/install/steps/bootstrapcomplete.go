package steps

import (
	"context"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

// BootstrapComplete waits for the masters to take over, and for etcd to leave the bootstrap host, which is the proof.
type BootstrapComplete struct {
	Cluster
	Watch   Watch  // of the bootstrap host; may be nil
	Approve func() // as in NodesJoined; may be nil
	// NoteMember keeps what happened to an etcd member, and reports whether it is new. Nil does not watch members.
	NoteMember func(at time.Time, text string) bool
	Proof      *Proof // kept once there is one; nil where nobody needs it
}

// Run does it.
func (s BootstrapComplete) Run(ctx context.Context, sink event.Sink) error {
	watching, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	if s.Watch != nil {
		go s.Watch(watching, sink)
	}
	w := s.handoff(sink)
	if s.NoteMember != nil {
		background.Go(func() { w.Members(watching, s.NoteMember) })
	}
	if err := w.BootstrapComplete(ctx); err != nil {
		return err
	}
	if s.Approve != nil {
		s.Approve()
	}
	if err := w.EtcdMoved(ctx); err != nil {
		return err
	}
	if s.Proof == nil {
		return nil
	}
	return s.Proof.Keep(ctx)
}
