package types

import (
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// validateFamilies makes sure that every list covers the same IP families, in an
// order that the platform can work with.
func validateFamilies(c *InstallConfig, at report.Path, r *report.Report) {
	n := c.Networking
	v4, v6 := families(n.ServiceNetwork)
	services := at.Child("serviceNetwork")
	if count := len(n.ServiceNetwork); v4 && v6 && count != 2 || v4 != v6 && count > 1 {
		r.Invalid(services, joinPrefixes(n.ServiceNetwork), "must be one network, or for dual stack one of each IP family")
		return
	}
	lists := []struct {
		name string
		nets []netip.Prefix
	}{{"machineNetwork", n.MachineCIDRs()}, {"clusterNetwork", n.ClusterCIDRs()}, {"serviceNetwork", n.ServiceNetwork}}
	for _, l := range lists {
		at := at.Child(l.name)
		if r.Broken(at) {
			continue
		}
		has4, has6 := families(l.nets)
		switch {
		case v4 && !has4:
			r.Invalid(at, joinPrefixes(l.nets), "must have an IPv4 network, since serviceNetwork has one")
		case v6 && !has6:
			r.Invalid(at, joinPrefixes(l.nets), "must have an IPv6 network, since serviceNetwork has one")
		case l.name == "clusterNetwork" && (has4 && !v4 || has6 && !v6):
			r.Invalid(at, joinPrefixes(l.nets), "has an IP family that serviceNetwork lacks")
		case v4 && v6 && c.Platform.BareMetal == nil && !l.nets[0].Addr().Is4():
			r.Invalid(at, joinPrefixes(l.nets), "IPv4 networks must be listed before IPv6 networks")
		case v4 && v6 && c.Platform.BareMetal != nil && l.nets[0].Addr().Is4() != n.MachineNetwork[0].CIDR.Addr().Is4():
			r.Invalid(at, joinPrefixes(l.nets), "must begin with the same IP family as machineNetwork")
		}
	}
}

func families(list []netip.Prefix) (v4, v6 bool) {
	for _, p := range list {
		v4 = v4 || p.Addr().Is4()
		v6 = v6 || p.Addr().Is6()
	}
	return v4, v6
}

func joinPrefixes(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}
