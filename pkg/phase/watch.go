package phase

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
)

// watchdog passes events on and ends its context when none of them has told of new progress for the whole budget.
type watchdog struct {
	sink   event.Sink
	clk    clock.Clock
	times  times
	cancel context.CancelCauseFunc

	end time.Time // whatever the progress

	mu   sync.Mutex
	last string
	at   time.Time
	seen map[string]bool
}

func follow(ctx context.Context, clk clock.Clock, t times, sink event.Sink) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{sink: sink, clk: clk, times: t, cancel: cancel, at: clk.Now(), seen: map[string]bool{}}
	w.end = w.at.Add(t.limit)
	if t.budget > 0 {
		go w.guard(ctx)
	}
	return ctx, w
}

// Emit passes e on. Only a new message counts as progress: a wait that alternates between two is stuck.
func (w *watchdog) Emit(e event.Event) {
	if e.Kind == event.Progress {
		w.mu.Lock()
		w.last = e.Message
		if !w.seen[e.Message] {
			w.seen[e.Message] = true
			w.at = w.clk.Now()
		}
		w.mu.Unlock()
	}
	w.sink.Emit(e)
}

func (w *watchdog) guard(ctx context.Context) {
	for {
		left, last := w.left()
		rest := w.end.Sub(w.clk.Now())
		switch {
		case left <= 0:
			w.cancel(&Stalled{After: w.times.budget, Last: last})
			return
		case rest <= 0:
			w.cancel(&Stalled{After: w.times.limit, Last: last, Moving: true})
			return
		}
		left = min(left, rest)
		if err := w.clk.Sleep(ctx, left); err != nil {
			return
		}
	}
}

func (w *watchdog) left() (time.Duration, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times.budget - w.clk.Now().Sub(w.at), w.last
}

func (w *watchdog) stop() { w.cancel(context.Canceled) }

// patience is how many budgets a phase may take in all, unless it says so itself. What a cluster says of itself can
// be new for ever, with a time or a count of retries in it.
const patience = 3

// times are how long a phase may take: without progress, and in all. Both are zero for a phase without a limit.
type times struct{ budget, limit time.Duration }

func (r *Runner) times(p Phase) times {
	switch {
	case p.Budget <= 0:
		return times{}
	case r.Timeout > 0:
		return times{r.Timeout, patience * r.Timeout}
	case p.Limit > 0:
		return times{p.Budget, max(p.Budget, p.Limit)}
	}
	return times{p.Budget, patience * p.Budget}
}

// attrs tell sinks of them, in seconds.
func (t times) attrs() []slog.Attr {
	if t.budget <= 0 {
		return nil
	}
	return []slog.Attr{
		slog.Float64(event.LimitSeconds, t.limit.Seconds()),
		slog.Float64(event.BudgetSeconds, t.budget.Seconds()),
	}
}
