package virtualization

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// namespace is where the network is, also before defaults are filled in.
func (n *Network) namespace() string {
	switch {
	case n.Namespace != "":
		return n.Namespace
	case n.Macvlan != nil:
		return Namespace
	}
	return "default"
}

// checkNetworks applies the rules for networks of VMs and of migrations.
func (c *Config) checkNetworks(k report.Field) {
	names, pools := values.Unique{}, map[string]*SRIOVNetwork{}
	known := c.localnets()
	for i := range c.Networks {
		n, at := &c.Networks[i], k.Child("networks").Index(i)
		names.Add(at.Child("name"), n.Name, n.namespace()+"/"+n.Name)
		n.checkKind(at)
		if b := n.Bridge; b != nil && len(c.HostNetwork) > 0 && b.Name != "" && !c.hasBridge(b.Name) {
			at.Child("bridge", "name").Warn(b.Name, "no policy of hostNetwork makes a bridge of type %s with this name; "+
				"the nodes must have it", LinuxBridge)
		}
		if l := n.Localnet; l != nil {
			if l.Name != "" && !known[l.Name] {
				at.Child("localnet", "name").Warn(l.Name, "no policy of hostNetwork has it in localnets; the nodes must "+
					"have a bridge mapping of this name")
			}
			checkSubnets(at.Child("localnet", "subnets"), l.Subnets)
			checkExcluded(at.Child("localnet", "excludeSubnets"), l.ExcludeSubnets, l.Subnets)
		}
		if m := n.Macvlan; m != nil {
			checkMigrationSubnet(at.Child("macvlan"), m)
		}
		if s := n.SRIOV; s != nil {
			s.check(at.Child("sriov"), pools)
		}
	}
	c.checkMigrationNetwork(k.Child("hyperConverged", "liveMigration", "network"))
}

// localnets are the names of physical networks.
func (c *Config) localnets() map[string]bool {
	known := map[string]bool{machineNet: true}
	for _, p := range c.HostNetwork {
		for _, l := range p.Localnets {
			known[l.Name] = true
		}
	}
	return known
}

func (c *Config) hasBridge(name string) bool {
	for _, p := range c.HostNetwork {
		for _, b := range p.Bridges {
			if b.Name == name && b.Type != OVSBridge {
				return true
			}
		}
	}
	return false
}

func (n *Network) checkKind(k report.Field) {
	var kinds []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"bridge", n.Bridge != nil}, {"localnet", n.Localnet != nil}, {"sriov", n.SRIOV != nil},
		{"macvlan", n.Macvlan != nil},
	} {
		if f.set {
			kinds = append(kinds, f.name)
		}
	}
	switch {
	case len(kinds) == 0:
		k.Required("one of bridge, localnet, sriov and macvlan; {} has the defaults of localnet")
	case len(kinds) > 1:
		k.Child(kinds[1]).Forbidden("a network is of one kind, but there are %s", strings.Join(kinds, " and "))
	}
}

// isNetwork refuses addresses with bits of a host. The zero value has been refused before.
func isNetwork(at report.Field, p netip.Prefix) bool {
	if p.IsValid() && p.Masked() != p {
		at.Invalid(p, "is an address in a network; write %s", p.Masked())
		return false
	}
	return p.IsValid()
}

func checkSubnets(k report.Field, list []netip.Prefix) {
	for i, p := range list {
		if !isNetwork(k.Index(i), p) {
			continue
		}
		for _, other := range list[:i] {
			if other.IsValid() && other.Overlaps(p) {
				k.Index(i).Invalid(p, "overlaps with %s", other)
			}
		}
	}
}

// checkExcluded refuses networks that are not in one of others.
func checkExcluded(k report.Field, list, outer []netip.Prefix) {
	for i, p := range list {
		if isNetwork(k.Index(i), p) && !slices.ContainsFunc(outer, func(o netip.Prefix) bool {
			return !o.IsValid() || o.Bits() <= p.Bits() && o.Contains(p.Addr())
		}) {
			k.Index(i).Invalid(p, "is not in a network that addresses are taken from")
		}
	}
}

func checkMigrationSubnet(k report.Field, m *MacvlanNetwork) {
	if isNetwork(k.Child("subnet"), m.Subnet) {
		checkExcluded(k.Child("exclude"), m.Exclude, []netip.Prefix{m.Subnet})
	}
}

func (s *SRIOVNetwork) check(k report.Field, pools map[string]*SRIOVNetwork) {
	if len(s.Interfaces)+len(s.RootDevices) == 0 && s.Vendor == "" && s.DeviceID == "" {
		k.Child("interfaces").Required("at least one of interfaces, rootDevices, vendor and deviceID, which say what cards " +
			"are meant")
	}
	if other := pools[s.ResourceName]; other != nil && other.cards() != s.cards() {
		k.Child("resourceName").Duplicate(s.ResourceName, "another network has it for other cards or another number of vfs")
	}
	pools[s.ResourceName] = s
}

// cards says which cards are meant, for comparing two networks of one pool.
func (s *SRIOVNetwork) cards() string {
	return fmt.Sprintf("%q %q %q %q %d", s.Vendor, s.DeviceID, s.Interfaces, s.RootDevices, s.VFs)
}

func (c *Config) checkMigrationNetwork(at report.Field) {
	want := c.HyperConverged.LiveMigration.Network
	if want == "" {
		return
	}
	for _, n := range c.Networks {
		if n.Name != want {
			continue
		}
		switch {
		case n.namespace() != Namespace:
			at.Invalid(want, "must be in namespace %s, but is in %s", Namespace, n.namespace())
		case n.Macvlan == nil:
			at.Invalid(want, "must be a network with macvlan, which gives nodes addresses")
		}
		return
	}
	at.Warn(want, "networks does not have it; the NetworkAttachmentDefinition must be in namespace %s before", Namespace)
}
