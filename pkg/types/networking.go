package types

import "net/netip"

// Networking is the cluster's networks.
type Networking struct {
	NetworkType         string                `json:"networkType,omitempty"`
	MachineNetwork      []MachineNetworkEntry `json:"machineNetwork,omitempty"`
	ClusterNetwork      []ClusterNetworkEntry `json:"clusterNetwork,omitempty"`
	ServiceNetwork      []netip.Prefix        `json:"serviceNetwork,omitempty"`
	ClusterNetworkMTU   uint32                `json:"clusterNetworkMTU,omitempty"`
	OVNKubernetesConfig *OVNKubernetesConfig  `json:"ovnKubernetesConfig,omitempty"`

	// Names that early releases used. Load moves them to the current ones.
	LegacyType            string                `json:"type,omitempty"`
	LegacyMachineCIDR     netip.Prefix          `json:"machineCIDR,omitzero"`
	LegacyServiceCIDR     netip.Prefix          `json:"serviceCIDR,omitzero"`
	LegacyClusterNetworks []ClusterNetworkEntry `json:"clusterNetworks,omitempty"`
}

// MachineNetworkEntry is a network that machines are in.
type MachineNetworkEntry struct {
	CIDR netip.Prefix `json:"cidr"`
}

// ClusterNetworkEntry is a range of pod addresses.
type ClusterNetworkEntry struct {
	CIDR       netip.Prefix `json:"cidr"`
	HostPrefix int          `json:"hostPrefix,omitempty"`
	// LegacyHostSubnetLength is the number of host bits; Load converts it.
	LegacyHostSubnetLength int `json:"hostSubnetLength,omitempty"`
}

// OVNKubernetesConfig changes ranges that OVN-Kubernetes uses internally.
type OVNKubernetesConfig struct {
	IPv4 *OVNIPv4 `json:"ipv4,omitempty"`
}

// OVNIPv4 is the IPv4 part of OVNKubernetesConfig.
type OVNIPv4 struct {
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
