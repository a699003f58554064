package virtualization

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

// stuck is a state of the cluster that does not mend itself. Some look like that for a moment while the cluster is
// busy, so it must last to be believed.
type stuck struct {
	error
	lasts time.Duration
}

func (s *stuck) Unwrap() error { return s.error }

// How long states must last. The first is for what the cluster has decided, the others for what it tries again.
const (
	decided  = 0
	briefly  = 15 * time.Second
	retried  = 20 * time.Second
	patience = 5 * time.Minute
)

func stuckFor(lasts time.Duration, next, format string, args ...any) error {
	return &stuck{exit.With(exit.Install, next, fmt.Errorf(format, args...)), lasts}
}

func isStuck(err error) bool {
	var s *stuck
	return errors.As(err, &s)
}

// within says what an error is about.
func within(what string, err error) error {
	var s *stuck
	if errors.As(err, &s) {
		return &stuck{fmt.Errorf("%s: %w", what, s.error), s.lasts}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// sightings are since when states that do not mend themselves have been seen without a break.
type sightings map[string]time.Time

// believe returns the error of a state that has lasted long enough, and else its text as what is missing.
func (s sightings) believe(now time.Time, err *stuck) (string, error) {
	text := err.Error()
	first, known := s[text]
	if !known {
		s[text], first = now, now
	}
	if now.Sub(first) >= err.lasts {
		return "", err.error
	}
	return text, nil
}

// look names what is missing, nothing if that is nothing. An error that is not a *stuck says that the cluster could not
// be asked.
type look func(ctx context.Context) (missing string, err error)

// until looks until nothing is missing. The API may be away for a while; what does not mend itself ends it, and so does
// the step's time limit.
func (d *Deployer) until(ctx context.Context, step string, limit time.Duration, l look) error {
	seen := sightings{}
	began := d.Clock.Now()
	watcher := d.Watcher
	watcher.Sink = event.SinkFunc(func(e event.Event) {
		e.Message = step + ": " + e.Message
		d.Sink.Emit(e)
	})
	return watcher.Until(ctx, "step "+step, func(ctx context.Context) (string, error) {
		missing, err := l(ctx)
		now := d.Clock.Now()
		var s *stuck
		switch {
		case errors.As(err, &s):
			var final error
			if missing, final = seen.believe(now, s); final != nil {
				return "", final
			}
		case err != nil:
			clear(seen)
			missing = d.API.URL() + ": " + kube.Cause(err)
		default:
			clear(seen)
		}
		if missing != "" && limit > 0 && now.Sub(began) >= limit {
			return "", exit.With(exit.Install, "look at what it waits for; then run the same command again: it goes on "+
				"where it stopped", fmt.Errorf("not done after %s, waiting for: %s", limit, missing))
		}
		return missing, nil
	})
}
