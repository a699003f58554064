package runtimecfg

import (
	"context"
	"fmt"
	"log/slog"
	"os"
)

// CoreDNS keeps the Corefile; the server notices a new one by itself.
type CoreDNS struct {
	Facts      Facts
	Nodes      HostSource // nil: render without node names
	ResolvConf string
	Output     Output
	Log        *slog.Logger
}

// Step renders the file if something changed.
func (c *CoreDNS) Step(ctx context.Context) error {
	raw, err := os.ReadFile(c.ResolvConf)
	if err != nil {
		return fmt.Errorf("find name servers: %w", err)
	}
	own := []string{c.Facts.Local.Address, c.Facts.Cluster.APIVIP, c.Facts.Cluster.IngressVIP}
	// For a moment at boot the file may name nobody but this node.
	if up := Upstreams(raw, own...); len(up) > 0 {
		c.Facts.Upstreams = up
	}
	if c.Nodes != nil {
		c.Facts.Hosts = c.Nodes.Hosts(ctx)
	}
	changed, err := c.Output.Write(Compute(c.Facts))
	if changed {
		c.Log.Info("DNS configured", "upstreams", c.Facts.Upstreams, "nodes", len(c.Facts.Hosts))
	}
	return err
}
