package ovirt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	ovirtclient "github.com/ovirt/go-ovirt-client/v3"
)

const (
	// reachTries and reachLimit let an engine that nobody can reach be told of
	// in about four seconds, and one that is just restarting be found.
	reachTries = 4
	reachLimit = 3 * time.Second // of one connection
)

// reach sees whether anything listens where the engine should be, before the
// library, which has no time limit for that, tries to log in.
func (c *Client) reach(ctx context.Context) error {
	u, err := url.Parse(c.cfg.URL)
	if err != nil {
		return nil // the login says what is wrong with it
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err != nil || proxy != nil {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	pause := c.opt.Poll / 2
	dialer := net.Dialer{Timeout: reachLimit}
	for try := 1; ; try++ {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		// Silence has cost its time already.
		if try >= min(reachTries, c.opt.Tries) || isTimeout(err) || c.opt.Clock.Sleep(ctx, pause) != nil {
			return classify("log in to the engine", err)
		}
		pause *= 2
	}
}

// resuming makes TLS sessions be resumed: the SDK opens a connection for every
// request, but the costly part of a handshake need not be repeated.
type resuming struct {
	ovirtclient.TLSProvider
	sessions tls.ClientSessionCache
}

// CreateTLSConfig implements the library's interface.
func (r resuming) CreateTLSConfig() (*tls.Config, error) {
	cfg, err := r.TLSProvider.CreateTLSConfig()
	if err == nil {
		cfg.ClientSessionCache = r.sessions
	}
	return cfg, err
}

// Ports of imageio.
const (
	HostImagePort  = "54322" // the daemon on a hypervisor
	ProxyImagePort = "54323" // the proxy on the engine
)

// ProbeImage checks that imageio answers there, and that the engine's CA vouches.
func (c *Client) ProbeImage(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: c.tls.Clone()}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return unanswered("reach imageio at "+address, err, Unreachable)
	}
	return conn.Close()
}

// EngineHost returns the engine's host name.
func (c *Client) EngineHost() string { return host(c.cfg.URL) }

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Sprintf("%.20s", raw)
	}
	return u.Hostname()
}
