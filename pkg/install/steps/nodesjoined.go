package steps

import (
	"context"

	"github.com/okd-install/okd-install/pkg/event"
)

// NodesJoined waits for every node to be Ready.
type NodesJoined struct {
	Cluster
	Nodes   []string
	Approve Approve
}

// Run does it.
func (s NodesJoined) Run(ctx context.Context, sink event.Sink) error {
	s.Approve.start()
	return s.handoff(sink).NodesReady(ctx, s.Nodes)
}
