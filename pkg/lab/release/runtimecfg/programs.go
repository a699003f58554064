package runtimecfg

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/address"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/health"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/monitor"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/nat"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/node"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

// Main is `runtimecfg render` and `runtimecfg supervise`.
func Main(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "render":
			return renderOnce(ctx, args[1:])
		case "supervise":
			return superviseProgram(ctx, args[1:])
		}
	}
	return errors.New("parse arguments: want runtimecfg render|supervise")
}

// renderOnce writes a Corefile before there is an API to ask for nodes.
func renderOnce(ctx context.Context, args []string) error {
	o, err := parse("render", args)
	if err != nil {
		return err
	}
	facts, err := o.facts(ctx, clock.Real())
	if err != nil {
		return err
	}
	out, err := o.output()
	if err != nil {
		return err
	}
	m := monitor.CoreDNS{Facts: facts, ResolvConf: o.resolvConf, Output: out, Log: logger()}
	return m.Step(ctx)
}

// CoreDNS is corednsmonitor.
func CoreDNS(ctx context.Context, args []string) error {
	o, err := parse("corednsmonitor", args)
	if err != nil {
		return err
	}
	clk, log := clock.Real(), logger()
	facts, err := o.facts(ctx, clk)
	if err != nil {
		return err
	}
	out, err := o.output()
	if err != nil {
		return err
	}
	l := o.lister(facts, 15*time.Second, clk, log)
	l.Eager = 5 * time.Second
	m := &monitor.CoreDNS{Facts: facts, Nodes: l, ResolvConf: o.resolvConf, Output: out, Log: log}
	return loop(ctx, clk, log, 5*time.Second, m.Step)
}

// HAProxy is monitor.
func HAProxy(ctx context.Context, args []string) error {
	o, err := parse("monitor", args)
	if err != nil {
		return err
	}
	clk, log := clock.Real(), logger()
	facts, err := o.facts(ctx, clk)
	if err != nil {
		return err
	}
	out, err := o.output()
	if err != nil {
		return err
	}
	rules := nat.Rules{NFT: o.nft, VIP: facts.Cluster.APIVIP, From: node.PortAPI, To: node.PortLB}
	m := &monitor.HAProxy{
		Facts: facts, Nodes: o.lister(facts, 10*time.Second, clk, log), Probe: health.NewProbe(time.Second),
		Output: out, Redirect: rules, Tell: tell(ctx, o.socket), Log: log,
	}
	err = loop(ctx, clk, log, time.Second, m.Step)
	// Without this program nobody would notice that the balancer died.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return errors.Join(err, rules.Off(clean))
}

// Keepalived is dynkeepalived.
func Keepalived(ctx context.Context, args []string) error {
	o, err := parse("dynkeepalived", args)
	if err != nil {
		return err
	}
	clk, log := clock.Real(), logger()
	facts, err := o.facts(ctx, clk)
	if err != nil {
		return err
	}
	out, err := o.output()
	if err != nil {
		return err
	}
	probe := health.NewProbe(time.Second)
	m := &monitor.Keepalived{
		Facts: facts, Nodes: o.lister(facts, 10*time.Second, clk, log), Probe: probe,
		Output: out, Tell: tell(ctx, o.socket), Clock: clk, Log: log,
	}
	if facts.Role != "bootstrap" {
		return loop(ctx, clk, log, time.Second, m.Step)
	}
	h := monitor.Handover{
		Probe: probe, URL: fmt.Sprintf("https://127.0.0.1:%d/readyz", node.PortAPI),
		Every: o.handoverEvery, Threshold: 4, Config: o.path, Tell: m.Tell, Clock: clk, Log: log,
	}
	steps, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- loop(steps, clk, log, time.Second, m.Step) }()
	if err := h.Wait(ctx); err != nil {
		return nil // told to end
	}
	stop()
	if err := <-done; err != nil {
		return err
	}
	if err := h.Give(ctx); err != nil {
		return err
	}
	// Ending would make the kubelet start the program, and the offer, again.
	<-ctx.Done()
	return nil
}

// superviseProgram runs a program of another package beside its monitor.
func superviseProgram(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("runtimecfg supervise", pflag.ContinueOnError)
	socket := f.String("socket", "", "unix socket for orders")
	config := f.String("config", "", "file to wait for")
	signal := f.String("reload-signal", "HUP", "signal for a new configuration: HUP or USR2")
	drop := f.StringSlice("drop-addresses", nil, "take these addresses off this machine before a start")
	if err := f.Parse(args); err != nil {
		return err
	}
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR2": syscall.SIGUSR2}
	if *socket == "" || *config == "" || signals[*signal] == 0 || f.NArg() == 0 {
		return errors.New("parse arguments: want supervise --socket=S --config=C [--reload-signal=HUP|USR2] -- PROGRAM ARGS")
	}
	var vips []netip.Addr
	for _, d := range *drop {
		a, err := netip.ParseAddr(d)
		if err != nil {
			return fmt.Errorf("parse arguments: --drop-addresses: %w", err)
		}
		vips = append(vips, a)
	}
	p := supervise.Program{
		Argv: f.Args(), Config: *config, Socket: *socket, Reload: signals[*signal], Log: logger(),
		Before: func() error { return address.Drop(vips) },
	}
	return p.Run(ctx)
}
