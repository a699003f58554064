// Package values has rules for single values, such as names, addresses, keys and images.
// A rule adds its findings to the field with the value.
package values

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

const dnsLabel = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`

var subdomain = regexp.MustCompile(`^` + dnsLabel + `(\.` + dnsLabel + `)*$`)

// MaxDNSName is the length of a DNS name.
const MaxDNSName = 253

// IsSubdomain reports whether a text is a name as RFC 1123 has it.
func IsSubdomain(s string) bool { return len(s) <= MaxDNSName && subdomain.MatchString(s) }

const (
	hostPattern = `([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
	dirPattern  = `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
)

var (
	registry = regexp.MustCompile(`^(` + hostPattern + `(\.` + hostPattern + `)*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
	imageDir = regexp.MustCompile(`^` + dirPattern + `(/` + dirPattern + `)*$`)
)

// IsRepository reports whether a text is a registry, or a repository without tag and
// digest. A host without a dot or a port is an abbreviation, which nodes do not expand.
func IsRepository(s string) bool {
	host, path, deeper := strings.Cut(s, "/")
	if !registry.MatchString(host) || deeper && !imageDir.MatchString(path) {
		return false
	}
	return !deeper || host == "localhost" || strings.ContainsAny(host, ".:")
}

// TimeServer checks the address or the name of a time server.
func TimeServer(at report.Field, value string) {
	if _, err := netip.ParseAddr(value); err != nil && !IsSubdomain(strings.TrimSuffix(strings.ToLower(value), ".")) {
		at.Invalid(value, "must be an IP address or a DNS name")
	}
}

// Within reports whether an address is in one of some networks.
func Within(ip netip.Addr, nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) })
}

// Families reports of which IP families a list has networks.
func Families(list []netip.Prefix) (v4, v6 bool) {
	for _, p := range list {
		v4 = v4 || p.Addr().Is4()
		v6 = v6 || p.Addr().Is6()
	}
	return v4, v6
}

// Drop empties a field that nothing looks at any more.
func Drop[T comparable](at report.Field, value *T) {
	var zero T
	if *value != zero {
		at.Warn(nil, "means nothing any more; remove it")
		*value = zero
	}
}

// JoinPrefixes lists networks for a message.
func JoinPrefixes(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}
