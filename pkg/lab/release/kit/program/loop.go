package program

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Loop calls step until ctx ends, pausing as long as it says. An error is logged
// once per cause, and so is its end.
func Loop(ctx context.Context, clk clock.Clock, log *slog.Logger,
	step func(context.Context) (pause time.Duration, err error)) {
	last := ""
	for {
		pause, err := step(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil && last != "":
			log.Info("works again")
			last = ""
		case err != nil && err.Error() != last:
			last = err.Error()
			log.Error("step failed", "error", err)
		}
		if clk.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// Wait looks every so often until look is done or ctx ends, and logs each change of
// what is missing. A look may take ten seconds.
func Wait(ctx context.Context, clk clock.Clock, log *slog.Logger, what string, every time.Duration,
	look func(context.Context) (done bool, why string)) error {
	last := ""
	err := wait.Until(ctx, clk, every, func(ctx context.Context) (bool, string, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		done, why := look(ctx)
		if why != last && !done {
			log.Info("waiting", "for", what, "state", why)
			last = why
		}
		return done, why, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	log.Info("done waiting", "for", what)
	return nil
}

// News logs states, each once and not each time that it is seen.
type News struct {
	Log  *slog.Logger
	last map[string]string
}

// Say logs the state of something if it is not the last one.
func (n *News) Say(of, state string) {
	if n.last == nil {
		n.last = map[string]string{}
	}
	if n.last[of] != state {
		n.last[of] = state
		n.Log.Info("state", "of", of, "is", state)
	}
}
