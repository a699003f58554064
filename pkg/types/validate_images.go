package types

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

var (
	registry = regexp.MustCompile(`^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
	imageDir = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
)

// isRepository says whether a text is a registry, or a repository of one without
// tag and digest. A name without a dot or a port is no registry but an
// abbreviation, which the nodes do not expand.
func isRepository(s string) bool {
	host, path, deeper := strings.Cut(s, "/")
	if !registry.MatchString(host) || deeper && !imageDir.MatchString(path) {
		return false
	}
	return !deeper || host == "localhost" || strings.ContainsAny(host, ".:")
}

func validateMirrors(c *InstallConfig, r *report.Report) {
	const form = "must be a registry or a repository, without tag and digest, like registry.example.com:5000/okd/scos"
	check := func(at report.Path, source string, mirrors []string) {
		if source == "" {
			r.Required(at.Child("source"), "the repository that has mirrors")
		} else if !isRepository(source) {
			r.Invalid(at.Child("source"), source, form)
		}
		for j, m := range mirrors {
			if !isRepository(m) {
				r.Invalid(at.Child("mirrors").Index(j), m, form)
			}
		}
	}
	for i, s := range c.ImageDigestSources {
		at := report.NewPath("imageDigestSources").Index(i)
		check(at, s.Source, s.Mirrors)
		if s.SourcePolicy != "" && len(s.Mirrors) == 0 && !r.Broken(at.Child("mirrors")) {
			r.Invalid(at.Child("sourcePolicy"), s.SourcePolicy,
				"says what is done when no mirror has an image, and there are no mirrors; add mirrors or remove it")
		}
	}
	for i, s := range c.ImageContentSources {
		check(report.NewPath("imageContentSources").Index(i), s.Source, s.Mirrors)
	}
	if len(c.ImageContentSources) > 0 && len(c.ImageDigestSources) > 0 {
		r.Invalid(report.NewPath("imageContentSources"), nil, "is the old form of imageDigestSources; set only imageDigestSources")
	}
}

func validateProxy(c *InstallConfig, r *report.Report) {
	if c.Proxy == nil {
		return
	}
	at := report.NewPath("proxy")
	if c.Proxy.HTTPProxy == "" && c.Proxy.HTTPSProxy == "" {
		r.Required(at, "set httpProxy or httpsProxy")
	}
	checkProxyURL(c, at.Child("httpProxy"), c.Proxy.HTTPProxy, r, "http")
	checkProxyURL(c, at.Child("httpsProxy"), c.Proxy.HTTPSProxy, r, "http", "https")
	at = at.Child("noProxy")
	if c.Proxy.NoProxy == "*" || c.Proxy.NoProxy == "" {
		return
	}
	if strings.ContainsAny(c.Proxy.NoProxy, " \t\n") {
		r.Invalid(at, c.Proxy.NoProxy, "must not contain spaces")
		return
	}
	for _, item := range strings.Split(c.Proxy.NoProxy, ",") {
		if !isProxyExclusion(item) {
			r.Invalid(at, item, "must be an IP address, a network or a domain, without wildcards; a domain covers what is below it")
		}
	}
}

func checkProxyURL(c *InstallConfig, at report.Path, value string, r *report.Report, schemes ...string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" && !strings.Contains(value, "://"):
		r.Invalid(at, hidden, "must be a URL, like http://proxy.example.com:3128") // it may hold a password
		return
	case !slices.Contains(schemes, u.Scheme):
		r.Unsupported(at, u.Scheme, schemes...)
		return
	case u.Hostname() == "":
		r.Invalid(at, hidden, "must name a host, like http://proxy.example.com:3128")
		return
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return
	}
	n := c.Networking
	for _, in := range []struct {
		name string
		nets []netip.Prefix
	}{
		{"networking.clusterNetwork", n.ClusterCIDRs()}, {"networking.serviceNetwork", n.ServiceNetwork},
		{"networking.ovnKubernetesConfig.ipv4.internalJoinSubnet", []netip.Prefix{n.joinSubnet()}},
	} {
		if within(ip, in.nets) {
			r.Invalid(at, ip, "must be outside the cluster, and is in %s", in.name)
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
	return isSubdomain(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(item), "."), "."))
}
