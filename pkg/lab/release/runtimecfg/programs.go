// Package runtimecfg holds the programs that keep the configuration of a node's
// address, balancer and DNS services true to the cluster.
package runtimecfg

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

// Commands are the programs of this package.
func Commands() []program.Command {
	return []program.Command{
		program.Verbs("runtimecfg",
			program.Command{Name: "render", Run: renderOnce},
			program.Command{Name: "supervise", Run: superviseProgram}),
		{Name: "dynkeepalived", Run: runKeepalived},
		{Name: "monitor", Run: runHAProxy},
		{Name: "corednsmonitor", Run: runCoreDNS},
	}
}

func resolvConf(f *pflag.FlagSet) *string {
	return f.String("resolvconf-path", "/etc/resolv.conf", "resolv.conf with the network's name servers")
}

// renderOnce writes a Corefile before there is an API to ask for nodes.
func renderOnce(ctx context.Context, args []string) error {
	f := contract.Flags("runtimecfg render")
	resolv := resolvConf(f)
	n, err := prepare(ctx, f, args)
	if err != nil {
		return err
	}
	m := CoreDNS{Facts: n.facts, ResolvConf: *resolv, Output: n.output, Log: n.log}
	return m.Step(ctx)
}

// runCoreDNS is corednsmonitor.
func runCoreDNS(ctx context.Context, args []string) error {
	f := contract.Flags("corednsmonitor")
	resolv := resolvConf(f)
	n, err := prepare(ctx, f, args)
	if err != nil {
		return err
	}
	l := n.lister(15 * time.Second)
	l.Eager = 5 * time.Second
	m := &CoreDNS{Facts: n.facts, Nodes: l, ResolvConf: *resolv, Output: n.output, Log: n.log}
	n.loop(ctx, 5*time.Second, m.Step)
	return nil
}

// runHAProxy is monitor.
func runHAProxy(ctx context.Context, args []string) error {
	f := contract.Flags("monitor")
	socket := f.String("socket", "/var/lib/haproxy/run/supervise.sock", "socket of the supervisor")
	nft := f.String("nft", "/usr/sbin/nft", "the nft program")
	n, err := prepare(ctx, f, args)
	if err != nil {
		return err
	}
	rules := Rules{NFT: *nft, VIP: n.facts.Cluster.APIVIP, From: PortAPI, To: PortLB}
	m := &HAProxy{
		Facts: n.facts, Nodes: n.lister(10 * time.Second), Probe: NewProbe(time.Second),
		Output: n.output, Redirect: rules, Tell: tell(ctx, *socket), Log: n.log,
	}
	n.loop(ctx, time.Second, m.Step)
	// Without this program nobody would notice that the balancer died.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return rules.Off(clean)
}

// runKeepalived is dynkeepalived.
func runKeepalived(ctx context.Context, args []string) error {
	f := contract.Flags("dynkeepalived")
	bootstrap := f.Bool("is-bootstrap", false, "this is the bootstrap machine")
	socket := f.String("socket", "/var/run/keepalived/keepalived.sock", "socket of the supervisor")
	trackDir := f.String("track-dir", "/var/run/keepalived/track", "results of the checks")
	handoverEvery := f.Duration("bootstrap-check-interval", 300*time.Millisecond,
		"time between looks at the bootstrap's API server")
	n, err := prepare(ctx, f, args)
	if err != nil {
		return err
	}
	n.facts.TrackDir = *trackDir
	if *bootstrap {
		n.facts.Role = "bootstrap"
	}
	probe := NewProbe(time.Second)
	m := &Keepalived{
		Facts: n.facts, Nodes: n.lister(10 * time.Second), Probe: probe,
		Output: n.output, Tell: tell(ctx, *socket), Clock: n.clock, Log: n.log,
	}
	if n.facts.Role != "bootstrap" {
		n.loop(ctx, time.Second, m.Step)
		return nil
	}
	h := Handover{
		Probe: probe, URL: fmt.Sprintf("https://127.0.0.1:%d/readyz", PortAPI), Every: *handoverEvery,
		Threshold: 4, Config: n.output.Path, Tell: m.Tell, Clock: n.clock, Log: n.log,
		Open: func() (int, error) { return Connections(PortAPI) },
	}
	steps, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.loop(steps, time.Second, m.Step)
	}()
	if err := h.Wait(ctx); err != nil {
		return nil // told to end
	}
	stop()
	<-done
	h.Drain(ctx)
	if err := h.Give(ctx); err != nil {
		return err
	}
	// Ending would make the kubelet start the program, and the offer, again.
	<-ctx.Done()
	return nil
}

func tell(ctx context.Context, socket string) func(string) error {
	return func(order string) error { return supervise.Tell(ctx, socket, order) }
}

// superviseProgram runs a program of another package beside its monitor.
func superviseProgram(ctx context.Context, args []string) error {
	f := contract.Flags("runtimecfg supervise")
	socket := f.String("socket", "", "unix socket for orders")
	config := f.String("config", "", "file to wait for")
	signal := f.String("reload-signal", "HUP", "signal for a new configuration: HUP or USR2")
	drop := f.StringSlice("drop-addresses", nil, "take these addresses off this machine before a start")
	argv, err := contract.ParseWithArguments(f, args, "socket", "config")
	if err != nil {
		return err
	}
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR2": syscall.SIGUSR2}
	if signals[*signal] == 0 || len(argv) == 0 {
		return errors.New("parse arguments: want --socket --config [--reload-signal=HUP|USR2] -- PROGRAM ARGS")
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
		Argv: argv, Config: *config, Socket: *socket, Reload: signals[*signal], Log: program.Logger(),
		Before: func() error { return Drop(vips) },
	}
	return p.Run(ctx)
}

// Drop takes the /32 addresses in vips off every interface: a keepalived that was
// killed leaves its address behind.
func Drop(vips []netip.Addr) error {
	addrs, err := list()
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.IP.To4())
		if ones, _ := a.Mask.Size(); ones != 32 || !slices.Contains(vips, addr) {
			continue
		}
		on := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: a.LinkIndex}}
		if err := netlink.AddrDel(on, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("drop address %s: %w", addr, err)
		}
	}
	return nil
}

// list asks again when addresses changed while the kernel listed them.
func list() ([]netlink.Addr, error) {
	for {
		addrs, err := netlink.AddrList(nil, netlink.FAMILY_V4)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return addrs, err
		}
	}
}
