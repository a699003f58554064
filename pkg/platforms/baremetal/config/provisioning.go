package config

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/okd-install/okd-install/pkg/types"
)

// Values that are used where the provisioning network is not described: places
// in it that the reference has always used.
const (
	defaultProvisioningBridge = "provisioning"
	bootstrapHostNumber       = 2
	clusterHostNumber         = 3
	firstDHCPHostNumber       = 10
)

var defaultProvisioningNetwork = netip.MustParsePrefix("172.22.0.0/24")

func (p *Platform) defaultProvisioning() {
	if !p.ProvisioningNetworkCIDR.IsValid() {
		p.ProvisioningNetworkCIDR = defaultProvisioningNetwork
	}
	net := p.ProvisioningNetworkCIDR.Masked()
	if !p.BootstrapProvisioningIP.IsValid() {
		p.BootstrapProvisioningIP = hostNumber(net, bootstrapHostNumber)
	}
	if !p.ClusterProvisioningIP.IsValid() {
		p.ClusterProvisioningIP = hostNumber(net, clusterHostNumber)
	}
	p.ProvisioningBridge = cmp.Or(p.ProvisioningBridge, defaultProvisioningBridge)
	if p.ProvisioningNetwork == ProvisioningManaged && p.ProvisioningDHCPRange == "" {
		first, last := hostNumber(net, firstDHCPHostNumber), lastHost(net)
		if first.IsValid() && last.IsValid() && !last.Less(first) {
			p.ProvisioningDHCPRange = first.String() + "," + last.String()
		}
	}
}

func (p *Platform) checkProvisioning(k types.Check) {
	if k.Child("provisioningNetwork").Broken() {
		return
	}
	if p.ProvisioningNetwork == ProvisioningDisabled { // hosts boot from virtual media in the machine network
		for _, a := range p.provisioningIPs() {
			checkInMachineNetwork(k, a.field, a.ip, "; there is no provisioning network")
		}
	} else if p.checkProvisioningNetwork(k) {
		p.checkProvisioningIPs(k)
		p.checkDHCPRange(k)
		p.warnOfProvisioning(k)
	}
	p.checkGateway(k)
}

// warnOfProvisioning: the default is the reference's, which boots hosts from such a network.
func (p *Platform) warnOfProvisioning(k types.Check) {
	if !p.hasBMC() {
		return
	}
	what := "boots hosts from the network of bootMACAddress"
	if p.ProvisioningNetwork == ProvisioningManaged {
		what += ", and serves DHCP in it"
	}
	k.Child("provisioningNetwork").Warn(p.ProvisioningNetwork, "with it the cluster %s; hosts are installed from virtual "+
		"media and need no such network: set %s unless you want one", what, ProvisioningDisabled)
}

type provisioningIP struct {
	field string
	ip    netip.Addr
}

func (p *Platform) provisioningIPs() []provisioningIP {
	return []provisioningIP{
		{"bootstrapProvisioningIP", p.BootstrapProvisioningIP}, {"clusterProvisioningIP", p.ClusterProvisioningIP},
	}
}

// checkProvisioningNetwork reports whether addresses can be compared with it.
func (p *Platform) checkProvisioningNetwork(k types.Check) bool {
	at, cidr := k.Child("provisioningNetworkCIDR"), p.ProvisioningNetworkCIDR
	switch {
	case at.Broken():
		return false
	case cidr != cidr.Masked():
		at.Invalid(cidr, "has host bits; write %s", cidr.Masked())
		return false
	case cidr.Addr().Is6() && cidr.Bits() < 64 && p.ProvisioningNetwork == ProvisioningManaged:
		at.Invalid(cidr, "must be /64 or smaller, since dnsmasq serves no larger IPv6 network")
		return false
	case !hostNumber(cidr, clusterHostNumber).IsValid():
		at.Invalid(cidr, "has too few addresses")
		return false
	}
	for i, m := range k.Config.Networking.MachineCIDRs() {
		if m.IsValid() && m.Overlaps(cidr) {
			at.Invalid(cidr, "overlaps networking.machineNetwork[%d], which is %s", i, m)
			return false
		}
	}
	return true
}

func (p *Platform) checkProvisioningIPs(k types.Check) {
	for _, a := range p.provisioningIPs() {
		if a.ip.IsValid() && !p.ProvisioningNetworkCIDR.Contains(a.ip) {
			k.Child(a.field).Invalid(a.ip, "is not in provisioningNetworkCIDR, %s", p.ProvisioningNetworkCIDR)
		}
	}
	if p.BootstrapProvisioningIP == p.ClusterProvisioningIP {
		k.Child("clusterProvisioningIP").Duplicate(p.ClusterProvisioningIP, "bootstrapProvisioningIP is the same")
	}
}

func (p *Platform) checkDHCPRange(k types.Check) {
	at, value := k.Child("provisioningDHCPRange"), p.ProvisioningDHCPRange
	if value == "" {
		return
	}
	low, high, ok := strings.Cut(value, ",")
	first, err1 := netip.ParseAddr(strings.TrimSpace(low))
	last, err2 := netip.ParseAddr(strings.TrimSpace(high))
	switch {
	case !ok || err1 != nil || err2 != nil:
		at.Invalid(value, "must be the first and the last address, like 172.22.0.10,172.22.0.254")
		return
	case !p.ProvisioningNetworkCIDR.Contains(first) || !p.ProvisioningNetworkCIDR.Contains(last):
		at.Invalid(value, "is not in provisioningNetworkCIDR, %s", p.ProvisioningNetworkCIDR)
		return
	case last.Less(first):
		at.Invalid(value, "ends before it begins")
		return
	}
	fixed := append(p.provisioningIPs(), provisioningIP{"provisioningNetworkGateway", p.ProvisioningNetworkGateway})
	for _, a := range fixed {
		if a.ip.IsValid() && !a.ip.Less(first) && !last.Less(a.ip) {
			k.Child(a.field).Invalid(a.ip, "is in provisioningDHCPRange, %s", value)
		}
	}
}

// checkGateway checks the router in the provisioning network. That it is not in
// the DHCP range is a rule of the range.
func (p *Platform) checkGateway(k types.Check) {
	ip, cidr := p.ProvisioningNetworkGateway, p.ProvisioningNetworkCIDR
	at := k.Child("provisioningNetworkGateway")
	switch {
	case !ip.IsValid():
	case p.ProvisioningNetwork != ProvisioningManaged:
		at.Invalid(ip, "is handed out by the cluster's own DHCP server, "+
			"which runs with provisioningNetwork: %s only; remove it", ProvisioningManaged)
	case k.Child("provisioningNetworkCIDR").Broken() || !cidr.IsValid():
	case !cidr.Contains(ip):
		at.Invalid(ip, "is not in provisioningNetworkCIDR, %s", cidr)
	case ip == p.ClusterProvisioningIP:
		at.Duplicate(ip, "clusterProvisioningIP is the same")
	case ip == p.BootstrapProvisioningIP:
		at.Duplicate(ip, "bootstrapProvisioningIP is the same")
	case ip.Is4() && cidr.Bits() < 31 && (ip == cidr.Masked().Addr() || ip == lastHost(cidr.Masked()).Next()):
		at.Invalid(ip, "is the address of the network or its broadcast address, which no router can have")
	}
}
