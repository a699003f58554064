package check

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// peerKey changes when hosts come, go or get other addresses or roles.
func peerKey(in *Input) string {
	keys := []string{in.role()}
	for _, p := range in.peers() {
		keys = append(keys, fmt.Sprint(p.ID, p.Role, p.Addresses))
	}
	slices.Sort(keys)
	return strings.Join(keys, "\n")
}

func peerName(p agent.Peer) string { return cmp.Or(p.Hostname, p.ID) }

// Pings are the answers of a host.
type Pings struct {
	Latency time.Duration // on average
	Loss    float64       // in percent
	// TCP: the host does not answer ICMP, and refused or took a connection.
	TCP bool
}

// reached is what was found out about a peer.
type reached struct {
	peer  agent.Peer
	pings Pings
	err   error
}

// reach pings all peers at once.
func reach(ctx context.Context, in *Input, w *World) []reached {
	peers := in.peers()
	out := make([]reached, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() {
			out[i].peer = p
			out[i].pings, out[i].err = pingAny(ctx, w, p.Addresses)
		})
	}
	wg.Wait()
	return out
}

// pingAny pings the addresses of a peer until one answers.
func pingAny(ctx context.Context, w *World, addresses []netip.Addr) (Pings, error) {
	err := fmt.Errorf("it has no address in the machine networks")
	for _, a := range addresses {
		var p Pings
		if p, err = w.Network.Ping(ctx, a); err == nil && p.Loss < 100 {
			return p, nil
		}
		if err == nil {
			err = fmt.Errorf("%s does not answer", a)
		}
	}
	return Pings{}, err
}

// connectivity asks whether the host is in the group of hosts that reach each other. It has to
// reach all hosts with etcd, and more than half of all.
func connectivity(ctx context.Context, in *Input, w *World) agent.Check {
	if in.Config.Required() == 1 && len(in.peers()) == 0 {
		return pass("there is no other host")
	}
	if len(in.peers()) == 0 {
		return pending("wait for the other hosts, or see check "+Rendezvous, "no other host is known yet")
	}
	need, role := in.need()
	var silent, bad []string
	reachable, essential := 1, false
	for _, r := range reach(ctx, in, w) {
		name := peerName(r.peer)
		if r.err != nil {
			silent = append(silent, fmt.Sprintf("%s (%v)", name, r.err))
			// Nodes of a cluster that runs may be down for reasons of their own.
			essential = essential || r.peer.Role != worker && in.Config.Join == nil
			continue
		}
		reachable++
		if r.pings.Latency > need.Latency {
			bad = append(bad, fmt.Sprintf("%s answers after %v, and %s needs at most %v",
				name, r.pings.Latency.Round(time.Millisecond), role, need.Latency))
		}
		if r.pings.Loss > need.Loss {
			bad = append(bad, fmt.Sprintf("%.0f %% of the packets to %s are lost, and %s needs at most %.0f %%",
				r.pings.Loss, name, role, need.Loss))
		}
	}
	total := len(in.peers()) + 1
	const next = "see cables, VLANs, firewalls and addresses between these hosts; all of them have to reach each other"
	switch {
	case len(silent) > 0 && (essential || reachable*2 <= total):
		return fail(next, "the host reaches %d of %d hosts, itself included; it does not reach %s",
			reachable, total, strings.Join(silent, ", "))
	case len(bad) > 0:
		return fail("see what the network between these hosts is busy with", "%s", strings.Join(bad, "; "))
	case len(silent) > 0:
		return warn(next, "the host reaches %d of %d hosts; it does not reach %s", reachable, total,
			strings.Join(silent, ", "))
	}
	return pass("all %d other hosts answer within %v, with at most %.0f %% loss", total-1, need.Latency, need.Loss)
}

// minMTU is the least that IPv6 allows, and leaves room for the pods' tunnels.
const minMTU = 1280

// mtu sends packets of full size to the other hosts, which may not be cut on the way.
func mtu(ctx context.Context, in *Input, w *World) agent.Check {
	ours := in.inMachineNetworks()
	for _, a := range ours {
		if a.nic.MTU > 0 && a.nic.MTU < minMTU {
			return fail("correct the MTU of the interface", "the MTU of %s is %d; at least %d is needed", a.nic.Name,
				a.nic.MTU, minMTU)
		}
	}
	var silent []string
	for _, p := range in.peers() {
		for _, a := range p.Addresses {
			i := slices.IndexFunc(ours, func(o address) bool { return o.prefix.Contains(a) })
			if i < 0 {
				continue // by a router, which may have another MTU
			}
			size := ours[i].nic.MTU
			full, err := w.Network.PingFull(ctx, a, size)
			if err != nil {
				silent = append(silent, fmt.Sprintf("%s (%v)", peerName(p), err))
			} else if !full {
				return fail("give all hosts and switches of this network the same MTU",
					"packets of %d bytes, the MTU of %s, do not get to host %s (%s), and small ones do", size, ours[i].nic.Name,
					peerName(p), a)
			}
		}
	}
	if len(silent) > 0 {
		return warn("see that the MTU is the same on all hosts and switches",
			"packets of full size could not be tried with %s",
			strings.Join(silent, ", "))
	}
	return pass("packets of full size get to the other hosts")
}
