package updates

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/version"
)

// DefaultURL is OKD's own update service.
const DefaultURL = "https://updates.okd.io/api/updates/graph"

// Service is an update service.
type Service struct {
	URL  string // of the graph; https only
	HTTP *http.Client
	// Timeout limits one request; default 15 s.
	Timeout time.Duration
}

// Check returns what is wrong with the URL, without a request.
func (s Service) Check() error {
	_, err := s.parse()
	return err
}

func (s Service) parse() (*url.URL, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("the URL of the update service is invalid") // err may quote a password
	}
	if u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("update service %s: use https://HOST/PATH; its answer decides what is installed",
			u.Redacted())
	}
	return u, nil
}

// Name is the URL without a password.
func (s Service) Name() string {
	if u, err := url.Parse(s.URL); err == nil {
		return u.Redacted()
	}
	return "with an invalid URL"
}

// Channel returns the releases of a channel, none for an unknown one. An error of the service is an *Answer.
func (s Service) Channel(ctx context.Context, name string) (Graph, error) {
	u, err := s.parse()
	if err != nil {
		return Graph{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 15*time.Second))
	defer cancel()
	query := u.Query()
	query.Set("channel", name)
	query.Set("arch", version.Architecture)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Graph{}, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return Graph{}, short(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Graph{}, short(ctx, fmt.Errorf("read the answer: %w", err))
	}
	if resp.StatusCode != http.StatusOK {
		return Graph{}, &Answer{Status: resp.StatusCode, Says: reasonOf(raw)}
	}
	return Parse(raw)
}

// Answer is an error that the service answered.
type Answer struct {
	Status int
	Says   string // the service's reason, shortened
}

func (a *Answer) Error() string {
	text := fmt.Sprintf("it answers %d %s", a.Status, http.StatusText(a.Status))
	if a.Says != "" {
		text += ": " + a.Says
	}
	return text
}

// reasonOf returns the reason in an error answer as one short line of printable text.
func reasonOf(raw []byte) string {
	var reason struct{ Value string }
	text := string(raw[:min(len(raw), 4096)])
	if json.Unmarshal(raw, &reason) == nil && reason.Value != "" {
		text = reason.Value
	} else if strings.Contains(text, "<") { // HTML
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), 200)]
}

// short drops the URL, which the caller names, and names a timeout.
func short(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return secret.WithoutURL(err)
}
