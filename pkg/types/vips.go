package types

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

// VIPs are the virtual addresses of a platform, with the names of their fields.
type VIPs struct {
	API, Ingress VIP
	Balancer     *LoadBalancer
	Missing      string // what to do about a list that is empty
}

// VIP is one list of virtual addresses.
type VIP struct {
	Name string // key of the list
	Old  string // key of the old form, with one address
	List *[]netip.Addr
	One  *netip.Addr // the old form
}

// vipForms are the keys of virtual addresses that the file has in the old form,
// with the old key for each. It is no part of the config.
type vipForms map[string]string

// APIVIPs are the virtual addresses of the API, none where a platform has none.
func (c *InstallConfig) APIVIPs() []netip.Addr {
	if v := c.VIPs(); v != nil {
		return *v.API.List
	}
	return nil
}

// IngressVIPs are the virtual addresses of the routers.
func (c *InstallConfig) IngressVIPs() []netip.Addr {
	if v := c.VIPs(); v != nil {
		return *v.Ingress.List
	}
	return nil
}

// LoadBalancerType is the kind of load balancer in front of API and routers.
func (c *InstallConfig) LoadBalancerType() string {
	if v := c.VIPs(); v != nil {
		return v.Balancer.Kind()
	}
	return LoadBalancerManaged
}

// APIVIPField is the path of the API's virtual addresses as the file has it,
// empty where a platform has none.
func (c *InstallConfig) APIVIPField() string {
	if v := c.VIPs(); v != nil {
		return c.vipField(v.API)
	}
	return ""
}

// IngressVIPField is the path of the routers' virtual addresses as the file has
// it, empty where a platform has none.
func (c *InstallConfig) IngressVIPField() string {
	if v := c.VIPs(); v != nil {
		return c.vipField(v.Ingress)
	}
	return ""
}

func (c *InstallConfig) vipField(v VIP) string {
	name := v.Name
	if old, is := c.vipForms[name]; is {
		name = old
	}
	return report.NewPath("platform", c.Platform.Name(), name).String()
}

// convert brings the addresses into the new form and returns which keys the file
// has.
func (v *VIPs) convert(at report.Field) vipForms {
	forms := vipForms{}
	for _, list := range []VIP{v.API, v.Ingress} {
		if list.convert(at) {
			forms[list.Name] = list.Old
		}
	}
	return forms
}

// convert moves the singular form into the list. As in the reference, a clash is
// a finding about the list. It reports whether the list is what the old form said.
func (v VIP) convert(at report.Field) bool {
	one := *v.One
	*v.One = netip.Addr{}
	if !one.IsValid() {
		return false
	}
	old, now := at.Child(v.Old), at.Child(v.Name)
	if len(*v.List) == 0 {
		*v.List = []netip.Addr{one}
		listFrom(old, now)
		return true
	}
	if !slices.Contains(*v.List, one) {
		now.At(old).Invalid(one, "is what %s, the old form of %s, says, but %s says something else; set only %s",
			v.Old, v.Name, v.Name, v.Name)
	}
	return false
}

// check holds the addresses against the machine networks and each other. Behind a
// load balancer of the user's they may be equal and anywhere.
func (v *VIPs) check(k Check, at report.Field) {
	managed := v.Balancer.Kind() != LoadBalancerUserManaged
	v.checkList(k, at, v.API, managed)
	v.checkList(k, at, v.Ingress, managed)
	for i, ip := range *v.API.List {
		if managed && ip.IsValid() && slices.Contains(*v.Ingress.List, ip) {
			at.Child(v.API.Name).Item(i).Invalid(ip, "is also one of %s; API and routes need an address each", v.Ingress.Name)
		}
	}
}

func (v *VIPs) checkList(k Check, platform report.Field, vip VIP, managed bool) {
	at, list := platform.Child(vip.Name), *vip.List
	networks := k.Config.Networking.MachineCIDRs()
	switch {
	case len(list) == 0:
		if !platform.Child(vip.Old).Broken() {
			at.Required("%s", v.Missing)
		}
		return
	case len(list) > 2:
		at.TooMany(len(list), 2)
		return
	}
	sound := !k.Root("networking", "machineNetwork").Broken()
	for i, ip := range list {
		switch {
		case !ip.IsValid():
			at.Item(i).Invalid("", "must be an IP address")
			sound = false
		case managed && sound && !Within(ip, networks):
			at.Item(i).Invalid(ip, "is in none of networking.machineNetwork: %s", JoinPrefixes(networks))
			sound = false // the same mistake would look like others below
		}
	}
	v4, v6 := families(networks)
	switch {
	case !sound:
	case len(list) == 2 && list[0].Is4() == list[1].Is4():
		at.Item(1).Invalid(list[1], "two addresses must be of different IP families")
	case len(list) == 1 && v4 && v6 && list[0].Is4() != networks[0].Addr().Is4():
		at.Item(0).Invalid(list[0], "must be of the IP family of the first machineNetwork, %s", networks[0])
	}
}

// Within reports whether an address is in one of some networks.
func Within(ip netip.Addr, nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) })
}
