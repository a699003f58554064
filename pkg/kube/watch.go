package kube

import (
	"context"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Watcher waits for a cluster.
type Watcher struct {
	API   *Client
	Clock clock.Clock
	Sink  event.Sink
	Every time.Duration // between two looks
}

// Until looks until nothing is missing, and tells the sink what is. Look names something unless it has seen that all is
// there; its error ends the wait.
func (w Watcher) Until(ctx context.Context, what string, look func(context.Context) (missing string, err error)) error {
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		missing, err := look(ctx)
		if err != nil {
			return false, "", err
		}
		if missing != "" {
			event.ProgressOf(w.Sink, missing)
		}
		return missing == "", missing, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// Since is a time that the cluster wrote, absolute so that it stays the same from look to look; empty without one.
func Since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (since " + t.UTC().Format(time.RFC3339) + ")"
}
