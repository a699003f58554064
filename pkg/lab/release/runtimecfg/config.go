package runtimecfg

import (
	"slices"
	"strings"
)

// Host is another node.
type Host struct {
	Name    string
	Address string
	Master  bool
}

// Ports of the API balancer.
const (
	PortAPI    = 6443
	PortLB     = 9445
	PortHealth = 9444
	PortStats  = 29445
	PortMCS    = 22623
	PortRouter = 1936
)

// Check is one contribution to a VRRP priority.
type Check struct {
	Name   string
	Weight int
}

// Checks are OKD's: 40+20+5+3 = 68 is just below the bootstrap machine's 70.
func Checks() []Check {
	return []Check{{"ocp_lb", 20}, {"ocp_both", 5}, {"ocp_mcs", 3}, {"ingress_ready", 10}, {"default_ingress", 50}}
}

// VRRP is this machine's part in holding an address.
type VRRP struct {
	Enabled bool
	Peers   []string
}

// LB is the API balancer of a master.
type LB struct {
	APIPort, Port, HealthPort, StatPort int
	Backends                            []Host
}

// Config is what the templates see.
type Config struct {
	Cluster
	Local
	Bootstrap    bool
	TrackDir     string
	Checks       []Check
	API, Ingress VRRP
	LB           LB
	Nodes        []Host
	DNSUpstreams []string
}

// Facts are what a Config is computed from.
type Facts struct {
	Cluster   Cluster
	Local     Local
	Role      string // master, arbiter, worker, bootstrap
	Hosts     []Host // from the API; empty while it cannot be asked
	Upstreams []string
	TrackDir  string
	// Serving says that this master has had a working API or balancer. Before that the
	// bootstrap machine may not know this peer, and both would hold the address.
	Serving bool
}

// Compute turns facts into a Config; equal facts give equal text.
func Compute(f Facts) Config {
	c := Config{
		Cluster: f.Cluster, Local: f.Local,
		Bootstrap: f.Role == "bootstrap",
		TrackDir:  f.TrackDir, Checks: Checks(),
		LB:           LB{APIPort: PortAPI, Port: PortLB, HealthPort: PortHealth, StatPort: PortStats},
		DNSUpstreams: f.Upstreams,
	}
	c.Nodes = slices.Clone(f.Hosts)
	slices.SortFunc(c.Nodes, func(a, b Host) int { return strings.Compare(a.Name, b.Name) })
	others := []string{}
	masters := []string{}
	for _, h := range c.Nodes {
		if h.Master {
			c.LB.Backends = append(c.LB.Backends, h)
		}
		if h.Address == f.Local.Address {
			continue
		}
		others = append(others, h.Address)
		if h.Master {
			masters = append(masters, h.Address)
		}
	}
	switch f.Role {
	case "bootstrap":
		// Without a peer keepalived falls back to multicast, and loses the address for
		// two seconds with the first. A free address of the network avoids that.
		if len(masters) == 0 {
			masters = []string{f.Cluster.IngressVIP}
		}
		c.API = VRRP{Enabled: true, Peers: masters}
	case "master":
		// With an arbiter the other master may be the bootstrap host, which joins when it has
		// given the address away.
		if len(masters) == 0 {
			masters = others
		}
		c.API = VRRP{Enabled: f.Serving && len(masters) > 0, Peers: masters}
		c.Ingress = VRRP{Enabled: len(others) > 0, Peers: others}
	default:
		c.Ingress = VRRP{Enabled: len(others) > 0, Peers: others}
	}
	return c
}
