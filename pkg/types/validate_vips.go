package types

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

// vips are the virtual addresses of a platform, with the names of their fields.
type vips struct {
	vipNames
	at           report.Path
	api, ingress []netip.Addr
	balancer     *LoadBalancer
	missing      string // what to do about a list that is empty
}

// validateVIPs checks the virtual addresses of API and routes. Behind a load
// balancer of the user's they may be equal and anywhere.
func validateVIPs(c *InstallConfig, v vips, r *report.Report) {
	managed := v.balancer.kind() != LoadBalancerUserManaged
	v.checkList(c, v.vipNames.api, v.api, managed, r)
	v.checkList(c, v.vipNames.ingress, v.ingress, managed, r)
	for i, ip := range v.api {
		if managed && ip.IsValid() && slices.Contains(v.ingress, ip) {
			r.InvalidItem(v.at.Child(v.vipNames.api), i, ip, "is also one of %s; API and routes need an address each", v.vipNames.ingress)
		}
	}
}

func (v vips) checkList(c *InstallConfig, name string, list []netip.Addr, managed bool, r *report.Report) {
	at := v.at.Child(name)
	networks := c.Networking.MachineCIDRs()
	machines := report.NewPath("networking", "machineNetwork")
	switch len(list) {
	case 0:
		if !r.Broken(v.at.Child(name[:len(name)-1])) { // the singular, old form
			r.Required(at, "%s", v.missing)
		}
		return
	case 1, 2:
	default:
		r.TooMany(at, len(list), 2)
		return
	}
	sound := !r.Broken(machines)
	for i, ip := range list {
		switch {
		case !ip.IsValid():
			r.InvalidItem(at, i, "", "must be an IP address")
			sound = false
		case managed && sound && !within(ip, networks):
			r.InvalidItem(at, i, ip, "is in none of networking.machineNetwork: %s", joinPrefixes(networks))
			sound = false // the same mistake would look like others below
		}
	}
	v4, v6 := families(networks)
	switch {
	case !sound:
	case len(list) == 2 && list[0].Is4() == list[1].Is4():
		r.InvalidItem(at, 1, list[1], "two addresses must be of different IP families")
	case len(list) == 1 && v4 && v6 && list[0].Is4() != networks[0].Addr().Is4():
		r.InvalidItem(at, 0, list[0], "must be of the IP family of the first machineNetwork, %s", networks[0])
	}
}

func within(ip netip.Addr, nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) })
}
