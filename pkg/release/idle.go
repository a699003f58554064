package release

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// idleError is the error of a registry that sends nothing for too long. A slow download may take any time.
type idleError struct{ limit time.Duration }

func (e *idleError) Error() string { return fmt.Sprintf("no answer for %s", e.limit) }

// Is makes the error a context.DeadlineExceeded.
func (e *idleError) Is(target error) bool { return target == e || target == context.DeadlineExceeded }

// idleTransport calls more whenever some of a body has been read.
type idleTransport struct {
	next http.RoundTripper
	more func()
}

func (t idleTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = idleBody{resp.Body, t.more}
	}
	return resp, err
}

type idleBody struct {
	io.ReadCloser
	more func()
}

func (b idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.more()
	}
	return n, err
}
