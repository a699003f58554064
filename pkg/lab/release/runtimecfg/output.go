package runtimecfg

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Output is a configuration file made from a template.
type Output struct {
	Template string
	Path     string
}

// Text fills in the template.
func (o Output) Text(c Config) ([]byte, error) {
	raw, err := os.ReadFile(o.Template)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return program.Fill(filepath.Base(o.Template), raw, c)
}

// Write renders the file if its text changed, and reports whether it did.
func (o Output) Write(c Config) (bool, error) {
	text, err := o.Text(c)
	if err != nil {
		return false, err
	}
	if have, err := os.ReadFile(o.Path); err == nil && bytes.Equal(have, text) {
		return false, nil
	}
	err = os.MkdirAll(filepath.Dir(o.Path), 0o755)
	if err == nil {
		err = atomicfile.Write(o.Path, text, 0o644)
	}
	if err != nil {
		return false, fmt.Errorf("write configuration: %w", err)
	}
	return true, nil
}

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
