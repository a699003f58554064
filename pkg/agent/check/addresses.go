package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
)

// join lists values, or says that there are none.
func join[T any](list []T) string {
	if len(list) == 0 {
		return "none"
	}
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}

// describe lists the addresses of the host with their interfaces.
func describe(list []address) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = fmt.Sprintf("%s (%s)", a.prefix, a.nic.Name)
	}
	return join(words)
}

func machineNetwork(_ context.Context, in *Input, _ *World) agent.Check {
	networks := join(in.Config.MachineNetworks)
	ours := in.inMachineNetworks()
	if len(ours) == 0 {
		next := "correct the address of the host, by DHCP or by networkConfig in " + in.Config.HostsFile()
		if installs(in) {
			next += ", or machineNetwork in install-config.yaml"
		}
		return fail(next, "no address is in the machine networks (%s); addresses: %s", networks,
			describe(in.addresses()))
	}
	return pass("%s in the machine networks (%s)", describe(ours), networks)
}

func defaultRoute(_ context.Context, in *Input, _ *World) agent.Check {
	if len(in.Inventory.Gateways) == 0 {
		return fail("add a default route, by DHCP or by networkConfig in "+in.Config.HostsFile(),
			"the host has no default route")
	}
	return pass("by %s", join(in.Inventory.Gateways))
}

func overlap(_ context.Context, in *Input, _ *World) agent.Check {
	for _, a := range in.addresses() {
		for _, other := range in.Config.OtherNetworks {
			if a.prefix.Overlaps(other) {
				next := "choose another address of the host"
				if installs(in) {
					next += ", or another clusterNetwork or serviceNetwork in install-config.yaml"
				}
				return fail(next,
					"%s of %s overlaps with %s, a network of pods or services", a.prefix.Masked(), a.nic.Name, other)
			}
		}
	}
	return pass("the networks of the host do not overlap with those of pods and services (%s)",
		join(in.Config.OtherNetworks))
}

func rendezvous(_ context.Context, in *Input, _ *World) agent.Check {
	where := in.Config.Rendezvous
	switch {
	case in.Rendezvous && in.Order != nil:
		return pass("this host has the rendezvous address, %s", where)
	case in.Silence == nil && in.Order != nil:
		return pass("%s answers", where)
	}
	cause := "it has not answered yet"
	if in.Silence != nil {
		cause = in.Silence.Error()
	}
	return fail(fmt.Sprintf("boot the host that gets %s from the image, and allow TCP port %d to it; if no host is "+
		"to have that address, correct rendezvousIP and make the image again", where, agent.Port),
		"the rendezvous host, %s, cannot be reached: %s; addresses of this host: %s", where, cause,
		describe(in.addresses()))
}

// addressKey changes with the addresses of the host.
func addressKey(in *Input) string { return describe(in.inMachineNetworks()) + peerKey(in) }

// addressConflict asks the network whether somebody else has the host's addresses.
func addressConflict(ctx context.Context, in *Input, w *World) agent.Check {
	const next = "give one of the two another address, or take it out of the range of the DHCP server"
	ours := in.inMachineNetworks()
	if len(ours) == 0 {
		return pending("see check "+MachineNetwork, "no address is in the machine networks yet")
	}
	var unknown []string
	for _, a := range ours {
		for _, p := range in.peers() {
			if slices.Contains(p.Addresses, a.prefix.Addr()) {
				return fail(next, "%s is also the address of host %s", a.prefix.Addr(), peerName(p))
			}
		}
		mac, err := w.Network.Probe(ctx, a.nic.Name, a.prefix.Addr())
		switch {
		case err != nil:
			unknown = append(unknown, fmt.Sprintf("%s: %v", a.prefix.Addr(), err))
		case mac != "" && !in.hasMAC(mac):
			return fail(next, "%s, an address of this host, is also that of the network card %s", a.prefix.Addr(), mac)
		}
	}
	if len(unknown) > 0 {
		return warn("see that no other machine has these addresses",
			"it could not be found out whether others have the addresses of this host: %s", strings.Join(unknown, "; "))
	}
	return pass("nobody else has %s", describe(ours))
}

func (in *Input) hasMAC(mac string) bool {
	return slices.ContainsFunc(in.Inventory.NICs, func(n agent.NIC) bool { return strings.EqualFold(n.MAC, mac) })
}

func hasVIPs(in *Input) bool {
	return installs(in) && len(in.Config.APIVIPs)+len(in.Config.IngressVIPs) > 0
}

func vipKey(in *Input) string { return fmt.Sprint(in.Installing, describe(in.inMachineNetworks())) }

// vips asks the network whether somebody has the virtual addresses already.
func vips(ctx context.Context, in *Input, w *World) agent.Check {
	if in.Installing {
		return pass("the cluster has them")
	}
	all := slices.Concat(in.Config.APIVIPs, in.Config.IngressVIPs)
	slices.SortFunc(all, netip.Addr.Compare)
	all = slices.Compact(all) // one address may be for both
	var free, unknown []string
	for _, vip := range all {
		nic, ok := in.nicFor(vip)
		if !ok {
			unknown = append(unknown, fmt.Sprintf("%s: no network of this host has it", vip))
			continue
		}
		mac, err := w.Network.Probe(ctx, nic, vip)
		switch {
		case err != nil:
			unknown = append(unknown, fmt.Sprintf("%s: %v", vip, err))
		case mac != "":
			return fail("shut down what has the address, which may be an older cluster, or choose another one in "+
				"install-config.yaml",
				"the network card %s answers for the virtual address %s, which must be free", mac, vip)
		default:
			free = append(free, vip.String())
		}
	}
	if len(unknown) > 0 {
		return warn("see that nobody has these addresses", "it could not be found out whether virtual addresses are "+
			"free: %s",
			strings.Join(unknown, "; "))
	}
	return pass("nobody answers for %s", join(free))
}

// nicFor returns the interface in whose network an address is.
func (in *Input) nicFor(a netip.Addr) (string, bool) {
	for _, ours := range in.addresses() {
		if ours.prefix.Contains(a) {
			return ours.nic.Name, true
		}
	}
	return "", false
}
