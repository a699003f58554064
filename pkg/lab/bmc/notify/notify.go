// Package notify delivers the events of a management controller.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
)

// limit is how long one attempt may take.
const limit = 10 * time.Second

// maxHeaders is how many headers of their own subscribers can have.
const maxHeaders = 8

// Headers reads which headers a subscriber wants to be sent: an object, or a list of
// objects.
func Headers(raw json.RawMessage) (http.Header, error) {
	header := http.Header{}
	if raw == nil || string(raw) == "null" {
		return header, nil
	}
	list := []map[string]string{{}}
	if json.Unmarshal(raw, &list[0]) != nil && json.Unmarshal(raw, &list) != nil {
		return nil, vendor.Wrong(vendor.WrongType, "HttpHeaders")
	}
	for _, values := range list {
		for name, value := range values {
			if len(header) >= maxHeaders || strings.ContainsAny(name+value, "\r\n") {
				return nil, vendor.Wrong(vendor.NotInList, "HttpHeaders", name)
			}
			header.Set(name, value)
		}
	}
	return header, nil
}

// Target is who wants to know.
type Target struct {
	URL      string
	Header   http.Header
	Attempts int           // for each event
	Interval time.Duration // between them
	HTTP     *http.Client
	Clock    clock.Clock
}

// Deliver sends what is in the queue until ctx ends, or one event could not be delivered.
func (t Target) Deliver(ctx context.Context, queue <-chan map[string]any) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-queue:
			if err := t.send(ctx, event); err != nil {
				return err
			}
		}
	}
}

func (t Target) send(ctx context.Context, event map[string]any) error {
	text, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	var errs []error
	for range max(1, t.Attempts) {
		if err = t.post(ctx, text); err == nil {
			return nil
		}
		errs = append(errs, err)
		if err := t.Clock.Sleep(ctx, t.Interval); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func (t Target) post(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header = t.Header.Clone()
	req.Header.Set("Content-Type", "application/json")
	resp, err := t.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("POST %s: the server answers %s", t.URL, resp.Status)
	}
	return nil
}
