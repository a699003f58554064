package virtualization

import "net/netip"

// Network is a network that VMs can be attached to: one of bridge, localnet, sriov and macvlan.
type Network struct {
	// Name is the name of the NetworkAttachmentDefinition.
	Name string `json:"name" required:"true" pattern:"object-name"`
	// Namespace is where VMs can use it. Default: default, where all can; kubevirt-hyperconverged for macvlan. If
	// there is no such namespace, it is created.
	Namespace string `json:"namespace,omitempty" pattern:"label-name"`
	// Bridge attaches VMs to a Linux bridge of their node.
	Bridge *BridgeNetwork `json:"bridge,omitempty"`
	// Localnet attaches VMs to a network outside of the cluster by OVN-Kubernetes.
	Localnet *LocalnetNetwork `json:"localnet,omitempty"`
	// SRIOV gives VMs a part of a network card.
	SRIOV *SRIOVNetwork `json:"sriov,omitempty"`
	// Macvlan is a network for live migrations.
	Macvlan *MacvlanNetwork `json:"macvlan,omitempty"`
}

// BridgeNetwork is a Linux bridge.
type BridgeNetwork struct {
	// Name is the name of the bridge on the nodes.
	Name string `json:"name" required:"true" pattern:"interface"`
	// VLAN is the number of the VLAN. Default: none.
	VLAN int `json:"vlan,omitempty" min:"1" max:"4094"`
	// MACSpoofCheck drops frames with another address than the VM's. Default: true.
	MACSpoofCheck *bool `json:"macSpoofCheck,omitempty" default:"true"`
	// PreserveDefaultVLAN leaves the ports of VMs in the bridge's VLAN 1, too. Default: false.
	PreserveDefaultVLAN bool `json:"preserveDefaultVLAN,omitempty"`
	// MTU is the largest size of frames. Default: that of the bridge.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
}

// LocalnetNetwork is a network outside of the cluster.
type LocalnetNetwork struct {
	// Name is the physical network: a name of hostNetwork.localnets. Default: physnet, which is the machine network.
	Name string `json:"name,omitempty" default:"physnet" pattern:"object-name"`
	// VLAN is the number of the VLAN. Default: none.
	VLAN int `json:"vlan,omitempty" min:"1" max:"4094"`
	// MTU is the largest size of frames. Default: 1500.
	MTU int `json:"mtu,omitempty" default:"1500" min:"576" max:"65535"`
	// Subnets are the networks from which OVN gives addresses to VMs. Default: none, and VMs get them elsewhere.
	Subnets []netip.Prefix `json:"subnets,omitempty"`
	// ExcludeSubnets are parts of subnets that OVN gives to nobody. Default: none.
	ExcludeSubnets []netip.Prefix `json:"excludeSubnets,omitempty"`
}

// SRIOVNetwork is virtual functions of network cards.
type SRIOVNetwork struct {
	// ResourceName is the name of the pool of virtual functions: letters and digits.
	ResourceName string `json:"resourceName" required:"true" pattern:"pool-name"`
	// VFs is how many virtual functions each card gets.
	VFs int `json:"vfs" required:"true" min:"1" max:"254"`
	// Interfaces are names of the cards, like ens1f0. At least one of interfaces, rootDevices, vendor and deviceID.
	Interfaces []string `json:"interfaces,omitempty" pattern:"interface"`
	// RootDevices are PCI addresses of the cards, like 0000:3b:00.0.
	RootDevices []string `json:"rootDevices,omitempty" pattern:"pci-address"`
	// Vendor is the PCI vendor of the cards, like 8086.
	Vendor string `json:"vendor,omitempty" pattern:"pci-id"`
	// DeviceID is the PCI device of the cards, like 158b.
	DeviceID string `json:"deviceID,omitempty" pattern:"pci-id"`
	// NodeSelector is labels of the nodes with the cards. Default: the nodes that run VMs.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// VLAN is the number of the VLAN. Default: none.
	VLAN int `json:"vlan,omitempty" min:"1" max:"4094"`
	// SpoofCheck drops frames with another address than the VM's. Default: true.
	SpoofCheck *bool `json:"spoofCheck,omitempty" default:"true"`
	// Trust lets VMs change the settings of their virtual function. Default: false.
	Trust bool `json:"trust,omitempty"`
	// MTU is the largest size of frames. Default: that of the card.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
}

// MacvlanNetwork is an interface of the nodes that carries live migrations.
type MacvlanNetwork struct {
	// Interface is the interface of the nodes.
	Interface string `json:"interface" required:"true" pattern:"interface"`
	// Subnet is the network of which each node gets an address. No other machine may use these.
	Subnet netip.Prefix `json:"subnet" required:"true"`
	// Exclude are parts of subnet that no node gets. Default: none.
	Exclude []netip.Prefix `json:"exclude,omitempty"`
	// MTU is the largest size of frames. Default: that of the interface.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
}
