package virtualization

// HostNetworkPolicy is bonds, VLANs and bridges on some nodes. The interface that the node itself uses, and br-ex, are
// not for it: they are set up when the node is installed.
type HostNetworkPolicy struct {
	// Name is the name of the policy.
	Name string `json:"name" required:"true" pattern:"object-name"`
	// NodeSelector is labels of the nodes. Default: the nodes that run VMs.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// MaxUnavailable is how many nodes may change at the same time, as a number or a percentage. Default: 1.
	MaxUnavailable string `json:"maxUnavailable,omitempty" default:"1" pattern:"amount"`
	// Bonds join several network cards. Default: none.
	Bonds []Bond `json:"bonds,omitempty"`
	// VLANs are VLANs on network cards or bonds. Default: none.
	VLANs []VLAN `json:"vlans,omitempty"`
	// Bridges are bridges that VMs are attached to. Default: none.
	Bridges []Bridge `json:"bridges,omitempty"`
	// Localnets give bridges of Open vSwitch names for networks with localnet. Default: none.
	Localnets []BridgeMapping `json:"localnets,omitempty"`
}

// Bond joins several network cards.
type Bond struct {
	// Name is the name of the interface, like bond1.
	Name string `json:"name" required:"true" pattern:"interface"`
	// Mode is how the ports share the traffic. Default: active-backup. One of active-backup, 802.3ad, balance-xor,
	// balance-rr, broadcast, balance-tlb, balance-alb. 802.3ad needs LACP on the switch.
	Mode string `json:"mode" enum:"active-backup,802.3ad,balance-xor,balance-rr,broadcast,balance-tlb,balance-alb"`
	// Ports are the network cards.
	Ports []string `json:"ports" required:"true" pattern:"interface"`
	// MIIMon is the time between two looks at the links in milliseconds. Default: 100.
	MIIMon int `json:"miimon,omitempty" default:"100" min:"1"`
	// Primary is the port that is used while its link is up. Default: none. Only for active-backup, balance-tlb and
	// balance-alb.
	Primary string `json:"primary,omitempty" pattern:"interface"`
	// LACPRate is how often the switch is asked to send. Default: slow. One of slow, fast. Only for 802.3ad.
	LACPRate string `json:"lacpRate,omitempty" enum:"slow,fast"`
	// TransmitHashPolicy is what decides over the port. Default: layer2. One of layer2, layer2+3, layer3+4,
	// encap2+3, encap3+4, vlan+srcmac. Only for 802.3ad, balance-xor and balance-tlb.
	TransmitHashPolicy string `json:"transmitHashPolicy" enum:"layer2,layer2+3,layer3+4,encap2+3,encap3+4,vlan+srcmac"`
	// MTU is the largest size of frames. Default: that of the ports.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
	// DHCP gets the interface an IPv4 address of its own. Default: false.
	DHCP bool `json:"dhcp,omitempty"`
}

// VLAN is a VLAN on an interface.
type VLAN struct {
	// Name is the name of the interface. Default: <base>.<id>.
	Name string `json:"name,omitempty" pattern:"interface"`
	// Base is the interface that has the VLAN.
	Base string `json:"base" required:"true" pattern:"interface"`
	// ID is the number of the VLAN.
	ID int `json:"id" required:"true" min:"1" max:"4094"`
	// MTU is the largest size of frames. Default: that of base.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
	// DHCP gets the interface an IPv4 address of its own. Default: false.
	DHCP bool `json:"dhcp,omitempty"`
}

// Kinds of bridges.
const (
	LinuxBridge = "linux"
	OVSBridge   = "ovs"
)

// Bridge is a bridge that VMs are attached to.
type Bridge struct {
	// Name is the name of the bridge, like br1.
	Name string `json:"name" required:"true" pattern:"interface"`
	// Type is the kind of bridge: linux for networks with bridge, ovs for networks with localnet. Default: linux. One
	// of linux, ovs.
	Type string `json:"type,omitempty" enum:"linux,ovs" default:"linux"`
	// Ports are network cards, bonds or VLANs. Default: none, and VMs of one node can reach each other only.
	Ports []string `json:"ports,omitempty" pattern:"interface"`
	// STP turns the spanning tree protocol on. Default: false.
	STP bool `json:"stp,omitempty"`
	// MTU is the largest size of frames. Default: that of the ports.
	MTU int `json:"mtu,omitempty" min:"576" max:"65535"`
	// DHCP gets the nodes an IPv4 address on the bridge. Default: false. Only for type linux.
	DHCP bool `json:"dhcp,omitempty"`
}

// BridgeMapping gives a bridge a name for networks.
type BridgeMapping struct {
	// Name is what networks with localnet call it.
	Name string `json:"name" required:"true" pattern:"object-name"`
	// Bridge is the bridge: br-ex, or one of type ovs.
	Bridge string `json:"bridge" required:"true"`
}
