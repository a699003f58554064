package nmstate

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/okd-install/okd-install/pkg/report"
)

// mainTable is the routing table that Linux looks routes up in without rules.
const mainTable = 254

// numbered is a key of a list, which begins with 1.
func numbered(key string, index int) string { return key + strconv.Itoa(index+1) }

// route is a static route.
type route struct {
	to      netip.Prefix
	via     netip.Addr // none for a network on the link
	metric  int64      // -1 for NetworkManager's default
	table   uint32
	weight  uint32
	source  netip.Addr
	gateway report.Field
}

// line and options are written as NetworkManager writes them, so that a file which it has saved
// differs in nothing.
func (r route) line() string {
	via := r.via
	if !via.IsValid() && r.metric >= 0 { // it holds the place
		via = netip.IPv4Unspecified()
		if r.to.Addr().Is6() {
			via = netip.IPv6Unspecified()
		}
	}
	line := r.to.String()
	if via.IsValid() {
		line += "," + via.String()
	}
	if r.metric >= 0 {
		line += fmt.Sprintf(",%d", r.metric)
	}
	return line
}

// options always name the table. Otherwise it would be the one of auto-route-table-id.
func (r route) options() string {
	out := fmt.Sprintf("table=%d", r.table)
	if r.source.IsValid() {
		out = fmt.Sprintf("src=%s,%s", r.source, out)
	}
	if r.weight > 0 {
		out += fmt.Sprintf(",weight=%d", r.weight)
	}
	return out
}

func (t *translation) routes(set []Route) {
	at := t.at.Child("routes", "config")
	for i := range set {
		if set[i].State != absent { // a new host has none that could be removed
			t.route(at.Index(i), &set[i])
		}
	}
	for _, p := range t.profiles {
		p.ipv4.checkGateways()
		p.ipv6.checkGateways()
	}
}

func (t *translation) route(at report.Field, set *Route) {
	to, ok := network(at.Child("destination"), set.Destination)
	if !ok {
		return
	}
	f := t.routeFamily(at.Child("next-hop-interface"), set.NextHopInterface, to)
	if f == nil {
		return
	}
	r := route{to: to, via: set.NextHopAddress, metric: -1, table: table(set.TableID), source: set.Source}
	r.gateway = at.Child("next-hop-address")
	switch {
	case r.via.IsValid() && r.via.Is6() != f.v6:
		r.gateway.Invalid(r.via, "must be an %s address, as the destination is", f.protocol())
		return
	case r.via.IsValid() && (r.via.IsUnspecified() || r.via.IsMulticast() || r.via.IsLoopback()):
		r.gateway.Invalid(r.via, "is not the address of a gateway")
		return
	case r.source.IsValid() && r.source.Is6() != f.v6:
		at.Child("source").Invalid(r.source, "must be an %s address, as the destination is", f.protocol())
		return
	}
	if m := set.Metric; m != nil {
		if *m < -1 || *m > math.MaxUint32 {
			at.Child("metric").Invalid(*m, "must be between 0 and %d, or -1 for the default", uint32(math.MaxUint32))
		}
		r.metric = *m
	}
	if w := set.Weight; w != nil {
		switch weight := at.Child("weight"); {
		case f.v6:
			weight.Forbidden("is for IPv4")
		case *w < 1 || *w > 256:
			weight.Invalid(*w, "must be between 1 and 256")
		}
		r.weight = *w
	}
	for _, other := range f.routes {
		if r.to == other.to && r.via == other.via && r.table == other.table && r.metric == other.metric {
			at.Duplicate(set.Destination, "the route is there twice")
			return
		}
	}
	f.routes = append(f.routes, r)
}

// routeFamily finds where a route belongs.
func (t *translation) routeFamily(at report.Field, name string, to netip.Prefix) *family {
	p := t.byName[name]
	switch {
	case name == "":
		at.Required("the interface that leads to the destination")
		return nil
	case p == nil:
		at.NotFound(name, "no interface has this name")
		return nil
	case p.state == absent:
		at.Invalid(name, "the state of this interface is absent")
		return nil
	case p.controller != nil:
		at.Invalid(name, "is a port; the route belongs to %s", p.controller.name)
		return nil
	}
	f := p.family(to.Addr().Is6())
	if !f.enabled || !f.v6 && !f.usable() {
		if !f.at.Broken() && !p.at.Child("state").Broken() {
			at.Invalid(name, "has no %s, which the destination is of", f.protocol())
		}
		return nil
	}
	return f
}

func (p *profile) family(v6 bool) *family {
	if v6 {
		return p.ipv6
	}
	return p.ipv4
}

// checkGateways warns about gateways that are in none of the networks on the link. What DHCP
// gives is not known.
func (f *family) checkGateways() {
	for _, r := range f.routes {
		if r.via.IsValid() && !f.auto() && !r.via.IsLinkLocalUnicast() && !f.onLink(r.via) {
			r.gateway.Warn(r.via, "is in no subnet of the interface")
		}
	}
}

func (f *family) onLink(a netip.Addr) bool {
	for _, own := range f.addresses {
		if own.Masked().Contains(a) {
			return true
		}
	}
	for _, r := range f.routes {
		if !r.via.IsValid() && r.to.Contains(a) {
			return true
		}
	}
	return false
}

// network reads a network or a single address.
func network(at report.Field, text string) (netip.Prefix, bool) {
	if text == "" {
		at.Required("a network like 198.51.100.0/24, or 0.0.0.0/0 for the default route")
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(text)
	if a, single := netip.ParseAddr(text); err != nil && single == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		at.Invalid(text, "must be a network like 198.51.100.0/24, or an address")
		return netip.Prefix{}, false
	}
	return p.Masked(), true
}

// table is a routing table; 0 stands for the main one.
func table(id *uint32) uint32 {
	if id == nil {
		return mainTable
	}
	return cmp.Or(*id, mainTable)
}
