package phase

import (
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
)

// patience is how many budgets a phase may take in all, unless it says so
// itself. What a cluster says of itself can be new for ever, with a time or a
// count of retries in it.
const patience = 3

// times are how long a phase may take: without progress, and in all. Both are
// zero for a phase without a limit.
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
