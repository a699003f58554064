package runtimecfg

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"

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

	state  *Debounce
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
	if h.state == nil {
		// Three good answers: haproxy believes in its servers until the first checks fail.
		h.state = &Debounce{Rise: 3, Fall: 2}
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

// table is this program's own, so that nobody else's rules are touched.
const redirectTable = "okd_api_vip"

// Rules switches the redirection by the nft program.
type Rules struct {
	NFT  string // path of nft
	VIP  string
	From int // port of the API
	To   int // port of the balancer
}

// script replaces the table in one transaction. Packets of this machine pass output,
// and leave through lo exactly when it holds the address.
func (r Rules) script() string {
	return fmt.Sprintf(`add table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
	chain prerouting {
		type nat hook prerouting priority -110; policy accept;
		ip daddr %[2]s tcp dport %[3]d redirect to :%[4]d
	}
	chain output {
		type nat hook output priority -110; policy accept;
		oifname "lo" ip daddr %[2]s tcp dport %[3]d redirect to :%[4]d
	}
}
`, redirectTable, r.VIP, r.From, r.To)
}

// On sends connections for the API address to the balancer.
func (r Rules) On(ctx context.Context) error { return r.run(ctx, r.script()) }

// Off lets them reach the local API server again.
func (r Rules) Off(ctx context.Context) error {
	return r.run(ctx, fmt.Sprintf("add table ip %[1]s\ndelete table ip %[1]s\n", redirectTable))
}

func (r Rules) run(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, r.NFT, "-f", "-")
	cmd.Stdin = bytes.NewBufferString(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set redirection of %s: %w: %s", r.VIP, err, bytes.TrimSpace(out))
	}
	return nil
}
