package types

import (
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// reserved are ranges that OVN-Kubernetes uses inside every node.
var reserved = []struct {
	prefix netip.Prefix
	use    string
}{
	{joinSubnet, "join subnet"},
	{netip.MustParsePrefix("100.88.0.0/16"), "transit subnet"},
	{netip.MustParsePrefix("169.254.0.0/17"), "masquerade subnet"},
	{netip.MustParsePrefix("fd98::/64"), "join subnet"},
	{netip.MustParsePrefix("fd97::/64"), "transit subnet"},
	{netip.MustParsePrefix("fd69::/112"), "masquerade subnet"},
}

// joinSubnet is the one of them that ovnKubernetesConfig can move.
var joinSubnet = netip.MustParsePrefix("100.64.0.0/16")

// joinSubnet is the range that the config moves the join subnet to, if it does.
func (n *Networking) joinSubnet() netip.Prefix {
	if o := n.OVNKubernetesConfig; o != nil && o.IPv4 != nil {
		return o.IPv4.InternalJoinSubnet
	}
	return netip.Prefix{}
}

type network struct {
	at     report.Path
	prefix netip.Prefix
	least  int // smallest prefix length
}

// networks are all networks, in the order in which the reference compares them.
func networks(n *Networking, at report.Path) []network {
	var out []network
	for i, e := range n.MachineNetwork {
		out = append(out, network{at.Child("machineNetwork").Index(i), e.CIDR, 0})
	}
	for i, p := range n.ServiceNetwork {
		least := 12 // the API server keeps a bitmap of all addresses
		if p.Addr().Is6() {
			least = 108
		}
		out = append(out, network{at.Child("serviceNetwork").Index(i), p, least})
	}
	for i, e := range n.ClusterNetwork {
		out = append(out, network{at.Child("clusterNetwork").Index(i).Child("cidr"), e.CIDR, 0})
	}
	return out
}

func validateNetworking(c *InstallConfig, r *report.Report) {
	n := c.Networking
	at := report.NewPath("networking")
	if strings.EqualFold(n.NetworkType, "OpenShiftSDN") || strings.EqualFold(n.NetworkType, "Kuryr") {
		r.Invalid(at.Child("networkType"), n.NetworkType, "was removed from OpenShift; use %s", defaultNetworkType)
	}
	var good []network
	for _, a := range networks(n, at) {
		if !checkNetwork(a, r) {
			continue
		}
		if overlapping(n, a, good, r) {
			continue
		}
		good = append(good, a)
	}
	validateHostPrefixes(n, at, r)
	validateJoinSubnet(n, at, r)
	if !r.Broken(at.Child("serviceNetwork")) {
		validateFamilies(c, at, r)
	}
	if n.ClusterNetworkMTU != 0 {
		r.Invalid(at.Child("clusterNetworkMTU"), n.ClusterNetworkMTU, "cannot be set on platform %s; the network plugin takes it from the machines' network", c.Platform.Name())
	}
}

// checkNetwork says whether a network is one that others can be compared with.
func checkNetwork(a network, r *report.Report) bool {
	switch p := a.prefix; {
	case !p.IsValid():
		r.Required(a.at, "a network in CIDR notation")
		r.Break(a.at)
	case p.Addr().IsUnspecified():
		r.Invalid(a.at, p, "must not begin at %s", p.Addr())
	case p != p.Masked():
		r.Invalid(a.at, p, "has host bits; write %s", p.Masked())
	case p.Bits() < a.least:
		r.Invalid(a.at, p, "must not be larger than /%d", a.least)
	default:
		return true
	}
	return false
}

func overlapping(n *Networking, a network, others []network, r *report.Report) bool {
	for _, b := range others {
		if a.prefix.Overlaps(b.prefix) {
			r.Invalid(a.at, a.prefix, "overlaps %s, which is %s", b.at, b.prefix)
			return true
		}
	}
	if n.NetworkType != defaultNetworkType {
		return false
	}
	for _, res := range reserved {
		if res.prefix == joinSubnet && n.joinSubnet().IsValid() {
			continue
		}
		if a.prefix.Overlaps(res.prefix) {
			r.Invalid(a.at, a.prefix, "overlaps %s, the %s of %s", res.prefix, res.use, defaultNetworkType)
			return true
		}
	}
	return false
}

func validateHostPrefixes(n *Networking, at report.Path, r *report.Report) {
	first := 0
	for i, e := range n.ClusterNetwork {
		at := at.Child("clusterNetwork").Index(i).Child("hostPrefix")
		if !e.CIDR.IsValid() || r.Broken(at) {
			continue
		}
		v4 := e.CIDR.Addr().Is4()
		switch {
		case e.HostPrefix < e.CIDR.Bits() || e.HostPrefix > e.CIDR.Addr().BitLen():
			r.Invalid(at, e.HostPrefix, "must be between %d, the size of the network, and %d", e.CIDR.Bits(), e.CIDR.Addr().BitLen())
		case !v4 && e.HostPrefix != defaultHostPrefixV6:
			r.Invalid(at, e.HostPrefix, "must be %d for IPv6", defaultHostPrefixV6)
		case v4 && first != 0 && e.HostPrefix != first:
			r.Invalid(at, e.HostPrefix, "must be the same in all IPv4 networks")
		case v4 && first == 0:
			first = e.HostPrefix
		}
	}
}

func validateJoinSubnet(n *Networking, at report.Path, r *report.Report) {
	if n.OVNKubernetesConfig == nil {
		return
	}
	if n.NetworkType != defaultNetworkType {
		r.Invalid(at.Child("networkType"), n.NetworkType, "ovnKubernetesConfig needs %s", defaultNetworkType)
	}
	join := n.joinSubnet()
	if !join.IsValid() {
		return
	}
	all := networks(n, at)
	at = at.Child("ovnKubernetesConfig", "ipv4", "internalJoinSubnet")
	switch {
	case join.Addr().Is6():
		r.Invalid(at, join, "must be an IPv4 network")
		return
	case !checkNetwork(network{at, join, 0}, r):
		return
	}
	for _, a := range all {
		if a.prefix.IsValid() && a.prefix.Overlaps(join) {
			r.Invalid(at, join, "overlaps %s, which is %s", a.at, a.prefix)
			return
		}
	}
	nodes := 0
	for _, e := range n.ClusterNetwork {
		if e.CIDR.IsValid() && e.CIDR.Addr().Is4() && e.HostPrefix >= e.CIDR.Bits() && e.HostPrefix <= 32 {
			nodes += 1 << (e.HostPrefix - e.CIDR.Bits())
		}
	}
	// Network, gateway and broadcast address are not for nodes.
	if room := 1<<(32-join.Bits()) - 3; nodes >= room {
		r.Invalid(at, join, "has room for %d nodes, but clusterNetwork allows %d", max(room, 0), nodes)
	}
}
