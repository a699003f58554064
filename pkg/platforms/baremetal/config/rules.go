package config

import (
	"cmp"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Values that are used where platform.baremetal is silent.
const (
	defaultLibvirtURI      = "qemu:///system"
	defaultExternalBridge  = "baremetal"
	defaultHardwareProfile = "default"
)

// Modes of a host's firmware that rules know.
const (
	BootModeUEFI       = "UEFI"
	BootModeSecureBoot = "UEFISecureBoot"
	BootModeLegacy     = "legacy"
)

// VIPs are the virtual addresses of API and routes.
func (p *Platform) VIPs() *vips.Set {
	return &vips.Set{
		API:      vips.List{Name: "apiVIPs", Old: "apiVIP", Addrs: &p.APIVIPs, One: &p.LegacyAPIVIP},
		Ingress:  vips.List{Name: "ingressVIPs", Old: "ingressVIP", Addrs: &p.IngressVIPs, One: &p.LegacyIngressVIP},
		Balancer: p.LoadBalancer,
		Missing: "a free address in machineNetwork, outside any DHCP range; " +
			"or give it the name api.<name>.<baseDomain> in DNS, for routes *.apps.<name>.<baseDomain>",
	}
}

// Convert implements types.Converter.
func (p *Platform) Convert(at report.Field) {
	values.Drop(at.Child("dnsVIP"), &p.LegacyDNSVIP)
	values.Drop(at.Child("ironicURI"), &p.LegacyIronicURI)
	if p.LegacyImage != nil {
		p.LegacyImage = nil
		at.Child("image").Warn(nil, "means nothing any more; remove it")
	}
	if ip := p.LegacyProvisioningHostIP; ip.IsValid() {
		old := at.Child("provisioningHostIP")
		if !p.ClusterProvisioningIP.IsValid() {
			p.ClusterProvisioningIP = ip
			at.Child("clusterProvisioningIP").MovedFrom(old)
		} else if p.ClusterProvisioningIP != ip {
			old.Invalid(ip, "is the old name of clusterProvisioningIP and says something else; set only clusterProvisioningIP")
		}
		p.LegacyProvisioningHostIP = netip.Addr{}
	}
	if p.LegacyProvisioningDHCPExternal {
		switch p.ProvisioningNetwork {
		case "":
			p.ProvisioningNetwork = ProvisioningUnmanaged
		case ProvisioningManaged:
			at.Child("provisioningDHCPExternal").Invalid(true, "is the old form of provisioningNetwork: Unmanaged, "+
				"and provisioningNetwork says Managed; set only provisioningNetwork")
		}
		p.LegacyProvisioningDHCPExternal = false
	}
}

// SetDefaults implements types.Defaulter.
func (p *Platform) SetDefaults(c *types.InstallConfig, o types.Options) {
	p.LibvirtURI = cmp.Or(p.LibvirtURI, defaultLibvirtURI)
	p.ExternalBridge = cmp.Or(p.ExternalBridge, defaultExternalBridge)
	p.ProvisioningNetwork = cmp.Or(p.ProvisioningNetwork, ProvisioningManaged)
	if p.ProvisioningNetwork == ProvisioningDisabled {
		for _, n := range c.Networking.MachineCIDRs() {
			if p.ClusterProvisioningIP.IsValid() && n.Contains(p.ClusterProvisioningIP) {
				p.ProvisioningNetworkCIDR = n
			}
		}
	} else {
		p.defaultProvisioning()
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

// SetDefaults implements types.Defaulter.
func (h *Host) SetDefaults(*types.InstallConfig, types.Options) {
	h.BootMode = cmp.Or(h.BootMode, BootModeUEFI)
	h.HardwareProfile = cmp.Or(h.HardwareProfile, defaultHardwareProfile)
}

// Validate implements types.Validator.
func (p *Platform) Validate(k types.Check) {
	ours := p.LoadBalancer.Kind() != vips.UserManaged && !k.Child("loadBalancer").Broken()
	if p.DNSRecordsType == DNSRecordsExternal && ours {
		k.Child("dnsRecordsType").Invalid(p.DNSRecordsType,
			"needs loadBalancer.type: %s, since the nodes' own load balancer needs their own records", vips.UserManaged)
	}
	if !k.Options.Agent || p.hasBMC() { // without one nobody provisions hosts
		p.checkProvisioning(k)
	}
	p.checkMACs(k)
	if u, err := url.Parse(p.LibvirtURI); err != nil || !u.IsAbs() {
		k.Child("libvirtURI").Invalid(values.WithoutLogin(p.LibvirtURI), "must be a URI, like qemu:///system")
	}
	checkImage(k.Child("bootstrapOSImage"), p.BootstrapOSImage)
	checkImage(k.Child("clusterOSImage"), p.ClusterOSImage)
	for i, s := range p.AdditionalNTPServers {
		values.TimeServer(k.Child("additionalNTPServers").Index(i), s)
	}
	p.checkBootstrapAddress(k)
	values.Certificates(k.Child("bmcVerifyCA"), p.BMCVerifyCA)
	p.checkHosts(k)
}

func (p *Platform) checkMACs(k types.Check) {
	for name, mac := range map[string]string{
		"externalMACAddress": p.ExternalMACAddress, "provisioningMACAddress": p.ProvisioningMACAddress,
	} {
		if mac != "" {
			values.MAC(k.Child(name), mac)
		}
	}
	if p.ProvisioningMACAddress != "" && strings.EqualFold(p.ProvisioningMACAddress, p.ExternalMACAddress) {
		k.Child("provisioningMACAddress").Duplicate(p.ProvisioningMACAddress, "externalMACAddress is the same")
	}
}

var sha256Form = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func checkImage(at report.Field, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		at.Invalid(values.WithoutLogin(value), "must be an http or https URL")
	case !sha256Form.MatchString(u.Query().Get("sha256")):
		at.Invalid(values.WithoutLogin(value), "must end in ?sha256= and the checksum of the image, 64 hexadecimal digits")
	}
}

func (p *Platform) checkBootstrapAddress(k types.Check) {
	ip, gateway, dns := p.BootstrapExternalStaticIP, p.BootstrapExternalStaticGW, p.BootstrapExternalStaticDNS
	if !ip.IsValid() && !gateway.IsValid() && !dns.IsValid() {
		return
	}
	for _, f := range []struct {
		name, what string
		ip         netip.Addr
	}{
		{"bootstrapExternalStaticIP", "the address", ip},
		{"bootstrapExternalStaticGateway", "the gateway", gateway},
		{"bootstrapExternalStaticDNS", "the name server", dns},
	} {
		if !f.ip.IsValid() {
			k.Child(f.name).Required("%s of the bootstrap host; all three bootstrapExternalStatic fields belong together",
				f.what)
		}
	}
	checkInMachineNetwork(k, "bootstrapExternalStaticIP", ip, "")
}

// checkInMachineNetwork checks an address that has to be in the machines' network.
func checkInMachineNetwork(k types.Check, field string, ip netip.Addr, why string) {
	nets := k.Config.Networking.MachineCIDRs()
	if ip.IsValid() && !values.Within(ip, nets) && !k.Root("networking", "machineNetwork").Broken() {
		k.Child(field).Invalid(ip, "is in none of networking.machineNetwork: %s%s", values.JoinPrefixes(nets), why)
	}
}

// hostNumber is the nth address after the network's; zero if it is too small.
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

// lastHost is the address before the broadcast address.
func lastHost(net netip.Prefix) netip.Addr {
	last := slices.Clone(net.Addr().AsSlice())
	for bit := net.Bits(); bit < len(last)*8; bit++ {
		last[bit/8] |= 1 << (7 - bit%8)
	}
	ip, _ := netip.AddrFromSlice(last)
	return ip.Prev()
}
