package types

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// The defaults.
const (
	defaultNetworkType  = "OVNKubernetes"
	defaultHostPrefixV4 = 23
	defaultHostPrefixV6 = 64
)

var (
	defaultMachineNetwork = netip.MustParsePrefix("10.0.0.0/16")
	defaultClusterNetwork = netip.MustParsePrefix("10.128.0.0/14")
	defaultServiceNetwork = netip.MustParsePrefix("172.30.0.0/16")
)

// Convert implements Converter.
func (n *Networking) Convert(at report.Field) {
	clash := func(old, now string) {
		at.Child(old).Invalid(nil, "is the old form of %s and says something else; set only %s", now, now)
	}
	if n.LegacyType != "" && n.NetworkType != "" && !strings.EqualFold(n.LegacyType, n.NetworkType) {
		clash("type", "networkType")
	}
	n.NetworkType, n.LegacyType = cmp.Or(n.NetworkType, n.LegacyType), ""
	if strings.EqualFold(n.NetworkType, defaultNetworkType) {
		n.NetworkType = defaultNetworkType
	}
	if old := n.LegacyMachineCIDR; old.IsValid() {
		if len(n.MachineNetwork) == 0 {
			n.MachineNetwork = []MachineNetworkEntry{{CIDR: old}}
			at.Child("machineNetwork").ListMovedFrom(at.Child("machineCIDR"))
		} else if n.MachineNetwork[0].CIDR != old {
			clash("machineCIDR", "machineNetwork")
		}
		n.LegacyMachineCIDR = netip.Prefix{}
	}
	if old := n.LegacyServiceCIDR; old.IsValid() {
		if len(n.ServiceNetwork) == 0 {
			n.ServiceNetwork = []netip.Prefix{old}
			at.Child("serviceNetwork").ListMovedFrom(at.Child("serviceCIDR"))
		} else if n.ServiceNetwork[0] != old {
			clash("serviceCIDR", "serviceNetwork")
		}
		n.LegacyServiceCIDR = netip.Prefix{}
	}
	if old := n.LegacyClusterNetworks; len(old) > 0 {
		was, now := at.Child("clusterNetworks"), at.Child("clusterNetwork")
		if len(n.ClusterNetwork) == 0 {
			n.ClusterNetwork = old
			now.ListMovedFrom(was)
			for i := range old {
				now.Index(i).Child("cidr").MovedFrom(was.Index(i).Child("cidr"))
			}
		} else if !slices.Equal(n.ClusterNetwork, old) {
			clash("clusterNetworks", "clusterNetwork")
		}
		n.LegacyClusterNetworks = nil
	}
}

// Convert implements Converter.
func (e *ClusterNetworkEntry) Convert(at report.Field) {
	length := e.LegacyHostSubnetLength
	e.LegacyHostSubnetLength = 0
	if length == 0 || !e.CIDR.IsValid() {
		return
	}
	old, bits := at.Child("hostSubnetLength"), e.CIDR.Addr().BitLen()
	switch {
	case length < 0 || length > bits:
		old.Invalid(length, "must be between 1 and %d; write hostPrefix instead", bits)
	case e.HostPrefix == 0:
		e.HostPrefix = bits - length
		at.Child("hostPrefix").MovedFrom(old)
	case e.HostPrefix != bits-length:
		old.Invalid(length, "is the old form of hostPrefix and says something else; set only hostPrefix")
	}
}

// SetDefaults implements Defaulter.
func (n *Networking) SetDefaults(*InstallConfig, Options) {
	n.NetworkType = cmp.Or(n.NetworkType, defaultNetworkType)
	if len(n.MachineNetwork) == 0 {
		n.MachineNetwork = []MachineNetworkEntry{{CIDR: defaultMachineNetwork}}
	}
	if len(n.ServiceNetwork) == 0 {
		n.ServiceNetwork = []netip.Prefix{defaultServiceNetwork}
	}
	if len(n.ClusterNetwork) == 0 {
		n.ClusterNetwork = []ClusterNetworkEntry{{CIDR: defaultClusterNetwork}}
	}
}

// SetDefaults implements Defaulter.
func (e *ClusterNetworkEntry) SetDefaults(*InstallConfig, Options) {
	switch {
	case e.HostPrefix != 0 || !e.CIDR.IsValid():
	case e.CIDR.Addr().Is4():
		e.HostPrefix = defaultHostPrefixV4
	default:
		e.HostPrefix = defaultHostPrefixV6
	}
}

// Validate implements Validator.
func (n *Networking) Validate(k Check) {
	if strings.EqualFold(n.NetworkType, "OpenShiftSDN") || strings.EqualFold(n.NetworkType, "Kuryr") {
		k.Child("networkType").Invalid(n.NetworkType, "was removed from OpenShift; use %s", defaultNetworkType)
	}
	var sound []network
	for _, a := range n.networks(k.Field) {
		if a.check() && !a.overlapsOneOf(sound) && !(n.NetworkType == defaultNetworkType && n.reserves(a)) {
			sound = append(sound, a)
		}
	}
	n.checkHostPrefixes(k.Child("clusterNetwork"))
	n.checkJoinSubnet(k)
	if !k.Child("serviceNetwork").Broken() {
		n.checkFamilies(k)
	}
	if n.ClusterNetworkMTU != 0 {
		k.Child("clusterNetworkMTU").Invalid(n.ClusterNetworkMTU,
			"cannot be set on platform %s; the network plugin takes it from the machines' network", k.Config.Platform.Name())
	}
}

// network is one of the cluster's networks, and where it is written.
type network struct {
	report.Field
	prefix netip.Prefix
	least  int // smallest prefix length
}

// networks are all networks, in the order in which the reference compares them.
func (n *Networking) networks(at report.Field) []network {
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

// check reports whether the network is one that others can be compared with.
func (a network) check() bool {
	switch p := a.prefix; {
	case !p.IsValid():
		a.Required("a network in CIDR notation")
		a.Break()
	case p.Addr().IsUnspecified():
		a.Invalid(p, "must not begin at %s", p.Addr())
	case p != p.Masked():
		a.Invalid(p, "has host bits; write %s", p.Masked())
	case p.Bits() < a.least:
		a.Invalid(p, "must not be larger than /%d", a.least)
	default:
		return true
	}
	return false
}

func (a network) overlapsOneOf(others []network) bool {
	for _, b := range others {
		if b.prefix.IsValid() && a.prefix.Overlaps(b.prefix) {
			a.Invalid(a.prefix, "overlaps %s, which is %s", b.Path(), b.prefix)
			return true
		}
	}
	return false
}

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

// reserves reports whether the network plugin needs part of a network itself.
func (n *Networking) reserves(a network) bool {
	for _, res := range reserved {
		if res.prefix == joinSubnet && n.joinSubnet().IsValid() {
			continue
		}
		if a.prefix.Overlaps(res.prefix) {
			a.Invalid(a.prefix, "overlaps %s, the %s of %s", res.prefix, res.use, defaultNetworkType)
			return true
		}
	}
	return false
}

// joinSubnet is the range that the config moves the join subnet to, if it does.
func (n *Networking) joinSubnet() netip.Prefix {
	if o := n.OVNKubernetesConfig; o != nil && o.IPv4 != nil {
		return o.IPv4.InternalJoinSubnet
	}
	return netip.Prefix{}
}

func (n *Networking) checkHostPrefixes(list report.Field) {
	first := 0
	for i, e := range n.ClusterNetwork {
		at := list.Index(i).Child("hostPrefix")
		if !e.CIDR.IsValid() || at.Broken() {
			continue
		}
		v4, least, most := e.CIDR.Addr().Is4(), e.CIDR.Bits(), e.CIDR.Addr().BitLen()
		switch {
		case e.HostPrefix < least || e.HostPrefix > most:
			at.Invalid(e.HostPrefix, "must be between %d, the size of the network, and %d", least, most)
		case !v4 && e.HostPrefix != defaultHostPrefixV6:
			at.Invalid(e.HostPrefix, "must be %d for IPv6", defaultHostPrefixV6)
		case v4 && first != 0 && e.HostPrefix != first:
			at.Invalid(e.HostPrefix, "must be the same in all IPv4 networks")
		case v4 && first == 0:
			first = e.HostPrefix
		}
	}
}

func (n *Networking) checkJoinSubnet(k Check) {
	if n.OVNKubernetesConfig == nil {
		return
	}
	if n.NetworkType != defaultNetworkType {
		k.Child("networkType").Invalid(n.NetworkType, "ovnKubernetesConfig needs %s", defaultNetworkType)
	}
	join := network{k.Child("ovnKubernetesConfig", "ipv4", "internalJoinSubnet"), n.joinSubnet(), 0}
	switch {
	case !join.prefix.IsValid():
		return
	case join.prefix.Addr().Is6():
		join.Invalid(join.prefix, "must be an IPv4 network")
		return
	case !join.check() || join.overlapsOneOf(n.networks(k.Field)):
		return
	}
	nodes := 0
	for _, e := range n.ClusterNetwork {
		if e.CIDR.IsValid() && e.CIDR.Addr().Is4() && e.HostPrefix >= e.CIDR.Bits() && e.HostPrefix <= 32 {
			nodes += 1 << (e.HostPrefix - e.CIDR.Bits())
		}
	}
	// Network, gateway and broadcast address are not for nodes.
	if room := 1<<(32-join.prefix.Bits()) - 3; nodes >= room {
		join.Invalid(join.prefix, "has room for %d nodes, but clusterNetwork allows %d", max(room, 0), nodes)
	}
}

// checkFamilies checks that every list has the same IP families, in an order that the
// platform supports.
func (n *Networking) checkFamilies(k Check) {
	v4, v6 := values.Families(n.ServiceNetwork)
	if count := len(n.ServiceNetwork); v4 && v6 && count != 2 || v4 != v6 && count > 1 {
		k.Child("serviceNetwork").Invalid(values.JoinPrefixes(n.ServiceNetwork),
			"must be one network, or for dual stack one of each IP family")
		return
	}
	anyFirst := k.Config.Platform.Kind().AnyFamilyFirst
	for _, l := range []struct {
		name string
		nets []netip.Prefix
	}{
		{"machineNetwork", n.MachineCIDRs()}, {"clusterNetwork", n.ClusterCIDRs()}, {"serviceNetwork", n.ServiceNetwork},
	} {
		at := k.Child(l.name)
		if at.Broken() {
			continue
		}
		has4, has6 := values.Families(l.nets)
		switch shown := values.JoinPrefixes(l.nets); {
		case v4 && !has4:
			at.Invalid(shown, "must have an IPv4 network, since serviceNetwork has one")
		case v6 && !has6:
			at.Invalid(shown, "must have an IPv6 network, since serviceNetwork has one")
		case l.name == "clusterNetwork" && (has4 && !v4 || has6 && !v6):
			at.Invalid(shown, "has an IP family that serviceNetwork lacks")
		case v4 && v6 && !anyFirst && !l.nets[0].Addr().Is4():
			at.Invalid(shown, "IPv4 networks must be listed before IPv6 networks")
		case v4 && v6 && anyFirst && l.nets[0].Addr().Is4() != n.MachineNetwork[0].CIDR.Addr().Is4():
			at.Invalid(shown, "must begin with the same IP family as machineNetwork")
		}
	}
}
