package virtualization

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// machineBridge is the bridge of OVN-Kubernetes that has the node's own address, and machineNet its name for localnets.
const (
	machineBridge = "br-ex"
	machineNet    = "physnet"
)

// activeBackup is the mode of bonds that works with any switch.
const activeBackup = "active-backup"

func checkPolicies(k report.Field, list []HostNetworkPolicy) {
	names := values.Unique{}
	var bridges []string // of Open vSwitch
	for _, p := range list {
		for _, b := range p.Bridges {
			if b.Type == OVSBridge {
				bridges = append(bridges, b.Name)
			}
		}
	}
	for i := range list {
		p, at := &list[i], k.Index(i)
		names.Add(at.Child("name"), p.Name, p.Name)
		p.check(at, bridges)
	}
}

// use is an interface with an owner: what it is a port of.
type use map[string]string

func (u use) add(at report.Field, port, owner string) {
	if other, taken := u[port]; taken {
		at.Duplicate(port, "is a port of %s", other)
		return
	}
	u[port] = owner
}

func (p *HostNetworkPolicy) check(k report.Field, bridges []string) {
	if len(p.Bonds)+len(p.VLANs)+len(p.Bridges)+len(p.Localnets) == 0 {
		k.Required("a policy needs bonds, vlans, bridges or localnets")
	}
	made, ports, addressed := values.Unique{}, use{}, map[string]bool{}
	for i := range p.Bonds {
		b, at := &p.Bonds[i], k.Child("bonds").Index(i)
		made.Add(at.Child("name"), b.Name, b.Name)
		addressed[b.Name] = b.DHCP
		b.check(at, ports)
	}
	for i := range p.VLANs {
		v, at := &p.VLANs[i], k.Child("vlans").Index(i)
		name := v.name()
		made.Add(at.Child("name").At(at), name, name)
		addressed[name] = v.DHCP
		if len(name) > 15 && v.Name == "" && v.ID != 0 {
			at.Child("name").Required("%s has more than 15 characters; choose a shorter name", name)
		}
		if name == v.Base && name != "" {
			at.Child("base").Invalid(v.Base, "must be another interface than the VLAN")
		}
	}
	for i := range p.Bridges {
		b, at := &p.Bridges[i], k.Child("bridges").Index(i)
		made.Add(at.Child("name"), b.Name, b.Name)
		b.check(at, ports, addressed)
	}
	for i, v := range p.VLANs {
		if owner, taken := ports[v.Base]; taken && strings.HasPrefix(owner, "bond ") {
			k.Child("vlans").Index(i).Child("base").Invalid(v.Base, "is a port of %s, which can have the VLAN", owner)
		}
	}
	nets := values.Unique{}
	for i, l := range p.Localnets {
		at := k.Child("localnets").Index(i)
		nets.Add(at.Child("name"), l.Name, l.Name)
		switch {
		case l.Name == machineNet:
			at.Child("name").Invalid(l.Name, "is the name of the machine network; choose another one")
		case l.Bridge != "" && l.Bridge != machineBridge && !slices.Contains(bridges, l.Bridge):
			at.Child("bridge").NotFound(l.Bridge, "must be %s, or one of bridges with type %s", machineBridge, OVSBridge)
		}
	}
}

func (v *VLAN) name() string {
	if v.Name != "" {
		return v.Name
	}
	return fmt.Sprintf("%s.%d", v.Base, v.ID)
}

func (b *Bond) check(k report.Field, ports use) {
	mode := cmp.Or(b.Mode, activeBackup)
	for i, port := range b.Ports {
		at := k.Child("ports").Index(i)
		if port == b.Name && port != "" {
			at.Invalid(port, "a bond cannot be its own port")
			continue
		}
		ports.add(at, port, "bond "+b.Name)
	}
	if b.Primary != "" && !slices.Contains(b.Ports, b.Primary) {
		k.Child("primary").NotFound(b.Primary, "must be one of ports")
	}
	for _, o := range []struct {
		name, value string
		modes       []string
	}{
		{"primary", b.Primary, []string{activeBackup, "balance-tlb", "balance-alb"}},
		{"lacpRate", b.LACPRate, []string{"802.3ad"}},
		{"transmitHashPolicy", b.TransmitHashPolicy, []string{"802.3ad", "balance-xor", "balance-tlb"}},
	} {
		if o.value != "" && !slices.Contains(o.modes, mode) && !k.Child("mode").Broken() {
			k.Child(o.name).Forbidden("is for mode %s, but the mode is %s", strings.Join(o.modes, ", "), mode)
		}
	}
}

func (b *Bridge) check(k report.Field, ports use, addressed map[string]bool) {
	for i, port := range b.Ports {
		at := k.Child("ports").Index(i)
		switch {
		case port == b.Name && port != "":
			at.Invalid(port, "a bridge cannot be its own port")
			continue
		case addressed[port]:
			at.Invalid(port, "has dhcp, but a port of a bridge has no address; set dhcp of the bridge instead")
		}
		ports.add(at, port, "bridge "+b.Name)
	}
	if b.Type == OVSBridge && b.DHCP {
		k.Child("dhcp").Forbidden("is for type %s", LinuxBridge)
	}
}
