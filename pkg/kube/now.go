package kube

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"time"
)

// Now returns the time of the API server's clock, to the second. Compare times
// that the cluster wrote with this one, because the local clock may differ.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := *c.base
	u.Path = path.Join(u.Path, "/version")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read the API's time: %w", err)
	}
	return now, nil
}
