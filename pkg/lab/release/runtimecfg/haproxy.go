package runtimecfg

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os/exec"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

// Redirect switches the redirection of the API address to the balancer.
type Redirect interface {
	On(ctx context.Context) error
	Off(ctx context.Context) error
}

// HAProxy keeps haproxy.cfg, and the redirection while the balancer works.
type HAProxy struct {
	Facts    Facts
	Nodes    HostSource
	Probe    Prober
	Output   Output
	Redirect Redirect
	Tell     func(order string) error
	Log      *slog.Logger

	state  Debounce
	on     bool
	known  bool // the rule is as on says
	retell bool
}

// Step checks once and changes what is not right.
func (h *HAProxy) Step(ctx context.Context) error {
	h.Facts.Hosts = h.Nodes.Hosts(ctx)
	c := Compute(h.Facts)
	if len(c.LB.Backends) > 0 {
		changed, err := h.Output.Write(c)
		if err != nil {
			return err
		}
		if changed {
			h.Log.Info("haproxy configured", "backends", c.LB.Backends)
		}
		if changed || h.retell {
			h.retell = h.Tell(supervise.Reload) != nil
		}
	}
	want := h.state.Add(h.Probe.OK(ctx, fmt.Sprintf("http://127.0.0.1:%d/haproxy_ready", PortHealth)))
	if h.known && want == h.on {
		return nil
	}
	set := h.Redirect.Off
	if want {
		set = h.Redirect.On
	}
	if err := set(ctx); err != nil {
		return err
	}
	h.on, h.known = want, true
	h.Log.Info("API address redirected", "toBalancer", want)
	return nil
}

//go:embed redirect.nft.tmpl
var redirection []byte

// Rules switches the redirection by the nft program, in a table of its own.
type Rules struct {
	NFT  string // path of nft
	VIP  string
	From int // port of the API
	To   int // port of the balancer
}

// On sends connections for the API address to the balancer.
func (r Rules) On(ctx context.Context) error {
	script, err := program.Fill("redirection", redirection, r)
	if err != nil {
		return err
	}
	return r.run(ctx, script)
}

// Off lets them reach the local API server again.
func (r Rules) Off(ctx context.Context) error {
	return r.run(ctx, []byte("add table ip okd_api_vip\ndelete table ip okd_api_vip\n"))
}

func (r Rules) run(ctx context.Context, script []byte) error {
	cmd := exec.CommandContext(ctx, r.NFT, "-f", "-")
	cmd.Stdin = bytes.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set redirection of %s: %w: %s", r.VIP, err, bytes.TrimSpace(out))
	}
	return nil
}
