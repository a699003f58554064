package runtimecfg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/wait"
)

// thisMachine is what every program knows about the machine that it runs on.
type thisMachine struct {
	facts      Facts
	kubeconfig string
	output     Output // the configuration file that the program keeps

	clock clock.Clock
	log   *slog.Logger
}

// prepare reads the arguments and finds out about cluster and machine. At boot the
// address may come later than the pod.
func prepare(ctx context.Context, f *pflag.FlagSet, args []string) (*thisMachine, error) {
	apiVIPs := f.StringSlice("api-vips", nil, "addresses of the API")
	ingressVIPs := f.StringSlice("ingress-vips", nil, "addresses of the ingress")
	config := f.String("cluster-config", "",
		"ConfigMap with the install-config, instead of --cluster-name and --cluster-domain")
	name := f.String("cluster-name", "", "name of the cluster")
	domain := f.String("cluster-domain", "", "domain of the cluster, with its name")
	role := f.String("role", "worker", "role of this machine: bootstrap, master, arbiter, worker")
	rest, err := contract.ParseWithArguments(f, args)
	if err != nil {
		return nil, err
	}
	if len(rest) != 3 {
		return nil, fmt.Errorf("parse arguments: want %s KUBECONFIG TEMPLATE FILE", f.Name())
	}
	if len(*apiVIPs) == 0 || len(*ingressVIPs) == 0 {
		return nil, errors.New("parse arguments: --api-vips and --ingress-vips must be given")
	}
	if *config != "" {
		if *name, *domain, err = clusterName(*config); err != nil {
			return nil, err
		}
	}
	cluster, err := NewCluster(*name, *domain, (*apiVIPs)[0], (*ingressVIPs)[0])
	if err != nil {
		return nil, err
	}
	m := &thisMachine{
		facts: Facts{Cluster: cluster, Role: *role}, kubeconfig: rest[0],
		output: Output{Template: rest[1], Path: rest[2]}, clock: clock.Real(), log: program.Logger(),
	}
	err = wait.Until(ctx, m.clock, 500*time.Millisecond, func(context.Context) (bool, string, error) {
		nets, err := Nets()
		if err != nil {
			return false, "", err
		}
		m.facts.Local, err = FindLocal(cluster.APIVIP, nets)
		if err != nil {
			return false, err.Error(), nil
		}
		return true, "", nil
	})
	return m, err
}

// clusterName reads them from the install-config, the bootstrap's only source.
func clusterName(path string) (name, domain string, err error) {
	c, err := clusterconfig.ReadCluster(path)
	if err != nil {
		return "", "", err
	}
	if c.Name == "" || c.BaseDomain == "" {
		return "", "", fmt.Errorf("parse install-config in %s: metadata.name and baseDomain must be set", path)
	}
	return c.Name, c.Name + "." + c.BaseDomain, nil
}

// lister asks the local API server first where there is one, then the VIP.
func (m *thisMachine) lister(every time.Duration) *Lister {
	l := &Lister{
		Kubeconfig: m.kubeconfig, Every: every, Eager: 2 * time.Second, Enough: 3, Clock: m.clock,
		News: program.News{Log: m.log},
	}
	port := strconv.Itoa(PortAPI)
	vip := net.JoinHostPort(m.facts.Cluster.APIVIP, port)
	switch m.facts.Role {
	case "bootstrap":
		// Its kubeconfig names localhost.
		l.Every, l.Addresses = l.Eager, []string{""}
	case "master":
		l.Addresses = []string{net.JoinHostPort("127.0.0.1", port), vip}
	default:
		l.Addresses = []string{vip}
	}
	return l
}

// loop calls step until ctx ends.
func (m *thisMachine) loop(ctx context.Context, every time.Duration, step func(context.Context) error) {
	program.Loop(ctx, m.clock, m.log, func(ctx context.Context) (time.Duration, error) { return every, step(ctx) })
}
