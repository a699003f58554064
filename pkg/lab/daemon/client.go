package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/okd-install/okd-install/pkg/lab/site"
)

// Client talks to a lab's daemon.
type Client struct{ http *http.Client }

// Dial prepares a client for the control socket of a lab.
func Dial(s site.Site) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", s.File(site.SocketFile))
		},
	}}}
}

// Status asks for the machines and the engine's objects.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var st Status
	return st, c.Do(ctx, http.MethodGet, "/status", nil, &st)
}

// Press presses a button of a machine: start, stop, shutdown, kill, reset, unplug
// or plug.
func (c *Client) Press(ctx context.Context, name, action string) error {
	return c.Do(ctx, http.MethodPost, "/machines/"+name+"/"+action, nil, nil)
}

// Do sends a request; in and out are JSON and may be nil. The error is
// site.ErrDown when no daemon answers.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	resp, err := c.http.Do(req)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return site.ErrDown
	}
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		var fail struct{ Error string }
		if json.Unmarshal(b, &fail) != nil || fail.Error == "" {
			fail.Error = fmt.Sprintf("%s: %s", resp.Status, bytes.TrimSpace(b))
		}
		return errors.New(fail.Error)
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the lab's answer: %w", err)
	}
	return nil
}
