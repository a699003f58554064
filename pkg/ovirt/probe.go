package ovirt

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"
)

// Ports of imageio.
const (
	HostImagePort  = "54322" // the daemon on a hypervisor
	ProxyImagePort = "54323" // the proxy on the engine
)

// ProbeImage checks by TCP and TLS that imageio answers at an address and that
// the engine's CA vouches for it.
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
