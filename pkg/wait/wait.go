// Package wait polls the outside world until it is as wished, and remembers
// what it was waiting for when time runs out.
package wait

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
)

// Check looks once. done ends the wait; why says what is still missing, in
// words for a person; a non-nil error is permanent and ends the wait.
type Check func(ctx context.Context) (done bool, why string, err error)

// Error says what was being waited for when ctx ended. errors.Is finds
// context.DeadlineExceeded or context.Canceled in it.
type Error struct {
	Why   string
	Cause error
}

func (e *Error) Error() string {
	verb := e.Cause.Error() // a cause of its own knows best why time was up
	switch {
	case e.Cause == context.DeadlineExceeded: //nolint:errorlint // that very value, not what stands for it
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

// eager is the share of the interval after which the second look comes; then it
// doubles up to the whole interval. Much is done within moments.
const eager = 8

// Until calls check at once and then, after a few quicker looks, every interval
// until it is done, fails for good, or ctx ends.
func Until(ctx context.Context, clk clock.Clock, every time.Duration, check Check) error {
	var last string
	for pause := every / eager; ; pause = min(2*pause, every) {
		if err := ctx.Err(); err != nil {
			return &Error{Why: last, Cause: cause(ctx)}
		}
		done, why, err := check(ctx)
		// What a look says that was itself cut short is not what was waited for.
		if why != "" && (last == "" || ctx.Err() == nil) {
			last = why
		}
		if err != nil {
			// A check that failed only because ctx ended reports the wait, not itself.
			if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
				return &Error{Why: last, Cause: cause(ctx)}
			}
			return err
		}
		if done {
			return nil
		}
		if err := clk.Sleep(ctx, pause); err != nil {
			return &Error{Why: last, Cause: cause(ctx)}
		}
	}
}

func cause(ctx context.Context) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return ctx.Err()
}
