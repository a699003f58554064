package redfish

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Limits of requests. BMCs are slow, and fail for a while when they are busy.
const (
	maxBody        = 8 << 20
	readTries      = 10 // of what changes nothing
	readPause      = 3 * time.Second
	writeTries     = 6 // of what a busy BMC has refused
	writePause     = 5 * time.Second
	maxPause       = time.Minute
	dialLimit      = 10 * time.Second
	readLimit      = 30 * time.Second
	idleLimit      = 15 * time.Second
	handshakeLimit = 20 * time.Second
	writeLimit     = 3 * time.Minute // some fetch the image before they answer
)

var (
	errTooLong   = fmt.Errorf("the answer has more than %d bytes", maxBody)
	errElsewhere = errors.New("the answer refers to another server")
)

// conn sends the requests to one BMC, one at a time: more at once overwhelm some.
type conn struct {
	host     string // whose BMC it is
	endpoint *url.URL
	username string
	password secret.String
	lasting  *http.Client // keeps a connection for what only reads
	single   *http.Client // a connection for each request
	clock    clock.Clock
	log      *slog.Logger
	busy     []string // names of messages: refused now, and accepted later
	hidden   hidden
	turn     chan struct{}

	// These belong to the holder of turn.
	auth    auth
	root    root  // as it was at the last login, empty if it needed one
	alone   bool  // each request has a connection of its own
	refused error // why the login is not sent again
	closed  bool
}

// hidden is what must not be shown.
type hidden struct {
	sync.Mutex
	values   []secret.String
	redactor *secret.Redactor
}

// request is one action of a BMC.
type request struct {
	action string // verb first, for people
	method string
	path   string
	body   any
	etag   string // condition
	// open is for requests without a login, and those that make one.
	open bool
}

// answer is one with a status that means success.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newConn(o Options, busy []string) (*conn, error) {
	endpoint, err := url.Parse(o.Address.Endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("BMC of host %s: %q is no address; use Parse", o.Host, o.Address.Endpoint)
	}
	trust := &tls.Config{
		InsecureSkipVerify: o.InsecureSkipVerify, RootCAs: o.Roots, MinVersion: tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(1), // handshakes are what BMCs take longest for
	}
	c := &conn{
		host: o.Host, endpoint: endpoint, username: o.Username, password: o.Password,
		clock: o.Clock, log: o.Log.With("host", o.Host, "bmc", o.Address.Host()), busy: busy,
		turn: make(chan struct{}, 1),
	}
	c.hideAlso([]secret.String{o.Password})
	c.lasting, c.single = c.client(trust, false), c.client(trust, true)
	return c, nil
}

// client sends requests without compression, with which some BMCs fail.
func (c *conn) client(trust *tls.Config, single bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableCompression: true, DisableKeepAlives: single,
			DialContext:         (&net.Dialer{Timeout: dialLimit}).DialContext,
			TLSHandshakeTimeout: handshakeLimit, MaxResponseHeaderBytes: 1 << 18, IdleConnTimeout: idleLimit,
		},
		CheckRedirect: c.sameServer,
	}
}

// by is the client for a request. What changes something has a connection of its own: a BMC that has just ended a kept
// one would leave unknown whether it was done.
func (c *conn) by(r request) *http.Client {
	if r.method == http.MethodGet && !c.alone {
		return c.lasting
	}
	return c.single
}

// broke notes that a request had no answer. Some BMCs fail with more than one request in a connection.
func (c *conn) broke(r request) {
	if r.method == http.MethodGet && !c.alone {
		c.alone = true
		c.lasting.CloseIdleConnections()
	}
}

// Trust is the system's authorities and those in a file, in PEM; nil if there are none in it.
func Trust(ca []byte) (*x509.CertPool, error) {
	if len(ca) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil { // a system without any
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("no certificate of an authority is in the PEM text that BMCs are to be trusted with")
	}
	return pool, nil
}

// sameServer refuses redirections that would carry the session elsewhere.
func (c *conn) sameServer(to *http.Request, via []*http.Request) error {
	if to.URL.Scheme != c.endpoint.Scheme || to.URL.Host != c.endpoint.Host || len(via) > 3 {
		return errElsewhere
	}
	return nil
}

// target is the URL of a path that may come from a BMC. It is never that of another server.
func (c *conn) target(path string) (string, error) {
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(u.Path, "/") || u.Opaque != "" || u.User != nil {
		return "", fmt.Errorf("%q is no path of a resource", printable(path, false))
	}
	// Some BMCs give URLs with a name of their own: only the path counts.
	return c.endpoint.ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String(), nil
}

// do sends a request until there is an answer that counts. What changes nothing is repeated after any failure that
// may pass, what changes something only if the BMC has refused it or was not reached.
func (c *conn) do(ctx context.Context, r request) (*answer, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, c.stopped(ctx, r.action)
	}
	if c.closed {
		return nil, c.fail(r, &Error{Kind: Unavailable, Detail: "the session has been closed", Advice: "log in again"})
	}
	return c.attempts(ctx, r)
}

func (c *conn) attempts(ctx context.Context, r request) (*answer, error) {
	renewed := false
	for try := 1; ; try++ {
		a, after, err := c.once(ctx, r)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, c.stopped(ctx, r.action)
		}
		if status(err) == http.StatusUnauthorized && !r.open && !renewed {
			renewed = true
			_ = c.logout(ctx) // it has ended already, unless the BMC is confused
			if err := c.login(ctx); err != nil {
				return nil, err
			}
			try--
			continue
		}
		pause, again := c.again(r, err, try)
		if !again {
			return nil, err
		}
		c.log.Debug("request to the BMC failed, trying again", "action", r.action, "try", try, "err", err)
		if err := c.clock.Sleep(ctx, max(pause, after)); err != nil {
			return nil, c.stopped(ctx, r.action)
		}
	}
}

// again reports whether a request is repeated after its failure, and how long to wait before.
func (c *conn) again(r request, err error, try int) (time.Duration, bool) {
	if r.method == http.MethodGet {
		passes := Is(err, Unreachable, Unavailable, Busy)
		return jitter(readPause), passes && try < readTries
	}
	refused := c.isBusy(err) || status(err) == http.StatusServiceUnavailable || status(err) == http.StatusTooManyRequests
	return jitter(time.Duration(try) * writePause), (refused || Is(err, Unreachable)) && try < writeTries
}

// isBusy reports whether the BMC has refused something that it accepts later.
func (c *conn) isBusy(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.ContainsFunc(c.busy, func(id string) bool { return slices.Contains(e.IDs, id) })
}

// jitter adds up to a half, so that many BMCs behind one slow thing are not asked in step.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/2) }

// once sends a request once. It returns also for how long the BMC asks to wait.
func (c *conn) once(ctx context.Context, r request) (*answer, time.Duration, error) {
	limit := writeLimit
	if r.method == http.MethodGet {
		limit = readLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	hr, err := c.build(limited, r)
	if err != nil {
		return nil, 0, c.fail(r, &Error{Kind: Broken, Detail: err.Error(), Err: err})
	}
	resp, err := c.by(r).Do(hr)
	if err != nil {
		c.broke(r)
		return nil, 0, c.fail(r, &Error{Kind: connectionKind(err), Detail: cause(err), Err: secret.WithoutURL(err)})
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLong
	}
	if err != nil {
		c.broke(r)
		return nil, 0, c.fail(r, &Error{Kind: connectionKind(err), Status: resp.StatusCode, Detail: cause(err), Err: err})
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return &answer{resp.StatusCode, resp.Header, body}, 0, nil
	}
	e := &Error{Kind: statusKind(resp.StatusCode), Status: resp.StatusCode}
	e.IDs, e.Detail = words(body)
	return nil, retryAfter(resp.Header), c.fail(r, e)
}

func (c *conn) build(ctx context.Context, r request) (*http.Request, error) {
	to, err := c.target(r.path)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	hr, err := http.NewRequestWithContext(ctx, r.method, to, body)
	if err != nil {
		return nil, err
	}
	hr.Header.Set("Accept", "application/json")
	hr.Header.Set("Accept-Encoding", "identity")
	hr.Header.Set("OData-Version", "4.0")
	if body != nil {
		hr.Header.Set("Content-Type", "application/json")
	}
	if r.etag != "" {
		hr.Header.Set("If-Match", r.etag)
	}
	if !r.open {
		c.auth.add(hr, c.username, c.password)
	}
	return hr, nil
}

// retryAfter is how long the BMC asks to wait, bounded. Dates are not taken: the clocks of BMCs are often wrong.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > int(maxPause/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// fail completes an error with what is known of the BMC, and hides what must not be shown.
func (c *conn) fail(r request, e *Error) *Error {
	e.Host, e.BMC, e.Action = c.host, c.endpoint.Host, r.action
	e.Detail = c.cleaned(e.Detail)
	if e.Advice == "" {
		e.Advice = advise(e.Kind, c.endpoint.Host)
	}
	return e
}

// stopped is why an action ended before it was done.
func (c *conn) stopped(ctx context.Context, action string) error {
	return fmt.Errorf("host %s (BMC %s): %s: %w", c.host, c.endpoint.Host, action, context.Cause(ctx))
}

// hideAlso hides more values in the BMC's words, which quote what they were sent.
func (c *conn) hideAlso(values []secret.String) {
	c.hidden.Lock()
	defer c.hidden.Unlock()
	c.hidden.values = append(c.hidden.values, values...)
	c.hidden.redactor = secret.NewRedactor(c.hidden.values...)
}

func (c *conn) cleaned(text string) string {
	c.hidden.Lock()
	defer c.hidden.Unlock()
	return c.hidden.redactor.Clean(text)
}

// get reads a resource into a value, and returns its ETag.
func (c *conn) get(ctx context.Context, action, path string, into any) (etag string, err error) {
	r := request{action: action, method: http.MethodGet, path: path}
	a, err := c.do(ctx, r)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return "", c.fail(r, &Error{Kind: Broken, Detail: fmt.Sprintf("%s: %v", path, err), Err: err})
	}
	if etag = a.header.Get("ETag"); etag == "" {
		var tagged struct {
			ETag string `json:"@odata.etag"`
		}
		_ = json.Unmarshal(a.body, &tagged) // one of another type is none
		etag = tagged.ETag
	}
	return etag, nil
}

// patch changes a resource, if it is still what was read. BMCs that compare ETags wrongly are given the strong form,
// and then none.
func (c *conn) patch(ctx context.Context, action, path, etag string, body any) (*answer, error) {
	tags := []string{etag}
	if strong, weak := strings.CutPrefix(etag, "W/"); weak {
		tags = append(tags, strong)
	}
	if etag != "" {
		tags = append(tags, "")
	}
	var err error
	for _, tag := range tags {
		var a *answer
		a, err = c.do(ctx, request{action: action, method: http.MethodPatch, path: path, body: body, etag: tag})
		if status(err) != http.StatusPreconditionFailed {
			return a, err
		}
	}
	return nil, err
}

// post does an action.
func (c *conn) post(ctx context.Context, action, path string, body any) (*answer, error) {
	return c.do(ctx, request{action: action, method: http.MethodPost, path: path, body: body})
}
