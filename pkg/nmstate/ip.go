package nmstate

import (
	"math"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
)

// forever is the longest timeout that NetworkManager takes. With its default of 45 seconds, a
// host whose DHCP server is late stays without network.
const forever = math.MaxInt32

// family is IPv4 or IPv6 of an interface on its way to a keyfile.
type family struct {
	at        report.Field
	v6        bool
	enabled   bool
	dhcp      bool
	autoconf  bool
	addresses []netip.Prefix
	places    []report.Field // of the addresses
	ownDNS    bool           // the DHCP server's name servers are not wanted
	table     uint32         // of the routes that are not static, 0 for the main one
	required  bool           // the interface is not up without it
	settings  keyfile.Settings
	routes    []route
	rules     []string
	resolver  keyfile.Settings
}

// isEnabled reports whether the interface takes part in the protocol.
func (ip *IP) isEnabled() bool { return ip != nil && isTrue(ip.Enabled) }

func isTrue(b *bool) bool { return b != nil && *b }

func isFalse(b *bool) bool { return b != nil && !*b }

// auto reports whether a server or router gives addresses.
func (f *family) auto() bool { return f.dhcp || f.autoconf }

// usable reports whether the interface has addresses of the family other than link-local ones.
func (f *family) usable() bool { return f.enabled && (f.auto() || len(f.addresses) > 0) }

func (f *family) protocol() string {
	if f.v6 {
		return "IPv6"
	}
	return "IPv4"
}

func (f *family) read(set *IP) {
	if set == nil {
		return
	}
	f.foreignKeys(set)
	switch asked := isTrue(set.DHCP) || isTrue(set.Autoconf) || len(set.Addresses) > 0; {
	case set.Enabled == nil && asked:
		f.at.Child("enabled").Required("must be true for %s", f.protocol())
		f.at.Child("enabled").Break()
		return
	case !isTrue(set.Enabled) && asked:
		f.at.Child("enabled").Invalid(false, "must be true for dhcp, autoconf and address to count")
		f.at.Child("enabled").Break()
		return
	case !isTrue(set.Enabled):
		return
	}
	f.enabled, f.dhcp, f.autoconf = true, isTrue(set.DHCP), isTrue(set.Autoconf)
	if f.autoconf && !f.dhcp {
		f.at.Child("dhcp").Required("must be true with autoconf: routers say whether there is a DHCP server, " +
			"and NetworkManager asks one only then")
	}
	for i := range set.Addresses {
		f.address(f.at.Child("address").Index(i), &set.Addresses[i])
	}
	if f.auto() {
		f.automatic(set)
	} else {
		f.ignored(set)
	}
	if !f.v6 && !f.usable() && !f.at.Broken() {
		f.at.Child("enabled").Warn(true, "there is neither dhcp nor an address, so the interface has no IPv4")
	}
	if f.v6 {
		mode := set.AddrGenMode
		if mode == "" {
			mode = "eui64"
		}
		f.settings.Add("addr-gen-mode", "%s", mode)
	}
}

// foreignKeys refuses keys of the other protocol.
func (f *family) foreignKeys(set *IP) {
	foreign := func(key, protocol string, there bool) {
		if there && f.protocol() != protocol {
			f.at.Child(key).Forbidden("is for %s", protocol)
		}
	}
	foreign("autoconf", "IPv6", isTrue(set.Autoconf))
	foreign("addr-gen-mode", "IPv6", set.AddrGenMode != "")
	foreign("dhcp-duid", "IPv6", set.DHCPDUID != "")
	foreign("dhcp-client-id", "IPv4", set.DHCPClientID != "")
}

func (f *family) address(at report.Field, set *Address) {
	ip, length := at.Child("ip"), at.Child("prefix-length")
	switch bits := uint32(set.IP.BitLen()); {
	case !set.IP.IsValid():
		ip.Required("the address")
	case set.IP.Is6() != f.v6:
		ip.Invalid(set.IP, "is not an %s address", f.protocol())
	case set.IP.IsUnspecified() || set.IP.IsMulticast() || set.IP.IsLoopback():
		ip.Invalid(set.IP, "is not the address of an interface")
	case set.PrefixLength == nil:
		length.Required("the length of the subnet's prefix, like 24")
	case *set.PrefixLength < 1 || *set.PrefixLength > bits:
		length.Invalid(*set.PrefixLength, "must be between 1 and %d", bits)
	case f.v6 && set.IP.IsLinkLocalUnicast():
		ip.Warn(set.IP, "is a link-local address, which the interface makes for itself; ignored")
		return
	default:
		f.addresses = append(f.addresses, netip.PrefixFrom(set.IP, int(*set.PrefixLength)))
		f.places = append(f.places, ip)
		return
	}
	at.Break() // that the interface has no address is the same mistake
}

// automatic reads what matters with DHCP and router advertisements.
func (f *family) automatic(set *IP) {
	s := &f.settings
	s.Add("dhcp-timeout", "%d", forever)
	if f.v6 {
		s.Add("ra-timeout", "%d", forever)
		f.identity("dhcp-duid", set.DHCPDUID)
		s.Add("dhcp-iaid", "mac")
	} else {
		f.identity("dhcp-client-id", set.DHCPClientID)
	}
	f.ownDNS = isFalse(set.AutoDNS)
	for _, key := range []struct {
		name string
		off  bool
	}{
		{"ignore-auto-dns", f.ownDNS}, {"never-default", isFalse(set.AutoGateway)},
		{"ignore-auto-routes", isFalse(set.AutoRoutes)},
	} {
		if key.off {
			s.Add(key.name, "true")
		}
	}
	if set.AutoRouteTable != nil && *set.AutoRouteTable != 0 {
		f.table = *set.AutoRouteTable
		s.Add("route-table", "%d", f.table)
	}
	s.AddNumber("route-metric", set.AutoRouteMetric)
	name, at := set.DHCPCustomHostname, f.at.Child("dhcp-custom-hostname")
	switch {
	case isFalse(set.DHCPSendHostname):
		s.Add("dhcp-send-hostname", "false")
		if name != "" {
			at.Forbidden("dhcp-send-hostname is false")
		}
	case name == "":
	case !domain.MatchString(name):
		at.Invalid(name, "must be a DNS name")
	case strings.Contains(name, ".") && !f.v6:
		s.Add("dhcp-fqdn", "%s", name)
	default:
		s.Add("dhcp-hostname", "%s", name)
	}
}

// identity is what a host tells a DHCP server that it is: by default its MAC address, so that
// it is the same before and after the installation.
func (f *family) identity(key, value string) {
	words, other := map[string]string{"": "mac", "ll": "mac", "iaid+duid": "duid"}, "iaid+duid"
	if f.v6 {
		words, other = map[string]string{"": "ll", "ll": "ll", "llt": "llt"}, "llt"
	}
	word, ok := words[value]
	if !ok {
		if !hexBytes.MatchString(value) {
			f.at.Child(key).Invalid(value, "must be ll or %s, or bytes in hexadecimal like 01:52:54:00:12:34:56", other)
			return
		}
		word = value
	}
	f.settings.Add(key, "%s", word)
}

// ignored warns about settings that need DHCP or router advertisements.
func (f *family) ignored(set *IP) {
	for _, key := range []struct {
		name  string
		there bool
	}{
		{"auto-dns", isTrue(set.AutoDNS)},
		{"auto-gateway", isTrue(set.AutoGateway)},
		{"auto-routes", isTrue(set.AutoRoutes)},
		{"auto-route-table-id", set.AutoRouteTable != nil},
		{"auto-route-metric", set.AutoRouteMetric != nil},
		{"dhcp-client-id", set.DHCPClientID != ""},
		{"dhcp-duid", set.DHCPDUID != ""},
		{"dhcp-send-hostname", isTrue(set.DHCPSendHostname)},
		{"dhcp-custom-hostname", set.DHCPCustomHostname != ""},
	} {
		if key.there {
			f.at.Child(key.name).Warn("...", "has no effect without dhcp")
		}
	}
}

// method is what NetworkManager calls the way to get addresses.
func (f *family) method() string {
	switch {
	case !f.enabled:
		return "disabled"
	case f.dhcp && f.v6 && !f.autoconf:
		return "dhcp"
	case f.auto():
		return "auto"
	case len(f.addresses) > 0:
		return "manual"
	case f.v6:
		return "link-local"
	}
	return "disabled"
}

func (f *family) render() keyfile.Settings {
	var s keyfile.Settings
	s.Add("method", "%s", f.method())
	for i, a := range f.addresses {
		s.Add(numbered("address", i), "%s", a)
	}
	if f.required {
		s.Add("may-fail", "false")
	}
	s = append(s, f.settings...)
	for i, r := range f.routes {
		s.Add(numbered("route", i), "%s", r.line())
		s.Add(numbered("route", i)+"_options", "%s", r.options())
	}
	for i, rule := range f.rules {
		s.Add(numbered("routing-rule", i), "%s", rule)
	}
	return append(s, f.resolver...)
}

// checkAddresses looks for addresses that two interfaces have.
func (t *translation) checkAddresses() {
	owners := map[netip.Addr]*profile{}
	for _, p := range t.profiles {
		for _, f := range []*family{p.ipv4, p.ipv6} {
			for i, a := range f.addresses {
				if other := owners[a.Addr()]; other != nil {
					f.places[i].Duplicate(a.Addr(), "%s has this address already", other.name)
				}
				owners[a.Addr()] = p
			}
		}
	}
}
