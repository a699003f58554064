// Package link gives a node the network that nmstate's format describes, by netlink.
package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// State is the part of nmstate's format that the lab can apply.
type State struct {
	Interfaces []Interface `json:"interfaces"`
}

// Interface is an interface that is to be as described; others stay as they are.
type Interface struct {
	Name        string  `json:"name"`
	Type        string  `json:"type,omitempty"`
	State       string  `json:"state,omitempty"`
	Description string  `json:"description,omitempty"`
	MTU         int     `json:"mtu,omitempty"`
	IPv4        *IP     `json:"ipv4,omitempty"`
	IPv6        *IP     `json:"ipv6,omitempty"`
	Bridge      *Bridge `json:"bridge,omitempty"`
	Bond        *Bond   `json:"link-aggregation,omitempty"`
	VLAN        *VLAN   `json:"vlan,omitempty"`
}

// IP is one family of addresses.
type IP struct {
	Enabled   bool      `json:"enabled"`
	DHCP      bool      `json:"dhcp,omitempty"`
	Addresses []Address `json:"address,omitempty"`
}

// Address is a static address.
type Address struct {
	IP     netip.Addr `json:"ip"`
	Prefix int        `json:"prefix-length"`
}

// Bridge is what a linux-bridge has.
type Bridge struct {
	Options struct {
		STP *struct {
			Enabled *bool `json:"enabled,omitempty"`
		} `json:"stp,omitempty"`
	} `json:"options,omitempty"`
	Ports []BridgePort `json:"port"`
}

// BridgePort is one of its ports.
type BridgePort struct {
	Name string `json:"name"`
	// VLAN would need a kernel that filters VLANs on bridges.
	VLAN any `json:"vlan,omitempty"`
}

// Bond is what a bond has.
type Bond struct {
	Mode    string         `json:"mode"`
	Options map[string]any `json:"options,omitempty"`
	Ports   []string       `json:"port"`
}

// VLAN is what a vlan has.
type VLAN struct {
	Base string `json:"base-iface"`
	ID   int    `json:"id"`
}

// Types of interfaces, in the order in which they are made: what later ones are built on.
const (
	ethernet    = "ethernet"
	bond        = "bond"
	vlan        = "vlan"
	linuxBridge = "linux-bridge"
)

var order = []string{ethernet, bond, vlan, linuxBridge}

const (
	up     = "up"
	down   = "down"
	absent = "absent"
)

// Parse reads a desired state. What the lab cannot apply is an error: a policy that is half
// applied must not look successful.
func Parse(data []byte) (State, error) {
	var s State
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return State{}, fmt.Errorf("desired state: %w", err)
	}
	for n := range s.Interfaces {
		i := &s.Interfaces[n]
		if i.State == "" {
			i.State = up
		}
		if err := i.check(); err != nil {
			return State{}, fmt.Errorf("interface %q: %w", i.Name, err)
		}
		if slices.ContainsFunc(s.Interfaces[:n], func(o Interface) bool { return o.Name == i.Name }) {
			return State{}, fmt.Errorf("interface %q is there twice", i.Name)
		}
	}
	return s, nil
}

// longest is the longest name that the kernel takes.
const longest = 15

func (i Interface) check() error {
	switch {
	case i.Name == "" || len(i.Name) > longest:
		return fmt.Errorf("a name has 1 to %d characters", longest)
	case !slices.Contains([]string{up, down, absent}, i.State):
		return fmt.Errorf("unknown state %q", i.State)
	case i.State != up:
		return nil
	case i.Type == "ovs-bridge" || i.Type == "ovs-interface":
		return errors.New("Open vSwitch is not installed on the lab's nodes") //nolint:staticcheck // a name
	case i.Type != "" && !slices.Contains(order, i.Type):
		return fmt.Errorf("interfaces of type %q are not supported", i.Type)
	case (i.Bridge != nil) != (i.Type == linuxBridge):
		return errors.New("bridge and type linux-bridge need each other")
	case (i.Bond != nil) != (i.Type == bond):
		return errors.New("link-aggregation and type bond need each other")
	case (i.VLAN != nil) != (i.Type == vlan):
		return errors.New("vlan and type vlan need each other")
	case i.VLAN != nil && (i.VLAN.ID < 1 || i.VLAN.ID > 4094):
		return fmt.Errorf("VLAN %d is not between 1 and 4094", i.VLAN.ID)
	case i.MTU < 0 || i.MTU > 65535:
		return fmt.Errorf("an MTU of %d is not possible", i.MTU)
	}
	if i.Bridge != nil {
		for _, p := range i.Bridge.Ports {
			if p.VLAN != nil {
				return fmt.Errorf("port %s: the kernel does not filter VLANs on bridges", p.Name)
			}
		}
	}
	return errors.Join(i.IPv4.check(netip.Addr.Is4), i.IPv6.check(netip.Addr.Is6))
}

func (ip *IP) check(family func(netip.Addr) bool) error {
	if ip == nil || !ip.Enabled {
		return nil
	}
	if ip.DHCP {
		return errors.New("the lab's nodes have no DHCP client for further interfaces; give addresses")
	}
	for _, a := range ip.Addresses {
		if !a.IP.IsValid() || !family(a.IP) || a.Prefix < 0 || a.Prefix > a.IP.BitLen() {
			return fmt.Errorf("%s/%d is not an address of this family", a.IP, a.Prefix)
		}
	}
	return nil
}

// sorted are the interfaces in the order in which they are made; those to remove come first.
func (s State) sorted() []Interface {
	rank := func(i Interface) int {
		if i.State == absent {
			return -1
		}
		return slices.Index(order, i.Type)
	}
	out := slices.Clone(s.Interfaces)
	slices.SortStableFunc(out, func(a, b Interface) int { return rank(a) - rank(b) })
	return out
}
