package runtimecfg

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"time"
)

// Probe keeps its connection: a check must not cost a TLS handshake.
type Probe struct{ client *http.Client }

// NewProbe makes a probe whose questions wait for at most timeout.
func NewProbe(timeout time.Duration) *Probe {
	return &Probe{client: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			// It talks to this machine only, and only to ask.
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
			MaxIdleConnsPerHost: 1,
			IdleConnTimeout:     30 * time.Second,
		},
	}}
}

// OK reports whether url answers with 200.
func (p *Probe) OK(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode == http.StatusOK
}

// Debounce makes a state of answers: up after three good ones in a row, because
// haproxy believes in its servers until the first checks fail; down after two bad.
type Debounce struct {
	Up  bool // the state, at first and now
	run int  // answers in a row against the present state
}

// Add takes an answer and returns the state.
func (d *Debounce) Add(ok bool) bool {
	if ok == d.Up {
		d.run = 0
		return d.Up
	}
	d.run++
	if (ok && d.run >= 3) || (!ok && d.run >= 2) {
		d.Up, d.run = ok, 0
	}
	return d.Up
}
