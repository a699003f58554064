// Package wait polls until a condition is met, and says what was missing when time runs out.
package wait

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
)

// Check tests the condition once: whether it is met, and what is missing. An error ends the wait.
type Check func(ctx context.Context) (done bool, why string, err error)

// Error is the error of a wait whose context ended. It wraps the context's cause.
type Error struct {
	Why   string // what was missing
	Cause error
}

func (e *Error) Error() string {
	verb := e.Cause.Error()
	switch {
	case e.Cause == context.DeadlineExceeded: //nolint:errorlint // a wrapped one says more than "timed out"
		verb = "timed out"
	case e.Cause == context.Canceled: //nolint:errorlint // see above
		verb = "interrupted"
	}
	if strings.Contains(verb, e.Why) { // an empty one too
		return verb
	}
	return fmt.Sprintf("%s; last seen: %s", verb, e.Why)
}

func (e *Error) Unwrap() error { return e.Cause }

// firstFraction of the interval is the first pause; it doubles up to the interval, because many waits are short.
const firstFraction = 8

// Until calls check, first with growing pauses, until it is done, fails, or ctx ends.
func Until(ctx context.Context, clk clock.Clock, every time.Duration, check Check) error {
	var last string
	for pause := every / firstFraction; ; pause = min(2*pause, every) {
		if err := ctx.Err(); err != nil {
			return &Error{Why: last, Cause: context.Cause(ctx)}
		}
		done, why, err := check(ctx)
		// The reason of a check that ctx interrupted is not what is missing.
		if why != "" && (last == "" || ctx.Err() == nil) {
			last = why
		}
		if err != nil {
			// The check failed only because ctx ended.
			if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
				return &Error{Why: last, Cause: context.Cause(ctx)}
			}
			return err
		}
		if done {
			return nil
		}
		if err := clk.Sleep(ctx, pause); err != nil {
			return &Error{Why: last, Cause: context.Cause(ctx)}
		}
	}
}
