package runtimecfg

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

// Handover gives the API address away once the bootstrap's API server is gone.
type Handover struct {
	Probe     Prober
	URL       string        // of the local API server's readyz
	Every     time.Duration // between probes
	Threshold int           // give away after more failures in a row than this
	Config    string        // keepalived.conf; removed, so that a restarted container stays silent
	Tell      func(order string) error
	Clock     clock.Clock
	Log       *slog.Logger
}

// Wait waits for the local API server to come and to go.
func (h Handover) Wait(ctx context.Context) error {
	seen, failures := false, 0
	for {
		switch ok := h.Probe.OK(ctx, h.URL); {
		case ok:
			if !seen {
				h.Log.Info("local API server answers")
			}
			seen, failures = true, 0
		case seen:
			failures++
		}
		if failures > h.Threshold {
			h.Log.Info("local API server is gone; giving the API address to the masters", "failures", failures)
			return nil
		}
		if err := h.Clock.Sleep(ctx, h.Every); err != nil {
			return err
		}
	}
}

// Give stops keepalived, so that a master takes over at once.
func (h Handover) Give(ctx context.Context) error {
	if err := os.Remove(h.Config); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("hand over API address: %w", err)
	}
	for h.Tell(supervise.Stop) != nil {
		if err := h.Clock.Sleep(ctx, h.Every); err != nil {
			return err
		}
	}
	return nil
}
