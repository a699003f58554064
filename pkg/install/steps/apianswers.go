package steps

import (
	"context"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
)

// APIAnswers waits for the Kubernetes API.
type APIAnswers struct {
	Cluster
	InfraID    string
	HandedOver bool  // when the run began
	Watch      Watch // of the bootstrap host; may be nil
}

// Run does it.
func (s APIAnswers) Run(ctx context.Context, sink event.Sink) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if !s.HandedOver && s.Watch != nil {
		go s.Watch(ctx, sink)
	}
	version, err := s.handoff(sink).Answers(ctx)
	switch {
	case err != nil && s.HandedOver:
		// This is no failed bootstrap, after which people destroy and start over.
		return exit.Stopped("look why "+s.API.URL()+" cannot be reached from here, and run the same command again",
			"the masters of cluster %s have taken over, but its API does not answer: %w", s.InfraID, err)
	case err != nil:
		return err
	}
	event.Info(sink, "API "+version+" up")
	return nil
}
