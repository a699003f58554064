package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// resumes is how often in a row a download may break without bringing anything.
const resumes = 5

// resumePause is the first pause before that; it grows.
const resumePause = 200 * time.Millisecond

// resuming asks for the rest of a body whose connection broke. The digest of what is read is
// checked above, so a server that sends something else is found out.
type resuming struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t resuming) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 {
		return resp, err
	}
	resp.Body = &resumingBody{transport: t.next, request: r, body: resp.Body, size: resp.ContentLength}
	return resp, nil
}

type resumingBody struct {
	transport http.RoundTripper
	request   *http.Request
	body      io.ReadCloser
	at, size  int64
	failures  int
}

func (b *resumingBody) Close() error { return b.body.Close() }

func (b *resumingBody) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		if n > 0 {
			b.at += int64(n)
			b.failures = 0
			return n, nil
		}
		if err == nil || b.at >= b.size || b.request.Context().Err() != nil {
			return 0, err
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err := b.again(err); err != nil {
			return 0, err
		}
	}
}

// again opens the rest of the body, or returns why the connection broke.
func (b *resumingBody) again(broke error) error {
	ctx := b.request.Context()
	for {
		if b.failures++; b.failures > resumes {
			return fmt.Errorf("gave up after %d tries: %w", resumes, broke)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(b.failures) * resumePause):
		}
		r := b.request.Clone(ctx)
		r.Header.Set("Range", "bytes="+strconv.FormatInt(b.at, 10)+"-")
		resp, err := b.transport.RoundTrip(r)
		if err != nil {
			broke = err
			continue
		}
		if resp.StatusCode != http.StatusPartialContent {
			_ = resp.Body.Close()
			return fmt.Errorf("%w, and the server cannot resume (%s)", broke, resp.Status)
		}
		_ = b.body.Close()
		b.body = resp.Body
		return nil
	}
}
