package nmstate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// connect reads what is particular to the types of interfaces: ports, and what VLANs are on.
func (t *translation) connect() {
	for _, p := range slices.Clone(t.profiles) { // ports add more
		if p.state == absent {
			continue
		}
		for _, part := range []struct {
			key, kind string
			there     bool
		}{
			{"ethernet", "ethernet", p.set.Ethernet != nil},
			{"link-aggregation", "bond", p.set.Bond != nil},
			{"vlan", "vlan", p.set.VLAN != nil},
			{"bridge", "linux-bridge", p.set.Bridge != nil},
		} {
			at := p.at.Child(part.key)
			switch {
			case part.there && part.kind != p.kind:
				at.Forbidden("is for interfaces of type %s; this is one of type %s", part.kind, p.kind)
			case !part.there && part.kind == p.kind && (p.kind == "bond" || p.kind == "vlan"):
				at.Required("the settings of the %s", p.kind)
			case part.there && p.kind == "bond":
				t.bond(p, at)
			case part.there && p.kind == "vlan":
				t.vlan(p, at)
			case part.there && p.kind == "linux-bridge":
				t.bridge(p, at)
			}
		}
	}
}

// addPort makes an interface a port.
func (t *translation) addPort(controller *profile, at report.Field, name string) *profile {
	if name == "" {
		at.Required("the name of the port")
		return nil
	}
	port := t.named(at, name)
	switch {
	case port == controller:
		at.Invalid(name, "is the interface itself")
	case port.controller != nil:
		at.Duplicate(name, "is a port of %s already", port.controller.name)
	case port.kind == controller.kind || port.kind == "linux-bridge":
		at.Invalid(name, "is a %s, which cannot be a port of a %s", port.kind, controller.kind)
	case port.set.IPv4.isEnabled():
		port.at.Child("ipv4", "enabled").Invalid(true, "must be false: %s is a port of %s, which has the addresses",
			name, controller.name)
	case port.set.IPv6.isEnabled():
		port.at.Child("ipv6", "enabled").Invalid(true, "must be false: %s is a port of %s, which has the addresses",
			name, controller.name)
	default:
		port.controller = controller
		controller.lower = append(controller.lower, port)
		return port
	}
	return nil
}

func (t *translation) vlan(p *profile, at report.Field) {
	set := p.set.VLAN
	base := at.Child("base-iface")
	switch {
	case set.ID == nil:
		at.Child("id").Required("the number of the VLAN")
		return
	case *set.ID < 1 || *set.ID > 4094:
		at.Child("id").Invalid(*set.ID, "must be between 1 and 4094")
	case set.BaseIface == "":
		base.Required("the interface that the VLAN is on")
		return
	case set.BaseIface == p.name:
		base.Invalid(set.BaseIface, "is the interface itself")
		return
	}
	if set.BaseIface == "" {
		return
	}
	lower := t.named(base, set.BaseIface)
	p.lower = append(p.lower, lower)
	key := fmt.Sprintf("%s %d", lower.name, *set.ID)
	if other := t.vlans[key]; other != "" {
		at.Child("id").Duplicate(*set.ID, "%s is the same VLAN on %s", other, lower.name)
	}
	t.vlans[key] = p.name
	parent := lower.name
	if lower.byMAC {
		parent = lower.id() // the name of the card is not known
	}
	p.own.Add("id", "%d", *set.ID)
	p.own.Add("parent", "%s", parent)
	p.own.Add("flags", "%d", vlanFlags(set))
	if set.Protocol == "802.1ad" {
		p.own.Add("protocol", "802.1ad") // the other is the default, which old versions do not know as a key
	}
}

// Flags of a VLAN, as NetworkManager and the kernel number them.
const (
	reorderHeaders = 1
	gvrp           = 2
	looseBinding   = 4
	mvrp           = 8
)

func vlanFlags(set *VLAN) int {
	flags := 0
	if set.ReorderHeaders == nil || *set.ReorderHeaders {
		flags |= reorderHeaders
	}
	if set.LooseBinding != nil && *set.LooseBinding {
		flags |= looseBinding
	}
	switch set.Registration {
	case "gvrp":
		flags |= gvrp
	case "mvrp":
		flags |= mvrp
	}
	return flags
}

// checkLoops looks for interfaces that are on top of themselves, and VLANs on a port.
func (t *translation) checkLoops() {
	for _, p := range t.profiles {
		if p.kind == "vlan" && len(p.lower) > 0 && p.lower[0].controller != nil {
			p.at.Child("vlan", "base-iface").Invalid(p.lower[0].name, "is a port of %s; put the VLAN on that",
				p.lower[0].controller.name)
		}
		if reaches(p, p, map[*profile]bool{}) {
			p.at.Child("name").Invalid(p.name, "is on top of itself, by way of its ports or base-iface")
			return // all of the loop would say so
		}
	}
}

func reaches(from, to *profile, seen map[*profile]bool) bool {
	for _, p := range from.lower {
		if p == to {
			return true
		}
		if !seen[p] {
			seen[p] = true
			if reaches(p, to, seen) {
				return true
			}
		}
	}
	return false
}

// setUp reads what all types have in common.
func (t *translation) setUp(p *profile) {
	if p.state == absent {
		return
	}
	t.hardware(p)
	if strings.ContainsFunc(p.set.Description, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		p.at.Child("description").Invalid(p.set.Description, "must not have control characters")
	}
	if p.controller != nil {
		return
	}
	p.ipv4.read(p.set.IPv4)
	p.ipv6.read(p.set.IPv6)
	p.ipv4.required = p.set.WaitIP == "ipv4" || p.set.WaitIP == "ipv4+ipv6"
	p.ipv6.required = p.set.WaitIP == "ipv6" || p.set.WaitIP == "ipv4+ipv6"
	for _, f := range []*family{p.ipv4, p.ipv6} {
		if f.required && f.method() == "disabled" && !f.at.Broken() {
			p.at.Child("wait-ip").Invalid(p.set.WaitIP, "the interface has no %s", f.protocol())
		}
	}
	if mtu := p.set.MTU; mtu != nil && *mtu < 1280 && p.ipv6.enabled {
		p.at.Child("mtu").Invalid(*mtu, "must be at least 1280 for IPv6")
	}
}

// hardware reads the settings of the link.
func (t *translation) hardware(p *profile) {
	mac := t.mac(p)
	switch {
	case p.byMAC && p.kind != "ethernet":
		p.at.Child("identifier").Invalid(p.set.Identifier, "is for interfaces of type ethernet")
	case p.byMAC && mac == "":
		p.at.Child("mac-address").Required("the interface is identified by it")
	case p.byMAC && t.cards[mac] != "":
		p.at.Child("mac-address").Duplicate(mac, "%s is the same network card", t.cards[mac])
	case p.byMAC:
		t.cards[mac] = p.name
		p.wired.Add("mac-address", "%s", mac)
	case mac != "":
		p.wired.Add("cloned-mac-address", "%s", mac)
	}
	if mtu := p.set.MTU; mtu != nil {
		if *mtu < 68 || *mtu > 65535 { // RFC 791: the smallest that IPv4 works with
			p.at.Child("mtu").Invalid(*mtu, "must be between 68 and 65535")
		}
		if len(p.lower) > 0 && p.kind == "vlan" && p.lower[0].set.MTU != nil && *mtu > *p.lower[0].set.MTU {
			p.at.Child("mtu").Invalid(*mtu, "is larger than the %d of %s, which the VLAN is on",
				*p.lower[0].set.MTU, p.lower[0].name)
		}
		p.wired.Add("mtu", "%d", *mtu)
	}
	if all := p.set.AcceptAllMACs; all != nil {
		on := 0
		if *all {
			on = 1
		}
		p.wired.Add("accept-all-mac-addresses", "%d", on)
	}
	if p.set.LLDP != nil && p.set.LLDP.Enabled == nil {
		p.at.Child("lldp", "enabled").Required("true or false")
	}
	if e := p.set.Ethernet; e != nil && p.kind == "ethernet" {
		p.ethernet(e)
	}
}

func (p *profile) ethernet(e *Ethernet) {
	at := p.at.Child("ethernet")
	switch fixed := e.Speed != nil || e.Duplex != ""; {
	case e.AutoNegotiation == nil && fixed:
		at.Child("auto-negotiation").Required("must be false for speed and duplex to count")
	case e.AutoNegotiation == nil:
	case *e.AutoNegotiation && fixed:
		at.Child("auto-negotiation").Invalid(true, "must be false for speed and duplex to count")
	case *e.AutoNegotiation:
		p.wired.Add("auto-negotiate", "true")
	case e.Speed == nil:
		at.Child("speed").Required("nothing is negotiated")
	case e.Duplex == "":
		at.Child("duplex").Required("nothing is negotiated")
	default:
		p.wired.Add("speed", "%d", *e.Speed)
		p.wired.Add("duplex", "%s", e.Duplex)
	}
}

// mac returns the MAC address that an interface gets, or is identified by.
func (t *translation) mac(p *profile) string {
	at, from := p.at.Child("mac-address"), p.at.Child("copy-mac-from")
	value := p.set.MACAddress
	if source := p.set.CopyMACFrom; source != "" {
		switch other := t.byName[source]; {
		case value != "":
			from.Forbidden("there is a mac-address as well")
			return ""
		case p.kind != "bond" && p.kind != "linux-bridge":
			from.Forbidden("is for interfaces of type bond and linux-bridge")
			return ""
		case other == nil || other.set.MACAddress == "":
			from.Invalid(source, "no interface of this name has a mac-address here; write the address itself "+
				"to mac-address")
			return ""
		default:
			value = other.set.MACAddress
		}
	}
	if value == "" || at.Broken() || !values.MAC(at, value) {
		return ""
	}
	return strings.ToUpper(values.PlainMAC(value)) // as nmstate writes it
}

// checkNICs compares the names of interfaces with those of network cards.
func (t *translation) checkNICs(nics []keyfile.NIC) {
	for _, p := range t.profiles {
		known := slices.ContainsFunc(nics, func(n keyfile.NIC) bool { return n.Name == p.name })
		switch {
		case len(nics) == 0 || p.state == absent:
		case p.kind != "ethernet" && known:
			p.label.Invalid(p.name, "is the name of a network card, and this is a %s", p.kind)
		case p.kind == "ethernet" && !known && !p.byMAC:
			p.label.Warn(p.name, "no network card is listed with this name, so it must be its name in Linux")
		}
	}
}
