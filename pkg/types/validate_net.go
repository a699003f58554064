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
	{netip.MustParsePrefix("100.64.0.0/16"), "join subnet"},
	{netip.MustParsePrefix("100.88.0.0/16"), "transit subnet"},
	{netip.MustParsePrefix("169.254.0.0/17"), "masquerade subnet"},
	{netip.MustParsePrefix("fd98::/64"), "join subnet"},
	{netip.MustParsePrefix("fd97::/64"), "transit subnet"},
	{netip.MustParsePrefix("fd69::/112"), "masquerade subnet"},
}

type network struct {
	at     report.Path
	prefix netip.Prefix
}

func validateNetworking(c *InstallConfig, r *report.Report) {
	n := c.Networking
	at := report.NewPath("networking")
	switch n.NetworkType {
	case defaultNetworkType:
	case "OpenShiftSDN", "Kuryr":
		r.Invalid(at.Child("networkType"), n.NetworkType, "was removed from OpenShift; use %s", defaultNetworkType)
	}
	var nets []network
	for i, e := range n.MachineNetwork {
		nets = append(nets, network{at.Child("machineNetwork").Index(i), e.CIDR})
	}
	for i, e := range n.ClusterNetwork {
		nets = append(nets, network{at.Child("clusterNetwork").Index(i).Child("cidr"), e.CIDR})
	}
	for i, p := range n.ServiceNetwork {
		nets = append(nets, network{at.Child("serviceNetwork").Index(i), p})
	}
	for i, a := range nets {
		if !a.prefix.IsValid() {
			if !r.Mentions(a.at) && !r.Mentions(a.at.Child("cidr")) {
				r.Required(a.at, "a network in CIDR notation")
			}
			continue
		}
		if a.prefix != a.prefix.Masked() {
			r.Invalid(a.at, a.prefix, "has host bits; write %s", a.prefix.Masked())
		}
		for _, b := range nets[:i] {
			if b.prefix.IsValid() && a.prefix.Overlaps(b.prefix) {
				r.Invalid(a.at, a.prefix, "overlaps %s, which is %s", b.at, b.prefix)
			}
		}
		validateReserved(n, a, r)
	}
	validateClusterNetwork(n, at, r)
	validateServiceNetwork(n, at, r)
	validateFamilies(n, at, r)
	if n.ClusterNetworkMTU != 0 && (n.ClusterNetworkMTU < 576 || n.ClusterNetworkMTU > 65535) {
		r.Invalid(at.Child("clusterNetworkMTU"), n.ClusterNetworkMTU, "must be between 576 and 65535")
	}
}

func validateReserved(n *Networking, a network, r *report.Report) {
	if n.NetworkType != defaultNetworkType {
		return
	}
	for i, res := range reserved {
		if o := n.OVNKubernetesConfig; i == 0 && o != nil && o.IPv4 != nil && o.IPv4.InternalJoinSubnet.IsValid() {
			res.prefix = o.IPv4.InternalJoinSubnet
		}
		if a.prefix.Overlaps(res.prefix) {
			r.Invalid(a.at, a.prefix, "overlaps %s, the %s of OVN-Kubernetes", res.prefix, res.use)
		}
	}
}

func validateClusterNetwork(n *Networking, at report.Path, r *report.Report) {
	first := 0
	for i, e := range n.ClusterNetwork {
		at := at.Child("clusterNetwork").Index(i).Child("hostPrefix")
		switch {
		case !e.CIDR.IsValid():
		case e.HostPrefix < e.CIDR.Bits() || e.HostPrefix > e.CIDR.Addr().BitLen():
			r.Invalid(at, e.HostPrefix, "must be between %d, the size of the network, and %d", e.CIDR.Bits(), e.CIDR.Addr().BitLen())
		case e.CIDR.Addr().Is6() && e.HostPrefix != defaultHostPrefixV6:
			r.Invalid(at, e.HostPrefix, "must be %d for IPv6", defaultHostPrefixV6)
		case e.CIDR.Addr().Is4() && first != 0 && e.HostPrefix != first:
			r.Invalid(at, e.HostPrefix, "must be the same in all IPv4 networks")
		case e.CIDR.Addr().Is4() && first == 0:
			first = e.HostPrefix
		}
	}
}

func validateServiceNetwork(n *Networking, at report.Path, r *report.Report) {
	at = at.Child("serviceNetwork")
	for i, p := range n.ServiceNetwork {
		// The API server keeps a bitmap of all addresses.
		if least := map[bool]int{true: 12, false: 108}[p.Addr().Is4()]; p.IsValid() && p.Bits() < least {
			r.Invalid(at.Index(i), p, "must not be larger than /%d", least)
		}
	}
	switch {
	case len(n.ServiceNetwork) > 2:
		r.TooMany(at, len(n.ServiceNetwork), 2)
	case len(n.ServiceNetwork) == 2 && n.ServiceNetwork[0].Addr().Is4() == n.ServiceNetwork[1].Addr().Is4():
		r.Invalid(at.Index(1), n.ServiceNetwork[1], "the second service network must be of the other IP family")
	}
}

// validateFamilies makes sure that every list covers the same IP families.
func validateFamilies(n *Networking, at report.Path, r *report.Report) {
	v4, v6 := families(n.ServiceNetwork)
	lists := []struct {
		name string
		nets []netip.Prefix
	}{{"machineNetwork", n.MachineCIDRs()}, {"clusterNetwork", n.ClusterCIDRs()}}
	for _, l := range lists {
		has4, has6 := families(l.nets)
		if v4 && !has4 || v6 && !has6 {
			r.Invalid(at.Child(l.name), joinPrefixes(l.nets), "must have a network of every IP family that serviceNetwork has")
		}
		if l.name == "clusterNetwork" && (has4 && !v4 || has6 && !v6) {
			r.Invalid(at.Child(l.name), joinPrefixes(l.nets), "has an IP family that serviceNetwork lacks")
		}
	}
}

func families(list []netip.Prefix) (v4, v6 bool) {
	for _, p := range list {
		v4 = v4 || p.Addr().Is4()
		v6 = v6 || p.Addr().Is6()
	}
	return v4, v6
}

func joinPrefixes(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

// validateVIPs checks the virtual addresses of API and routers. Behind a load
// balancer of the user's they may be equal and anywhere.
func validateVIPs(c *InstallConfig, at report.Path, apiName string, api []netip.Addr, ingressName string, ingress []netip.Addr, lb *LoadBalancer, r *report.Report) {
	userManaged := lb.kind() == LoadBalancerUserManaged
	if !userManaged && lb.kind() != LoadBalancerManaged {
		r.Unsupported(at.Child("loadBalancer", "type"), lb.Type, LoadBalancerManaged, LoadBalancerUserManaged)
	}
	check := func(name, what string, list []netip.Addr) {
		at, singular := at.Child(name), at.Child(strings.TrimSuffix(name, "s"))
		switch {
		case len(list) == 0 && r.Mentions(singular):
		case len(list) == 0:
			r.Required(at, "a free address in machineNetwork, outside the DHCP range, for %s", what)
		case len(list) > 2:
			r.TooMany(at, len(list), 2)
		case len(list) == 2 && list[0].Is4() == list[1].Is4():
			r.Invalid(at.Index(1), list[1], "the second address must be of the other IP family")
		}
		for i, ip := range list {
			if ip.IsValid() && !userManaged && !within(ip, c.Networking.MachineCIDRs()) {
				r.Invalid(at.Index(i), ip, "is in none of networking.machineNetwork: %s", joinPrefixes(c.Networking.MachineCIDRs()))
			}
		}
	}
	check(apiName, "the API", api)
	check(ingressName, "routes", ingress)
	for i, ip := range ingress {
		for _, other := range api {
			if ip.IsValid() && ip == other && !userManaged {
				r.Duplicate(at.Child(ingressName).Index(i), ip, "is already one of %s", apiName)
			}
		}
	}
}

func within(ip netip.Addr, nets []netip.Prefix) bool {
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

func isProxyExclusion(item string) bool {
	if _, err := netip.ParseAddr(item); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(item); err == nil {
		return true
	}
	return subdomain.MatchString(strings.TrimPrefix(strings.ToLower(item), "."))
}
