package types

import "net/netip"

// Networking is the cluster's networks. No two of them may overlap, nor may
// they overlap the ranges that OVN-Kubernetes uses inside every node:
// 100.64.0.0/16, 100.88.0.0/16, 169.254.0.0/17, fd97::/64, fd98::/64 and
// fd69::/112.
type Networking struct {
	// NetworkType is the network plugin. Default: OVNKubernetes. Another name means
	// a plugin of your own, whose manifests you add; OpenShiftSDN and Kuryr are no
	// longer in any release.
	NetworkType string `json:"networkType,omitempty" default:"OVNKubernetes"`
	// MachineNetwork is the networks that the machines' addresses are from.
	// Default: 10.0.0.0/16.
	MachineNetwork []MachineNetworkEntry `json:"machineNetwork,omitempty"`
	// ClusterNetwork is the ranges that pods get their addresses from. Default:
	// 10.128.0.0/14 with hostPrefix 23.
	ClusterNetwork []ClusterNetworkEntry `json:"clusterNetwork,omitempty"`
	// ServiceNetwork is the ranges that services get their addresses from. Default:
	// 172.30.0.0/16. One network, or for dual stack one per IP family; at most a
	// /12 of IPv4 or a /108 of IPv6.
	ServiceNetwork []netip.Prefix `json:"serviceNetwork,omitempty" maxitems:"2"`
	// ClusterNetworkMTU is the largest packet between pods, in bytes. Default:
	// taken from the machines' network. These platforms always use the default.
	ClusterNetworkMTU uint32 `json:"clusterNetworkMTU,omitempty" refused:"true"`
	// OVNKubernetesConfig changes ranges that OVN-Kubernetes uses internally.
	// Default: none.
	OVNKubernetesConfig *OVNKubernetesConfig `json:"ovnKubernetesConfig,omitempty"`

	// LegacyType is the old name of networkType.
	LegacyType string `json:"type,omitempty" renamed:"networkType"`
	// LegacyMachineCIDR is the old form of machineNetwork, with one network.
	LegacyMachineCIDR netip.Prefix `json:"machineCIDR,omitzero" renamed:"machineNetwork"`
	// LegacyServiceCIDR is the old form of serviceNetwork, with one network.
	LegacyServiceCIDR netip.Prefix `json:"serviceCIDR,omitzero" renamed:"serviceNetwork"`
	// LegacyClusterNetworks is the old name of clusterNetwork.
	LegacyClusterNetworks []ClusterNetworkEntry `json:"clusterNetworks,omitempty" renamed:"clusterNetwork"`
}

// MachineNetworkEntry is a network that machines are in.
type MachineNetworkEntry struct {
	// CIDR is the network, like 192.168.1.0/24.
	CIDR netip.Prefix `json:"cidr" required:"true"`
}

// ClusterNetworkEntry is a range of pod addresses.
type ClusterNetworkEntry struct {
	// CIDR is the range, like 10.128.0.0/14.
	CIDR netip.Prefix `json:"cidr" required:"true"`
	// HostPrefix is the size of the part of the range that each node gets, as a
	// prefix length in bits. Default: 23 for IPv4, 64 for IPv6, which must be 64.
	// The same in all IPv4 ranges.
	HostPrefix int `json:"hostPrefix,omitempty" min:"1" max:"128" default:"23"`
	// LegacyHostSubnetLength is the old form of hostPrefix: the number of host bits.
	LegacyHostSubnetLength int `json:"hostSubnetLength,omitempty" renamed:"hostPrefix"`
}

// OVNKubernetesConfig changes ranges that OVN-Kubernetes uses internally.
type OVNKubernetesConfig struct {
	// IPv4 is the IPv4 ranges. Default: none.
	IPv4 *OVNIPv4 `json:"ipv4,omitempty"`
}

// OVNIPv4 is the IPv4 part of OVNKubernetesConfig.
type OVNIPv4 struct {
	// InternalJoinSubnet is the range that connects the nodes' routers. Default:
	// 100.64.0.0/16. Larger than the number of nodes that clusterNetwork allows; it
	// cannot be changed later.
	InternalJoinSubnet netip.Prefix `json:"internalJoinSubnet,omitzero"`
}

// MachineCIDRs are the machine networks as prefixes.
func (n *Networking) MachineCIDRs() []netip.Prefix {
	var out []netip.Prefix
	for _, e := range n.MachineNetwork {
		out = append(out, e.CIDR)
	}
	return out
}

// ClusterCIDRs are the pod networks as prefixes.
func (n *Networking) ClusterCIDRs() []netip.Prefix {
	var out []netip.Prefix
	for _, e := range n.ClusterNetwork {
		out = append(out, e.CIDR)
	}
	return out
}
