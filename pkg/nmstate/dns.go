package nmstate

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
)

// label is one of a domain name. Those of services begin with _.
const label = `[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?`

var (
	domain   = regexp.MustCompile(`^` + label + `(\.` + label + `)*$`)
	hexBytes = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$`)
)

// Priorities of name servers; the lower counts first. They are those of nmstate, and lower than
// the ones that DHCP gives.
const (
	firstResolver  = 40
	secondResolver = 50
)

// resolverFlags and resolverNumbers are options of resolv.conf(5).
var (
	resolverFlags = []string{
		"debug", "edns0", "inet6", "ip6-bytestring", "ip6-dotint", "no-aaaa", "no-check-names", "no-ip6-dotint",
		"no-reload", "no-tld-query", "rotate", "single-request", "single-request-reopen", "trust-ad", "use-vc",
	}
	resolverNumbers = []string{"ndots", "timeout", "attempts"}
)

// dns gives name servers, which are the host's, to interfaces: those of a protocol to the
// first interface with static addresses of it, or with auto-dns: false, or else to the first
// that has addresses. Search domains go with the protocol of the first server.
func (t *translation) dns(set *DNS) {
	at := t.at.Child("dns-resolver", "config")
	shared := set.sharedSettings(at)
	servers := at.Child("server")
	if len(set.Servers) == 0 {
		t.searchOnly(at, shared)
		return
	}
	byProtocol := map[bool][]string{}
	zones := map[bool]string{}
	var order []bool // the protocols, in the order of the servers
	for i, text := range set.Servers {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() {
			servers.Index(i).Invalid(text, "must be an IP address")
			return
		}
		v6 := a.Is6()
		if a.IsLinkLocalUnicast() && v6 && a.Zone() == "" {
			servers.Index(i).Invalid(text, "must name its interface, like fe80::1%%eth0")
			return
		}
		if zone := a.Zone(); zone != "" {
			if zones[v6] != "" && zones[v6] != zone {
				servers.Index(i).Invalid(text, "all link-local servers must be of one interface")
				return
			}
			zones[v6] = zone
		}
		if len(order) == 0 || order[len(order)-1] != v6 {
			order = append(order, v6)
		}
		byProtocol[v6] = append(byProtocol[v6], a.WithZone("").String())
	}
	if len(order) > 2 {
		servers.Invalid(strings.Join(set.Servers, " "), "must not go back and forth between IPv4 and IPv6: "+
			"NetworkManager orders servers by protocol")
		return
	}
	for i, v6 := range order {
		f := t.resolverFamily(servers, v6, zones[v6])
		if f == nil {
			return
		}
		f.resolver.Add("dns", "%s;", strings.Join(byProtocol[v6], ";"))
		if i == 0 {
			f.resolver.Add("dns-priority", "%d", firstResolver)
			f.resolver = append(f.resolver, shared...)
		} else {
			f.resolver.Add("dns-priority", "%d", secondResolver)
		}
	}
}

// resolverFamily finds the interface for name servers of a protocol.
func (t *translation) resolverFamily(at report.Field, v6 bool, zone string) *family {
	if zone != "" {
		if p := t.byName[zone]; p != nil && p.state != absent && p.family(v6).usable() {
			return p.family(v6)
		}
		at.Invalid(zone, "no interface of this name has IPv6 with more than link-local addresses, without which "+
			"NetworkManager takes no name servers")
		return nil
	}
	for _, fits := range []func(*family) bool{
		func(f *family) bool { return !f.auto() || f.ownDNS },
		func(*family) bool { return true },
	} {
		for _, p := range t.profiles {
			if f := p.family(v6); f.usable() && fits(f) {
				return f
			}
		}
	}
	if !t.at.Child("interfaces").Broken() {
		protocol := (&family{v6: v6}).protocol()
		at.NotFound(protocol, "no interface has addresses of this protocol, which the servers are of")
	}
	return nil
}

// searchOnly gives search domains and options to the first interface that DHCP gives servers,
// or else the first with addresses.
func (t *translation) searchOnly(at report.Field, shared keyfile.Settings) {
	if len(shared) == 0 {
		return
	}
	for _, fits := range []func(*family) bool{(*family).auto, (*family).usable} {
		for _, p := range t.profiles {
			for _, f := range []*family{p.ipv6, p.ipv4} {
				if f.usable() && fits(f) {
					f.resolver.Add("dns-priority", "%d", firstResolver)
					f.resolver = append(f.resolver, shared...)
					return
				}
			}
		}
	}
	at.Invalid("search", "no interface has addresses")
}

// sharedSettings are search domains and options.
func (set *DNS) sharedSettings(at report.Field) keyfile.Settings {
	var out keyfile.Settings
	for i, name := range set.Search {
		if !domain.MatchString(strings.TrimSuffix(strings.TrimPrefix(name, "~"), ".")) {
			at.Child("search").Index(i).Invalid(name, "must be a DNS name")
		}
	}
	if len(set.Search) > 0 {
		out = append(out, keyfile.Setting{Key: "dns-search", Value: strings.Join(set.Search, ";") + ";"})
	}
	for i, text := range set.Options {
		name, value, hasValue := strings.Cut(text, ":")
		_, err := strconv.ParseUint(value, 10, 8)
		if !slices.Contains(resolverFlags, text) && !(hasValue && err == nil && slices.Contains(resolverNumbers, name)) {
			at.Child("options").Index(i).Invalid(text, "must be an option of resolv.conf, like rotate or timeout:1")
		}
	}
	if len(set.Options) > 0 {
		out = append(out, keyfile.Setting{Key: "dns-options", Value: strings.Join(set.Options, ";") + ";"})
	}
	return out
}
