package ovirt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	ovirtsdk "github.com/ovirt/go-ovirt"
	ovirtclientlog "github.com/ovirt/go-ovirt-client-log/v3"
	ovirtclient "github.com/ovirt/go-ovirt-client/v3"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/wait"
)

// Options tune a client. The zero value is good for real engines.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Poll is the interval of every wait. Default 2 s.
	Poll time.Duration
	// CallLimit bounds one request. The SDK itself has no time limits. Default 2 min.
	CallLimit time.Duration
	// Grace is how long a change that is under way is waited for when the
	// context ends: the engine would finish it anyway, and knowing that it did
	// keeps what follows (a destroy, say) from missing it. Default 10 s.
	Grace time.Duration
	// Tries is how often a request that may be repeated is sent. Default 6.
	Tries int
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll <= 0 {
		o.Poll = 2 * time.Second
	}
	if o.CallLimit <= 0 {
		o.CallLimit = 2 * time.Minute
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	if o.Tries <= 0 {
		o.Tries = 6
	}
	return o
}

// Client is a login at one engine. It is safe for concurrent use.
type Client struct {
	cfg Config
	opt Options
	tls *tls.Config
	// sessions of TLS outlive logins.
	sessions tls.ClientSessionCache

	mu      sync.Mutex
	session *session
}

// session is one login. Sessions are replaced, never changed: the library's own
// way of logging in again overwrites a connection that others are using.
type session struct {
	lib ovirtclient.ClientWithLegacySupport
	api *ovirtsdk.SystemService
}

// Dial logs in and checks that an oVirt engine answers.
func Dial(ctx context.Context, cfg Config, opt Options) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("log in to the engine: %w", err)
	}
	provider, err := tlsProvider(cfg)
	if err != nil {
		return nil, fmt.Errorf("log in to the engine: %w", err)
	}
	tlsConfig, err := provider.CreateTLSConfig()
	if err != nil {
		return nil, fmt.Errorf("log in to the engine: read CA certificates: %w", err)
	}
	c := &Client{cfg: cfg, opt: opt.withDefaults(), tls: tlsConfig, sessions: tls.NewLRUClientSessionCache(0)}
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	if _, err := c.login(ctx, nil); err != nil {
		return nil, err
	}
	return c, nil
}

// URL returns the engine's API address.
func (c *Client) URL() string { return c.cfg.URL }

func tlsProvider(cfg Config) (ovirtclient.TLSProvider, error) {
	provider := ovirtclient.TLS()
	if cfg.Insecure {
		return provider.Insecure(), nil
	}
	pem, err := cfg.CA()
	if err != nil {
		return nil, err
	}
	if len(pem) == 0 {
		return provider.CACertsFromSystem(), nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return nil, errors.New("read CA certificates: ovirt_ca_bundle or ovirt_cafile holds no PEM certificate")
	}
	return provider.CACertsFromMemory(pem), nil
}

// login replaces the session old, unless another request has done so already.
func (c *Client) login(ctx context.Context, old *session) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != old {
		return c.session, nil
	}
	const op = "log in to the engine"
	fresh, err := attempt(ctx, c, op, true, c.open)
	if err != nil {
		return nil, err
	}
	c.opt.Log.Debug("logged in to the engine", "url", secret.URL(c.cfg.URL), "user", c.cfg.Username, "again", old != nil)
	c.session = fresh
	return fresh, nil
}

func (c *Client) open() (*session, error) {
	provider, err := tlsProvider(c.cfg)
	if err != nil {
		return nil, err
	}
	lib, err := ovirtclient.NewWithVerify(c.cfg.URL, c.cfg.Username, c.cfg.Password.Reveal(), resuming{provider, c.sessions}, logger{c.opt.Log}, nil, nil)
	if err != nil {
		return nil, err
	}
	s := &session{lib: lib, api: lib.GetSDKClient().SystemService()}
	resp, err := s.api.Get().Send()
	if err != nil {
		return nil, err
	}
	api, ok := resp.Api()
	if !ok {
		return nil, &Error{Op: "log in to the engine", Kind: NotEngine, Advice: advice(NotEngine)}
	}
	if _, ok := api.ProductInfo(); !ok {
		return nil, &Error{Op: "log in to the engine", Kind: NotEngine, Advice: advice(NotEngine)}
	}
	return s, nil
}

func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// ask sends a request that changes nothing, or that may be repeated because
// doing it twice is the same as doing it once. Every attempt has a result of its
// own: one that was given up and ends late has nowhere to write to.
func ask[T any](ctx context.Context, c *Client, op string, fn func(*session) (T, error)) (T, error) {
	return do(ctx, c, op, true, fn)
}

// send sends a request that must not be repeated blindly. An error of kind
// Unavailable leaves open whether it was done, or will be.
func send[T any](ctx context.Context, c *Client, op string, fn func(*session) (T, error)) (T, error) {
	return do(ctx, c, op, false, fn)
}

// read is ask for a request whose answer holds nothing.
func (c *Client) read(ctx context.Context, op string, fn func(*session) error) error {
	_, err := ask(ctx, c, op, plain(fn))
	return err
}

// write is send for a request whose answer holds nothing.
func (c *Client) write(ctx context.Context, op string, fn func(*session) error) error {
	_, err := send(ctx, c, op, plain(fn))
	return err
}

func plain(fn func(*session) error) func(*session) (struct{}, error) {
	return func(s *session) (struct{}, error) { return struct{}{}, fn(s) }
}

func do[T any](ctx context.Context, c *Client, op string, repeatable bool, fn func(*session) (T, error)) (T, error) {
	s := c.current()
	out, err := attempt(ctx, c, op, repeatable, func() (T, error) { return fn(s) })
	if !Is(err, Expired) {
		return out, err
	}
	// The engine ends idle sessions after 30 minutes, which is shorter than a
	// bootstrap. It refused the request, so any request may be sent again.
	fresh, err := c.login(ctx, s)
	if err != nil {
		return out, fmt.Errorf("%s: %w", op, err)
	}
	return attempt(ctx, c, op, repeatable, func() (T, error) { return fn(fresh) })
}

// attempt sends a request, again and again if need be: always when the engine
// could not be reached, and when it failed if the request is repeatable.
func attempt[T any](ctx context.Context, c *Client, op string, repeatable bool, fn func() (T, error)) (T, error) {
	pause := c.opt.Poll / 2
	for try := 1; ; try++ {
		out, err := bounded(ctx, c, !repeatable, fn)
		if stop := (*interrupted)(nil); errors.As(err, &stop) {
			return out, fmt.Errorf("%s: %w", op, stop.cause)
		}
		err = classify(op, err)
		again := Is(err, Unreachable) || repeatable && Is(err, Unavailable)
		if !again || try >= c.opt.Tries {
			return out, err
		}
		c.opt.Log.Debug("request failed, trying again", "op", op, "try", try, "err", err)
		if c.opt.Clock.Sleep(ctx, pause) != nil {
			return out, err
		}
		pause = min(2*pause, 5*c.opt.Poll)
	}
}

// outcome is how one attempt ended.
type outcome[T any] struct {
	value T
	err   error
}

// bounded runs one request of a library that knows no contexts and no time
// limits, and that panics on some answers. A request that hangs is left behind,
// and with it whatever it returns in the end.
func bounded[T any](ctx context.Context, c *Client, changes bool, fn func() (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, &interrupted{context.Cause(ctx)}
	}
	done := make(chan outcome[T], 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- outcome[T]{err: fmt.Errorf("the oVirt SDK cannot read the answer: %v", p)}
			}
		}()
		value, err := fn()
		done <- outcome[T]{value, err}
	}()
	limit := time.NewTimer(c.opt.CallLimit)
	defer limit.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-limit.C:
		return none, timeoutError{c.opt.CallLimit}
	case <-ctx.Done():
	}
	if changes {
		grace := time.NewTimer(c.opt.Grace)
		defer grace.Stop()
		select {
		case o := <-done:
			return o.value, o.err
		case <-grace.C:
		}
	}
	return none, &interrupted{context.Cause(ctx)}
}

// interrupted is the end of the context, whatever its cause looks like.
type interrupted struct{ cause error }

func (i *interrupted) Error() string { return i.cause.Error() }

type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }
func (e timeoutError) Timeout() bool { return true }

// wait polls at a constant interval, for at most limit.
func (c *Client) wait(ctx context.Context, limit time.Duration, what string, check wait.Check) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := wait.Until(ctx, c.opt.Clock, c.opt.Poll, check); err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// once keeps the library from repeating requests and from waiting: a conflict
// that never clears would cost it 511 seconds.
func once() []ovirtclient.RetryStrategy {
	return []ovirtclient.RetryStrategy{ovirtclient.MaxTries(0), ovirtclient.ExponentialBackoff(1), ovirtclient.AutoRetry()}
}

// logger hands the library's messages to slog, all of them at debug level: what
// matters comes back as errors.
type logger struct{ log *slog.Logger }

func (l logger) WithContext(context.Context) ovirtclientlog.Logger { return l }
func (l logger) Debugf(f string, a ...any)                         { l.log.Debug(fmt.Sprintf(f, a...)) }
func (l logger) Infof(f string, a ...any)                          { l.log.Debug(fmt.Sprintf(f, a...)) }
func (l logger) Warningf(f string, a ...any)                       { l.log.Debug(fmt.Sprintf(f, a...)) }
func (l logger) Errorf(f string, a ...any)                         { l.log.Debug(fmt.Sprintf(f, a...)) }
