// Package runtimecfg holds the programs that configure a node's address,
// balancer and DNS services: runtimecfg, dynkeepalived, monitor and
// corednsmonitor.
package runtimecfg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/monitor"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/node"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
	"github.com/okd-install/okd-install/pkg/wait"
)

// options are common to the programs.
type options struct {
	kubeconfig, template, path string // arguments
	apiVIPs, ingressVIPs       []string
	clusterConfig              string
	name, domain               string
	role                       string
	bootstrap                  bool
	resolvConf                 string
	socket, trackDir           string
	nft                        string
	handoverEvery              time.Duration
}

func parse(program string, args []string) (options, error) {
	var o options
	f := pflag.NewFlagSet(program, pflag.ContinueOnError)
	f.StringSliceVar(&o.apiVIPs, "api-vips", nil, "addresses of the API")
	f.StringSliceVar(&o.ingressVIPs, "ingress-vips", nil, "addresses of the ingress")
	f.StringVar(&o.clusterConfig, "cluster-config", "", "ConfigMap with the install-config, instead of --cluster-name and --cluster-domain")
	f.StringVar(&o.name, "cluster-name", "", "name of the cluster")
	f.StringVar(&o.domain, "cluster-domain", "", "domain of the cluster, with its name")
	f.StringVar(&o.role, "role", "worker", "role of this machine: bootstrap, master, worker")
	switch program {
	case "dynkeepalived":
		f.BoolVar(&o.bootstrap, "is-bootstrap", false, "this is the bootstrap machine")
		f.StringVar(&o.socket, "socket", "/var/run/keepalived/keepalived.sock", "socket of the supervisor")
		f.StringVar(&o.trackDir, "track-dir", "/var/run/keepalived/track", "results of the checks")
		f.DurationVar(&o.handoverEvery, "bootstrap-check-interval", 300*time.Millisecond, "time between looks at the bootstrap's API server")
	case "monitor":
		f.StringVar(&o.socket, "socket", "/var/lib/haproxy/run/supervise.sock", "socket of the supervisor")
		f.StringVar(&o.nft, "nft", "/usr/sbin/nft", "the nft program")
	default:
		f.StringVar(&o.resolvConf, "resolvconf-path", "/etc/resolv.conf", "resolv.conf with the network's name servers")
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() != 3 {
		return o, fmt.Errorf("parse arguments: want %s KUBECONFIG TEMPLATE FILE", program)
	}
	o.kubeconfig, o.template, o.path = f.Arg(0), f.Arg(1), f.Arg(2)
	if len(o.apiVIPs) == 0 || len(o.ingressVIPs) == 0 {
		return o, errors.New("parse arguments: --api-vips and --ingress-vips must be given")
	}
	if o.bootstrap {
		o.role = "bootstrap"
	}
	return o, nil
}

// facts finds out about cluster and machine. At boot the address may come
// later than the pod.
func (o options) facts(ctx context.Context, clk clock.Clock) (node.Facts, error) {
	name, domain := o.name, o.domain
	if o.clusterConfig != "" {
		var err error
		if name, domain, err = node.FromInstallConfig(o.clusterConfig); err != nil {
			return node.Facts{}, err
		}
	}
	cluster, err := node.NewCluster(name, domain, o.apiVIPs[0], o.ingressVIPs[0])
	if err != nil {
		return node.Facts{}, err
	}
	f := node.Facts{Cluster: cluster, Role: o.role, TrackDir: o.trackDir}
	err = wait.Until(ctx, clk, 500*time.Millisecond, func(context.Context) (bool, string, error) {
		nets, err := node.Nets()
		if err != nil {
			return false, "", err
		}
		f.Local, err = node.FindLocal(cluster.APIVIP, nets)
		if err != nil {
			return false, err.Error(), nil
		}
		return true, "", nil
	})
	return f, err
}

// lister asks the local API server first where there is one, then the VIP.
func (o options) lister(f node.Facts, every time.Duration, clk clock.Clock, log *slog.Logger) *monitor.Lister {
	l := &monitor.Lister{
		Kubeconfig: o.kubeconfig, Every: every, Eager: 2 * time.Second, Enough: 3, Clock: clk, Log: log,
	}
	port := strconv.Itoa(node.PortAPI)
	vip := net.JoinHostPort(f.Cluster.APIVIP, port)
	switch f.Role {
	case "bootstrap":
		// Its kubeconfig names localhost.
		l.Every = l.Eager
	case "master":
		l.Addresses = []string{net.JoinHostPort("127.0.0.1", port), vip}
	default:
		l.Addresses = []string{vip}
	}
	return l
}

// loop calls step until ctx ends. A failed step is logged once per cause and
// tried again.
func loop(ctx context.Context, clk clock.Clock, log *slog.Logger, every time.Duration, step func(context.Context) error) error {
	last := ""
	for {
		switch err := step(ctx); {
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			log.Error("step failed", "error", err)
		}
		if err := clk.Sleep(ctx, every); err != nil {
			return nil
		}
	}
}

func tell(ctx context.Context, socket string) func(string) error {
	return func(order string) error { return supervise.Tell(ctx, socket, order) }
}

func logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// output makes the directory of the file too.
func (o options) output() (monitor.Output, error) {
	if err := os.MkdirAll(filepath.Dir(o.path), 0o755); err != nil {
		return monitor.Output{}, err
	}
	return monitor.Output{Template: o.template, Path: o.path}, nil
}
