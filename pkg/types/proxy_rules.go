package types

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/types/values"
)

// Validate implements Validator.
func (p *Proxy) Validate(k Check) {
	if p.HTTPProxy == "" && p.HTTPSProxy == "" {
		k.Required("set httpProxy or httpsProxy")
	}
	checkProxyURL(k, "httpProxy", p.HTTPProxy, "http")
	checkProxyURL(k, "httpsProxy", p.HTTPSProxy, "http", "https")
	at := k.Child("noProxy")
	if p.NoProxy == "*" || p.NoProxy == "" {
		return
	}
	if strings.ContainsAny(p.NoProxy, " \t\n") {
		at.Invalid(p.NoProxy, "must not contain spaces")
		return
	}
	for item := range strings.SplitSeq(p.NoProxy, ",") {
		if !isProxyExclusion(item) {
			at.Invalid(item, "must be an IP address, a network or a domain, without wildcards; a domain covers what is below it")
		}
	}
}

func checkProxyURL(k Check, field, value string, schemes ...string) {
	if value == "" {
		return
	}
	at := k.Child(field)
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" && !strings.Contains(value, "://"):
		at.Invalid(values.Hidden, "must be a URL, like http://proxy.example.com:3128") // it may hold a password
		return
	case !slices.Contains(schemes, u.Scheme):
		at.Unsupported(u.Scheme, schemes...)
		return
	case u.Hostname() == "":
		at.Invalid(values.Hidden, "must name a host, like http://proxy.example.com:3128")
		return
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return
	}
	n := k.Config.Networking
	for _, in := range []struct {
		name string
		nets []netip.Prefix
	}{
		{"networking.clusterNetwork", n.ClusterCIDRs()}, {"networking.serviceNetwork", n.ServiceNetwork},
		{"networking.ovnKubernetesConfig.ipv4.internalJoinSubnet", []netip.Prefix{n.joinSubnet()}},
	} {
		if values.Within(ip, in.nets) {
			at.Invalid(ip, "must be outside the cluster, and is in %s", in.name)
			return
		}
	}
}

func isProxyExclusion(item string) bool {
	if _, err := netip.ParseAddr(item); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(item); err == nil {
		return true
	}
	return values.IsSubdomain(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(item), "."), "."))
}
