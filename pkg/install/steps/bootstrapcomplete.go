package steps

import (
	"context"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

// BootstrapComplete waits for the masters to take over, and for etcd to leave the
// bootstrap host. Its result is the proof.
type BootstrapComplete struct {
	Cluster
	Watch   Watch // of the bootstrap host
	Approve Approve
	// NoteMember keeps what happened to an etcd member, and reports whether it was
	// not known before. Nil does not look at members.
	NoteMember func(at time.Time, text string) bool
	// Proof is kept once there is one; nil where nobody needs it.
	Proof *Proof
}

// Run does it.
func (s BootstrapComplete) Run(ctx context.Context, sink event.Sink) error {
	watching, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	s.Watch.start(watching, sink)
	w := s.handoff(sink)
	if s.NoteMember != nil {
		background.Go(func() { w.Members(watching, s.NoteMember) })
	}
	if err := w.BootstrapComplete(ctx); err != nil {
		return err
	}
	s.Approve.start()
	if err := w.EtcdMoved(ctx); err != nil {
		return err
	}
	if s.Proof == nil {
		return nil
	}
	return s.Proof.Keep(ctx)
}
