package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// silence says that a place did not answer, or stopped in the middle.
type silence struct{ lasted time.Duration }

func (s *silence) Error() string { return fmt.Sprintf("no answer for %s", s.lasted) }

// Is lets callers ask for context.DeadlineExceeded.
func (s *silence) Is(target error) bool { return target == context.DeadlineExceeded }

// listener gives one place its own time: limit until it sends something, and
// again limit from each piece to the next. A slow line is no silence.
type listener struct {
	limit time.Duration
	timer *time.Timer
}

func listen(ctx context.Context, limit time.Duration) (context.Context, *listener, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &listener{limit: limit, timer: time.AfterFunc(limit, func() { cancel(&silence{limit}) })}
	return ctx, l, func() { l.timer.Stop(); cancel(nil) }
}

// hearing is a transport whose answers are listened to.
type hearing struct {
	next http.RoundTripper
	l    *listener
}

func (h hearing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.next.RoundTrip(r)
	if err == nil {
		resp.Body = &heard{resp.Body, h.l}
	}
	return resp, err
}

type heard struct {
	io.ReadCloser
	l *listener
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if n > 0 {
		h.l.timer.Reset(h.l.limit)
	}
	return n, err
}

// orSilence prefers the silence that ended ctx to what it caused.
func orSilence(ctx context.Context, err error) error {
	var s *silence
	if err != nil && errors.As(context.Cause(ctx), &s) {
		return s
	}
	return err
}
