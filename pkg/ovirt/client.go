package ovirt

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	sdk "github.com/ovirt/go-ovirt"
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
	// Grace is how long a change under way is waited for when the context ends: what
	// follows, such as a destroy, must not miss what it makes. Default 10 s.
	Grace time.Duration
	// Tries is how often a request that may be repeated is sent. Default 6.
	Tries int
}

func (o Options) withDefaults() Options {
	o.Clock = cmp.Or(o.Clock, clock.Real())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Poll = cmp.Or(o.Poll, 2*time.Second)
	o.CallLimit = cmp.Or(o.CallLimit, 2*time.Minute)
	o.Grace = cmp.Or(o.Grace, 10*time.Second)
	o.Tries = cmp.Or(o.Tries, 6)
	return o
}

// Client is a login at one engine. It is safe for concurrent use.
type Client struct {
	cfg Config
	opt Options
	tls *tls.Config
	ca  ovirtclient.TLSProvider // its sessions of TLS outlive logins

	mu      sync.Mutex
	session *engine
}

// engine is one login, where the SDK's requests begin. Logins are replaced, never
// changed: the library would overwrite a connection that others are using.
type engine = sdk.SystemService

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
	c := &Client{cfg: cfg, opt: opt.withDefaults(), tls: tlsConfig,
		ca: resuming{provider, tls.NewLRUClientSessionCache(0)}}
	if err := c.reach(ctx); err != nil {
		return nil, err
	}
	if _, err := c.login(ctx, nil); err != nil {
		return nil, err
	}
	return c, nil
}

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
func (c *Client) login(ctx context.Context, old *engine) (*engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != old {
		return c.session, nil
	}
	t := c.tries("log in to the engine", repeatable)
	for {
		var fresh *engine
		err := context.Cause(ctx)
		if err == nil {
			done := make(chan outcome[*engine], 1)
			go send(opening{c}, done)
			fresh, err = await(ctx, c, done, repeatable)
		}
		if err = t.classify(ctx, err); err == nil {
			c.opt.Log.Debug("logged in to the engine",
				"url", secret.URL(c.cfg.URL), "user", c.cfg.Username, "again", old != nil)
			c.session = fresh
			return fresh, nil
		}
		if !t.again(ctx, err) {
			return nil, err
		}
	}
}

// opening is a login, as a request.
type opening struct{ c *Client }

// Send logs in.
func (o opening) Send() (*engine, error) {
	cfg := o.c.cfg
	lib, err := ovirtclient.NewWithVerify(cfg.URL, cfg.Username, cfg.Password.Reveal(), o.c.ca,
		ovirtclientlog.NewNOOPLogger(), nil, nil) // what matters comes back as an error
	if err != nil {
		return nil, err
	}
	s := lib.GetSDKClient().SystemService()
	resp, err := s.Get().Send()
	if err != nil {
		return nil, err
	}
	if _, ok := part(resp.Api()).ProductInfo(); !ok {
		return nil, &Error{Op: "log in to the engine", Kind: NotEngine, Advice: advice(NotEngine)}
	}
	return s, nil
}

func (c *Client) current() *engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// until reads something by its ID, for at most limit, until it is as it should be.
// Failures that may pass do not end it.
func until[V any](
	ctx context.Context, c *Client, limit time.Duration, what string, read func(context.Context, string) (V, error),
	id string, check func(V) (done bool, why string, err error),
) (V, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last V
	err := wait.Until(ctx, c.opt.Clock, c.opt.Poll, func(ctx context.Context) (bool, string, error) {
		now, err := read(ctx, id)
		if err != nil {
			return false, err.Error(), permanent(err)
		}
		last = now
		return check(now)
	})
	if err != nil {
		return last, fmt.Errorf("wait for %s: %w", what, err)
	}
	return last, nil
}

// permanent drops failures that may pass.
func permanent(err error) error {
	if Is(err, Unavailable, Unreachable, Locked) {
		return nil
	}
	return err
}
