package event

import (
	"log/slog"
	"strings"
	"time"
)

// Attributes of a PhaseStart, in seconds: how long the phase may take in all, and how long without progress.
const (
	LimitSeconds  = "limitSeconds"
	BudgetSeconds = "budgetSeconds"
)

// Limits describes how long a phase may take; empty without a limit.
func Limits(limit, budget time.Duration) string {
	if limit <= 0 || budget <= 0 {
		return ""
	}
	return "at most " + Span(limit) + "; gives up after " + Span(budget) + " without progress"
}

func seconds(attrs []slog.Attr, key string) time.Duration {
	for _, a := range attrs {
		if a.Key == key && a.Value.Kind() == slog.KindFloat64 {
			return time.Duration(a.Value.Float64() * float64(time.Second))
		}
	}
	return 0
}

// Span prints a duration without trailing zeros: 20s, 45m, 2h15m.
func Span(d time.Duration) string {
	text := d.String()
	for _, rest := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, rest) {
			text = strings.TrimSuffix(text, rest[1:])
		}
	}
	return text
}
