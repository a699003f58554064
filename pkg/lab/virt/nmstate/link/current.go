package link

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// Shown is an interface as it is, in nmstate's format.
type Shown struct {
	Name   string       `json:"name"`
	Type   string       `json:"type"`
	State  string       `json:"state"`
	MAC    string       `json:"mac-address,omitempty"`
	MTU    int          `json:"mtu,omitempty"`
	IPv4   IP           `json:"ipv4"`
	IPv6   IP           `json:"ipv6"`
	Bridge *ShownBridge `json:"bridge,omitempty"`
	Owner  string       `json:"controller,omitempty"`
}

// ShownBridge are the ports of a bridge.
type ShownBridge struct {
	Ports []BridgePort `json:"port"`
}

// Current is the network namespace's state, without interfaces of pods.
func Current() ([]Shown, error) {
	all, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var out []Shown
	for _, l := range all {
		if foreign(l.Attrs().Name) {
			continue
		}
		s, err := show(l, all)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", l.Attrs().Name, err)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Shown) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// kinds are nmstate's types of what the kernel calls otherwise.
var kinds = map[string]string{"bridge": linuxBridge, "device": ethernet, "veth": ethernet}

func show(l netlink.Link, all []netlink.Link) (Shown, error) {
	a := l.Attrs()
	s := Shown{Name: a.Name, Type: l.Type(), State: down, MAC: strings.ToUpper(a.HardwareAddr.String()), MTU: a.MTU}
	if t, ok := kinds[s.Type]; ok {
		s.Type = t
	}
	if a.Flags&net.FlagLoopback != 0 {
		s.Type = "loopback"
	}
	if a.Flags&net.FlagUp != 0 {
		s.State = up
	}
	if s.Type == linuxBridge {
		s.Bridge = &ShownBridge{Ports: []BridgePort{}}
	}
	for _, o := range all {
		if o.Attrs().Index == a.MasterIndex {
			s.Owner = o.Attrs().Name
		}
		if s.Bridge != nil && o.Attrs().MasterIndex == a.Index && !foreign(o.Attrs().Name) {
			s.Bridge.Ports = append(s.Bridge.Ports, BridgePort{Name: o.Attrs().Name})
		}
	}
	for family, ip := range map[int]*IP{netlink.FAMILY_V4: &s.IPv4, netlink.FAMILY_V6: &s.IPv6} {
		list, err := netlink.AddrList(l, family)
		if err != nil {
			return s, err
		}
		for _, x := range list {
			ones, _ := x.Mask.Size()
			if from, ok := netip.AddrFromSlice(x.IP); ok {
				ip.Enabled = true
				ip.Addresses = append(ip.Addresses, Address{IP: from.Unmap(), Prefix: ones})
			}
		}
	}
	return s, nil
}
