package types

import (
	"net/netip"
	"slices"
)

// Values that are used where platform.baremetal is silent.
const (
	defaultLibvirtURI         = "qemu:///system"
	defaultExternalBridge     = "baremetal"
	defaultProvisioningBridge = "provisioning"
	defaultHardwareProfile    = "default"
	defaultBootMode           = BootModeUEFI

	// Places in the provisioning network that the reference has always used.
	bootstrapHostNumber = 2
	clusterHostNumber   = 3
	firstDHCPHostNumber = 10
)

// Modes of a host's firmware.
const (
	BootModeUEFI       = "UEFI"
	BootModeSecureBoot = "UEFISecureBoot"
	BootModeLegacy     = "legacy"
)

var defaultProvisioningNetwork = netip.MustParsePrefix("172.22.0.0/24")

func (o Options) defaultBareMetal(c *InstallConfig, p *BareMetalPlatform) {
	p.LibvirtURI = or(p.LibvirtURI, defaultLibvirtURI)
	p.ExternalBridge = or(p.ExternalBridge, defaultExternalBridge)
	p.ProvisioningNetwork = or(p.ProvisioningNetwork, ProvisioningManaged)
	if p.ProvisioningNetwork == ProvisioningDisabled {
		for _, n := range c.Networking.MachineCIDRs() {
			if p.ClusterProvisioningIP.IsValid() && n.Contains(p.ClusterProvisioningIP) {
				p.ProvisioningNetworkCIDR = n
			}
		}
	} else {
		defaultProvisioning(p)
	}
	for i := range p.Hosts {
		h := &p.Hosts[i]
		h.BootMode = or(h.BootMode, defaultBootMode)
		h.HardwareProfile = or(h.HardwareProfile, defaultHardwareProfile)
	}
	if o.Lookup == nil || c.Metadata.Name == "" || c.BaseDomain == "" {
		return
	}
	if len(p.APIVIPs) == 0 {
		p.APIVIPs = o.Lookup(c.APIHost())
	}
	if len(p.IngressVIPs) == 0 {
		p.IngressVIPs = o.Lookup("test." + c.AppsDomain()) // any name below the wildcard record
	}
}

func defaultProvisioning(p *BareMetalPlatform) {
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
	p.ProvisioningBridge = or(p.ProvisioningBridge, defaultProvisioningBridge)
	if p.ProvisioningNetwork == ProvisioningManaged && p.ProvisioningDHCPRange == "" {
		first, last := hostNumber(net, firstDHCPHostNumber), lastHost(net)
		if first.IsValid() && last.IsValid() && !last.Less(first) {
			p.ProvisioningDHCPRange = first.String() + "," + last.String()
		}
	}
}

// hostNumber is the n-th address after that of the network, or the zero value if
// the network is too small.
func hostNumber(net netip.Prefix, n int) netip.Addr {
	ip := net.Addr()
	for range n {
		ip = ip.Next()
	}
	if !net.Contains(ip) {
		return netip.Addr{}
	}
	return ip
}

// lastHost is the last address of a network that a host can have: the one before
// the broadcast address.
func lastHost(net netip.Prefix) netip.Addr {
	last := slices.Clone(net.Addr().AsSlice())
	for bit := net.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 1 << (7 - bit%8)
	}
	ip, _ := netip.AddrFromSlice(last)
	return ip.Prev()
}
