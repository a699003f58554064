// Package nmstate translates network configuration in the format of nmstate, as install-config
// and agent-config have it in networkConfig, to profiles (keyfiles) of NetworkManager, without
// nmstatectl.
//
// The structs are the part of the format that can be translated. What else nmstate has is
// refused with its path, never left out: a host whose network lacks a setting is found out
// about too late.
//
// Formats: nmstate.io, and nm-settings-keyfile(5) of NetworkManager.
package nmstate

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Config is the network configuration of one host.
type Config struct {
	Interfaces []Interface  `json:"interfaces,omitempty"`
	Routes     *Routes      `json:"routes,omitempty"`
	RouteRules *RouteRules  `json:"route-rules,omitempty"`
	DNS        *DNSResolver `json:"dns-resolver,omitempty"`

	Hostname refused `json:"hostname,omitempty" why:"set the hostname of the host instead"`
	OVN      refused `json:"ovn,omitempty" why:"Open vSwitch is set up by the cluster"`
	OVSDB    refused `json:"ovs-db,omitempty" why:"Open vSwitch is set up by the cluster"`
	Capture  refused `json:"capture,omitempty" why:"there is no running host to take values from"`
}

// refused is a key of nmstate that is known and cannot be translated. The tag why says more.
type refused any

// Interface is a network interface.
type Interface struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty" enum:"ethernet,bond,vlan,linux-bridge,dummy"`
	State       string `json:"state,omitempty" enum:"up,down,absent"`
	Identifier  string `json:"identifier,omitempty" enum:"name,mac-address"`
	MACAddress  string `json:"mac-address,omitempty"`
	CopyMACFrom string `json:"copy-mac-from,omitempty"`
	// AcceptAllMACs is promiscuous mode.
	AcceptAllMACs *bool     `json:"accept-all-mac-addresses,omitempty"`
	MTU           *uint32   `json:"mtu,omitempty"`
	WaitIP        string    `json:"wait-ip,omitempty" enum:"any,ipv4,ipv6,ipv4+ipv6"`
	IPv4          *IP       `json:"ipv4,omitempty"`
	IPv6          *IP       `json:"ipv6,omitempty"`
	Ethernet      *Ethernet `json:"ethernet,omitempty"`
	Bond          *Bond     `json:"link-aggregation,omitempty"`
	VLAN          *VLAN     `json:"vlan,omitempty"`
	Bridge        *Bridge   `json:"bridge,omitempty"`
	LLDP          *LLDP     `json:"lldp,omitempty"`

	Controller   refused `json:"controller,omitempty" why:"list the interface among the ports of its controller"`
	ProfileName  refused `json:"profile-name,omitempty" why:"profiles are named after their interface"`
	PermanentMAC refused `json:"permanent-mac-address,omitempty" why:"nmstate only shows it"`
	MinMTU       refused `json:"min-mtu,omitempty" why:"nmstate only shows it"`
	MaxMTU       refused `json:"max-mtu,omitempty" why:"nmstate only shows it"`
	Driver       refused `json:"driver,omitempty" why:"nmstate only shows it"`
	Ethtool      refused `json:"ethtool,omitempty"`
	IEEE8021X    refused `json:"802.1x,omitempty"`
	Dispatch     refused `json:"dispatch,omitempty"`
	MPTCP        refused `json:"mptcp,omitempty"`
	VEth         refused `json:"veth,omitempty"`
	VRF          refused `json:"vrf,omitempty"`
	VXLAN        refused `json:"vxlan,omitempty"`
	MACVLAN      refused `json:"mac-vlan,omitempty"`
	MACVTap      refused `json:"mac-vtap,omitempty"`
	MACsec       refused `json:"macsec,omitempty"`
	IPVLAN       refused `json:"ipvlan,omitempty"`
	HSR          refused `json:"hsr,omitempty"`
	InfiniBand   refused `json:"infiniband,omitempty"`
	IPsec        refused `json:"libreswan,omitempty"`
	OVSBridge    refused `json:"ovs-bridge,omitempty" why:"Open vSwitch is set up by the cluster"`
	OVSDB        refused `json:"ovs-db,omitempty" why:"Open vSwitch is set up by the cluster"`
	Patch        refused `json:"patch,omitempty" why:"Open vSwitch is set up by the cluster"`
	DPDK         refused `json:"dpdk,omitempty" why:"Open vSwitch is set up by the cluster"`
}

// IP is IPv4 or IPv6 of an interface.
type IP struct {
	Enabled            *bool     `json:"enabled,omitempty"`
	DHCP               *bool     `json:"dhcp,omitempty"`
	Autoconf           *bool     `json:"autoconf,omitempty"`
	Addresses          []Address `json:"address,omitempty"`
	AutoDNS            *bool     `json:"auto-dns,omitempty"`
	AutoGateway        *bool     `json:"auto-gateway,omitempty"`
	AutoRoutes         *bool     `json:"auto-routes,omitempty"`
	AutoRouteTable     *uint32   `json:"auto-route-table-id,omitempty"`
	AutoRouteMetric    *uint32   `json:"auto-route-metric,omitempty"`
	AddrGenMode        string    `json:"addr-gen-mode,omitempty" enum:"eui64,stable-privacy"`
	DHCPClientID       string    `json:"dhcp-client-id,omitempty"`
	DHCPDUID           string    `json:"dhcp-duid,omitempty"`
	DHCPSendHostname   *bool     `json:"dhcp-send-hostname,omitempty"`
	DHCPCustomHostname string    `json:"dhcp-custom-hostname,omitempty"`

	Token             refused `json:"token,omitempty"`
	AllowExtraAddress refused `json:"allow-extra-address,omitempty" why:"it is about checking a running host"`
}

// Address is a static address.
type Address struct {
	IP           netip.Addr `json:"ip"`
	PrefixLength *uint32    `json:"prefix-length"`

	MPTCPFlags    refused `json:"mptcp-flags,omitempty"`
	ValidTime     refused `json:"valid-life-time,omitempty" why:"a static address does not expire"`
	PreferredTime refused `json:"preferred-life-time,omitempty" why:"a static address does not expire"`
	ValidLeft     refused `json:"valid-left,omitempty" why:"a static address does not expire"`
	PreferredLeft refused `json:"preferred-left,omitempty" why:"a static address does not expire"`
}

// Ethernet is what only interfaces of type ethernet have.
type Ethernet struct {
	AutoNegotiation *bool   `json:"auto-negotiation,omitempty"`
	Speed           *uint32 `json:"speed,omitempty"`
	Duplex          string  `json:"duplex,omitempty" enum:"full,half"`

	SRIOV refused `json:"sr-iov,omitempty"`
}

// Bond is what only interfaces of type bond have. Ports is another name of Port.
type Bond struct {
	Mode    any            `json:"mode"`
	Options map[string]any `json:"options,omitempty"`
	Port    []string       `json:"port,omitempty"`
	Ports   []string       `json:"ports,omitempty"`

	Slaves      refused `json:"slaves,omitempty" why:"its name is port"`
	PortsConfig refused `json:"ports-config,omitempty" why:"list the ports in port"`
}

// VLAN is what only interfaces of type vlan have.
type VLAN struct {
	BaseIface      string  `json:"base-iface"`
	ID             *uint32 `json:"id"`
	Protocol       string  `json:"protocol,omitempty" enum:"802.1q,802.1ad"`
	Registration   string  `json:"registration-protocol,omitempty" enum:"gvrp,mvrp,none"`
	ReorderHeaders *bool   `json:"reorder-headers,omitempty"`
	LooseBinding   *bool   `json:"loose-binding,omitempty"`
}

// Bridge is what only interfaces of type linux-bridge have. Ports is another name of Port.
type Bridge struct {
	Options map[string]any `json:"options,omitempty"`
	Port    []BridgePort   `json:"port,omitempty"`
	Ports   []BridgePort   `json:"ports,omitempty"`
}

// BridgePort is a port of a bridge. VLAN must be empty.
type BridgePort struct {
	Name     string         `json:"name"`
	Hairpin  *bool          `json:"stp-hairpin-mode,omitempty"`
	PathCost *uint32        `json:"stp-path-cost,omitempty"`
	Priority *uint32        `json:"stp-priority,omitempty"`
	VLAN     map[string]any `json:"vlan,omitempty"`
}

// LLDP is the discovery of neighbours.
type LLDP struct {
	Enabled *bool `json:"enabled"`

	Neighbors refused `json:"neighbors,omitempty" why:"nmstate only shows it"`
}

// Routes are the static routes.
type Routes struct {
	Config []Route `json:"config,omitempty"`

	Running refused `json:"running,omitempty" why:"nmstate only shows it; write the routes to config"`
}

// Route is a static route.
type Route struct {
	State            string     `json:"state,omitempty" enum:"absent"`
	Destination      string     `json:"destination"`
	NextHopAddress   netip.Addr `json:"next-hop-address,omitempty"`
	NextHopInterface string     `json:"next-hop-interface"`
	Metric           *int64     `json:"metric,omitempty"`
	TableID          *uint32    `json:"table-id,omitempty"`
	Weight           *uint32    `json:"weight,omitempty"`
	Source           netip.Addr `json:"source,omitempty"`

	RouteType refused `json:"route-type,omitempty"`
	CWND      refused `json:"cwnd,omitempty"`
}

// RouteRules are the rules that pick a routing table.
type RouteRules struct {
	Config []Rule `json:"config,omitempty"`

	Running refused `json:"running,omitempty" why:"nmstate only shows it; write the rules to config"`
}

// Rule is a rule that picks a routing table. Marks are numbers, or text like 0x20.
type Rule struct {
	State                string  `json:"state,omitempty" enum:"absent"`
	Family               string  `json:"family,omitempty" enum:"ipv4,ipv6"`
	From                 string  `json:"ip-from,omitempty"`
	To                   string  `json:"ip-to,omitempty"`
	Priority             *int64  `json:"priority,omitempty"`
	Table                *uint32 `json:"route-table,omitempty"`
	FWMark               any     `json:"fwmark,omitempty"`
	FWMask               any     `json:"fwmask,omitempty"`
	IIF                  string  `json:"iif,omitempty"`
	Action               string  `json:"action,omitempty" enum:"blackhole,unreachable,prohibit"`
	SuppressPrefixLength *uint32 `json:"suppress-prefix-length,omitempty"`
}

// DNSResolver is the configuration of the resolver.
type DNSResolver struct {
	Config *DNS `json:"config,omitempty"`

	Running refused `json:"running,omitempty" why:"nmstate only shows it; write the servers to config"`
}

// DNS are servers, search domains and options of the resolver.
type DNS struct {
	Servers []string `json:"server,omitempty"`
	Search  []string `json:"search,omitempty"`
	Options []string `json:"options,omitempty"`
}

// Read reads a file that holds the configuration of one host, and translates it. There are
// no keyfiles if the report has failed.
func Read(path string, data []byte) ([]Keyfile, *report.Report) {
	r := report.New(path)
	c := &Config{}
	if !decode.Into(c, data, decode.Options{}, r) {
		return nil, r
	}
	return Translate(c, nil, r, report.Path{}), r
}
