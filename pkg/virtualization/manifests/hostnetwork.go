package manifests

import (
	"strconv"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

func (r *renderer) hostNetwork(c *virtualization.Config) {
	if len(c.HostNetwork) == 0 {
		return
	}
	r.operator(StepHostNetwork, nmState, c.Operator.AddOns, "")
	o := newObject("nmstate.io/v1", "NMState", "", "nmstate")
	o["spec"] = object{}
	r.add(StepHostNetwork, rankMain, o)
	for _, p := range c.HostNetwork {
		o := newObject("nmstate.io/v1", "NodeNetworkConfigurationPolicy", "", p.Name)
		o["spec"] = object{
			"nodeSelector":   labels(p.NodeSelector),
			"maxUnavailable": amount(p.MaxUnavailable),
			"desiredState":   desiredState(p),
		}
		r.add(StepHostNetwork, rankSecond, o)
	}
}

// amount is a number or a percentage.
func amount(text string) any {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return n
	}
	return text
}

// desiredState is what NMState makes of a node. Interfaces that are not named stay as they are.
func desiredState(p virtualization.HostNetworkPolicy) object {
	var list []any
	for _, b := range p.Bonds {
		options := tree{object{"miimon": strconv.Itoa(b.MIIMon)}}
		options.text(b.Primary, "primary")
		options.text(b.LACPRate, "lacp_rate")
		options.text(b.TransmitHashPolicy, "xmit_hash_policy")
		i := hostInterface(b.Name, "bond", b.MTU, b.DHCP)
		i["link-aggregation"] = object{
			"mode": b.Mode, "port": texts(b.Ports), "options": options.root,
		}
		list = append(list, i)
	}
	for _, v := range p.VLANs {
		i := hostInterface(v.Name, "vlan", v.MTU, v.DHCP)
		i["vlan"] = object{"base-iface": v.Base, "id": int64(v.ID)}
		list = append(list, i)
	}
	for _, b := range p.Bridges {
		ports := []any{}
		for _, name := range b.Ports {
			ports = append(ports, object{"name": name})
		}
		bridge := object{"port": ports, "options": object{"stp": object{"enabled": b.STP}}}
		kind := "linux-bridge"
		if b.Type == virtualization.OVSBridge {
			kind = "ovs-bridge"
			bridge["allow-extra-patch-ports"] = true // OVN connects the bridge to br-int
		}
		i := hostInterface(b.Name, kind, b.MTU, b.DHCP)
		if kind == "ovs-bridge" {
			delete(i, "ipv4") // the bridge itself has no address
			delete(i, "ipv6")
		}
		i["bridge"] = bridge
		list = append(list, i)
	}
	state := object{}
	if list != nil {
		state["interfaces"] = list
	}
	var mappings []any
	for _, m := range p.Localnets {
		mappings = append(mappings, object{"localnet": m.Name, "bridge": m.Bridge, "state": "present"})
	}
	if mappings != nil {
		state["ovn"] = object{"bridge-mappings": mappings}
	}
	return state
}

func hostInterface(name, kind string, mtu int, dhcp bool) object {
	ipv4 := object{"enabled": dhcp}
	if dhcp {
		ipv4["dhcp"] = true
	}
	i := object{"name": name, "type": kind, "state": "up", "ipv4": ipv4, "ipv6": object{"enabled": false}}
	if mtu > 0 {
		i["mtu"] = int64(mtu)
	}
	return i
}
