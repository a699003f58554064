// Package vips has the virtual addresses of a platform, with the rules that are the
// same wherever nodes serve them.
package vips

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Set is the virtual addresses of a platform, with the names of their fields.
type Set struct {
	API, Ingress List
	Balancer     *LoadBalancer
	Missing      string // what to do about a list that is empty
}

// List is the virtual addresses of the API or of the routers.
type List struct {
	Name  string // key of the list
	Old   string // key of the old form, with one address
	Addrs *[]netip.Addr
	One   *netip.Addr // the old form
}

// Convert brings the addresses of the platform at a field into the new form. It
// returns the keys of those that the file has in the old form, with the old key
// for each.
func (v *Set) Convert(at report.Field) map[string]string {
	old := map[string]string{}
	for _, list := range []List{v.API, v.Ingress} {
		if list.convert(at) {
			old[list.Name] = list.Old
		}
	}
	return old
}

// convert moves the singular form into the list. As in the reference, a clash is
// a finding about the list. It reports whether the list is what the old form said.
func (v List) convert(at report.Field) bool {
	one := *v.One
	*v.One = netip.Addr{}
	if !one.IsValid() {
		return false
	}
	old, now := at.Child(v.Old), at.Child(v.Name)
	if len(*v.Addrs) == 0 {
		*v.Addrs = []netip.Addr{one}
		now.ListMovedFrom(old)
		return true
	}
	if !slices.Contains(*v.Addrs, one) {
		now.At(old).Invalid(one, "is what %s, the old form of %s, says, but %s says something else; set only %s",
			v.Old, v.Name, v.Name, v.Name)
	}
	return false
}

// Check holds the addresses of the platform at a field against the machine networks
// and each other. Behind a load balancer of the user's they may be equal and
// anywhere.
func (v *Set) Check(at report.Field, networks []netip.Prefix) {
	managed := v.Balancer.Kind() != UserManaged
	v.checkList(at, v.API, networks, managed)
	v.checkList(at, v.Ingress, networks, managed)
	for i, ip := range *v.API.Addrs {
		if managed && ip.IsValid() && slices.Contains(*v.Ingress.Addrs, ip) {
			at.Child(v.API.Name).Item(i).Invalid(ip, "is also one of %s; API and routes need an address each", v.Ingress.Name)
		}
	}
}

func (v *Set) checkList(platform report.Field, of List, networks []netip.Prefix, managed bool) {
	at, list := platform.Child(of.Name), *of.Addrs
	switch {
	case len(list) == 0:
		if !platform.Child(of.Old).Broken() {
			at.Required("%s", v.Missing)
		}
		return
	case len(list) > 2:
		at.TooMany(len(list), 2)
		return
	}
	sound := !at.Root("networking", "machineNetwork").Broken()
	for i, ip := range list {
		switch {
		case !ip.IsValid():
			at.Item(i).Invalid("", "must be an IP address")
			sound = false
		case managed && sound && !values.Within(ip, networks):
			at.Item(i).Invalid(ip, "is in none of networking.machineNetwork: %s", values.JoinPrefixes(networks))
			sound = false // the same mistake would look like others below
		}
	}
	v4, v6 := values.Families(networks)
	switch {
	case !sound:
	case len(list) == 2 && list[0].Is4() == list[1].Is4():
		at.Item(1).Invalid(list[1], "two addresses must be of different IP families")
	case len(list) == 1 && v4 && v6 && list[0].Is4() != networks[0].Addr().Is4():
		at.Item(0).Invalid(list[0], "must be of the IP family of the first machineNetwork, %s", networks[0])
	}
}

// Kinds of load balancer.
const (
	Managed     = "OpenShiftManagedDefault"
	UserManaged = "UserManaged"
)

// LoadBalancer says who balances API and routes.
type LoadBalancer struct {
	// Type is the kind of load balancer: one that the nodes run, or yours. Default:
	// OpenShiftManagedDefault. One of OpenShiftManagedDefault, UserManaged; with
	// UserManaged the virtual addresses are those of your load balancer, may be
	// equal, and may be outside of machineNetwork.
	Type string `json:"type,omitempty" enum:"OpenShiftManagedDefault,UserManaged" refuse:"Invalid"`
}

// Kind is the kind of load balancer, also where the file says nothing of it.
func (l *LoadBalancer) Kind() string {
	if l == nil || l.Type == "" {
		return Managed
	}
	return l.Type
}
