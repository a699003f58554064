package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// idleError is the error of a registry that sends nothing for too long.
type idleError struct{ limit time.Duration }

func (e *idleError) Error() string { return fmt.Sprintf("no answer for %s", e.limit) }

// Is makes the error a context.DeadlineExceeded.
func (e *idleError) Is(target error) bool { return target == context.DeadlineExceeded }

// idleTimer cancels a context when a registry sends nothing for limit. A slow
// download may take any time.
type idleTimer struct {
	limit time.Duration
	timer *time.Timer
}

func withIdleTimeout(ctx context.Context, limit time.Duration) (context.Context, *idleTimer, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &idleTimer{limit: limit, timer: time.AfterFunc(limit, func() { cancel(&idleError{limit}) })}
	return ctx, t, func() { t.timer.Stop(); cancel(nil) }
}

// idleTransport restarts the timer whenever a body is read.
type idleTransport struct {
	next  http.RoundTripper
	timer *idleTimer
}

func (t idleTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &idleBody{resp.Body, t.timer}
	}
	return resp, err
}

type idleBody struct {
	io.ReadCloser
	timer *idleTimer
}

func (b *idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.timer.timer.Reset(b.timer.limit)
	}
	return n, err
}

// idleCause returns the idleError if it ended ctx, otherwise err.
func idleCause(ctx context.Context, err error) error {
	var idle *idleError
	if err != nil && errors.As(context.Cause(ctx), &idle) {
		return idle
	}
	return err
}
