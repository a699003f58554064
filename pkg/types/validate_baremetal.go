package types

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

func (o Options) validateBareMetal(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
	validateVIPs(c, vips{
		at: at, vipNames: bareMetalVIPNames, api: p.APIVIPs, ingress: p.IngressVIPs, balancer: p.LoadBalancer,
		missing: "a free address in machineNetwork, outside any DHCP range; or give it the name api.<name>.<baseDomain> in DNS, for routes *.apps.<name>.<baseDomain>",
	}, r)
	ours := p.LoadBalancer.kind() != LoadBalancerUserManaged && !r.Broken(at.Child("loadBalancer"))
	if p.DNSRecordsType == DNSRecordsExternal && ours {
		r.Invalid(at.Child("dnsRecordsType"), p.DNSRecordsType,
			"needs loadBalancer.type: %s, since the nodes' own load balancer needs their own records", LoadBalancerUserManaged)
	}
	if !r.Broken(at.Child("provisioningNetwork")) {
		if p.ProvisioningNetwork == ProvisioningDisabled {
			validateUnprovisioned(c, p, at, r)
		} else {
			validateProvisioning(c, p, at, r)
		}
		validateGateway(p, at, r)
	}
	validateMACs(p, at, r)
	if u, err := url.Parse(p.LibvirtURI); err != nil || !u.IsAbs() {
		r.Invalid(at.Child("libvirtURI"), withoutLogin(p.LibvirtURI), "must be a URI, like qemu:///system")
	}
	validateImage(r, at.Child("bootstrapOSImage"), p.BootstrapOSImage)
	validateImage(r, at.Child("clusterOSImage"), p.ClusterOSImage)
	for i, s := range p.AdditionalNTPServers {
		if _, err := netip.ParseAddr(s); err != nil && !isSubdomain(strings.TrimSuffix(strings.ToLower(s), ".")) {
			r.Invalid(at.Child("additionalNTPServers").Index(i), s, "must be an IP address or a DNS name")
		}
	}
	validateBootstrapAddress(c, p, at, r)
	validateCertificates(r, at.Child("bmcVerifyCA"), p.BMCVerifyCA)
	o.validateHosts(c, p, at.Child("hosts"), r)
}

// validateUnprovisioned checks what is left of the provisioning settings where
// hosts boot from virtual media in the machine network.
func validateUnprovisioned(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
	if r.Broken(report.NewPath("networking", "machineNetwork")) {
		return
	}
	nets := c.Networking.MachineCIDRs()
	for _, f := range []struct {
		name string
		ip   netip.Addr
	}{{"bootstrapProvisioningIP", p.BootstrapProvisioningIP}, {"clusterProvisioningIP", p.ClusterProvisioningIP}} {
		if f.ip.IsValid() && !within(f.ip, nets) {
			r.Invalid(at.Child(f.name), f.ip, "is in none of networking.machineNetwork: %s; there is no provisioning network", joinPrefixes(nets))
		}
	}
}

func validateProvisioning(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
	cidr := p.ProvisioningNetworkCIDR
	here := at.Child("provisioningNetworkCIDR")
	if r.Broken(here) {
		return
	}
	switch {
	case cidr != cidr.Masked():
		r.Invalid(here, cidr, "has host bits; write %s", cidr.Masked())
		return
	case cidr.Addr().Is6() && cidr.Bits() < 64 && p.ProvisioningNetwork == ProvisioningManaged:
		r.Invalid(here, cidr, "must be /64 or smaller, since dnsmasq serves no larger IPv6 network")
		return
	case !hostNumber(cidr, clusterHostNumber).IsValid():
		r.Invalid(here, cidr, "has too few addresses")
		return
	}
	for i, m := range c.Networking.MachineCIDRs() {
		if m.IsValid() && m.Overlaps(cidr) {
			r.Invalid(here, cidr, "overlaps networking.machineNetwork[%d], which is %s", i, m)
			return
		}
	}
	for _, f := range []struct {
		name string
		ip   netip.Addr
	}{{"bootstrapProvisioningIP", p.BootstrapProvisioningIP}, {"clusterProvisioningIP", p.ClusterProvisioningIP}} {
		if f.ip.IsValid() && !cidr.Contains(f.ip) {
			r.Invalid(at.Child(f.name), f.ip, "is not in provisioningNetworkCIDR, %s", cidr)
		}
	}
	if p.BootstrapProvisioningIP == p.ClusterProvisioningIP {
		r.Duplicate(at.Child("clusterProvisioningIP"), p.ClusterProvisioningIP, "bootstrapProvisioningIP is the same")
	}
	if p.ProvisioningDHCPRange != "" {
		validateDHCPRange(p, at, r)
	}
}

func validateDHCPRange(p *BareMetalPlatform, at report.Path, r *report.Report) {
	here, value := at.Child("provisioningDHCPRange"), p.ProvisioningDHCPRange
	low, high, ok := strings.Cut(value, ",")
	first, err1 := netip.ParseAddr(strings.TrimSpace(low))
	last, err2 := netip.ParseAddr(strings.TrimSpace(high))
	switch {
	case !ok || err1 != nil || err2 != nil:
		r.Invalid(here, value, "must be the first and the last address, like 172.22.0.10,172.22.0.254")
		return
	case !p.ProvisioningNetworkCIDR.Contains(first) || !p.ProvisioningNetworkCIDR.Contains(last):
		r.Invalid(here, value, "is not in provisioningNetworkCIDR, %s", p.ProvisioningNetworkCIDR)
		return
	case last.Less(first):
		r.Invalid(here, value, "ends before it begins")
		return
	}
	for _, f := range []struct {
		name string
		ip   netip.Addr
	}{
		{"bootstrapProvisioningIP", p.BootstrapProvisioningIP}, {"clusterProvisioningIP", p.ClusterProvisioningIP},
		{"provisioningNetworkGateway", p.ProvisioningNetworkGateway},
	} {
		if f.ip.IsValid() && !f.ip.Less(first) && !last.Less(f.ip) {
			r.Invalid(at.Child(f.name), f.ip, "is in provisioningDHCPRange, %s", value)
		}
	}
}

// validateGateway checks the router in the provisioning network. That it is not
// in the DHCP range is a rule of the range.
func validateGateway(p *BareMetalPlatform, at report.Path, r *report.Report) {
	ip, cidr := p.ProvisioningNetworkGateway, p.ProvisioningNetworkCIDR
	here := at.Child("provisioningNetworkGateway")
	switch {
	case !ip.IsValid():
	case p.ProvisioningNetwork != ProvisioningManaged:
		r.Invalid(here, ip, "is handed out by the cluster's own DHCP server, "+
			"which runs with provisioningNetwork: %s only; remove it", ProvisioningManaged)
	case r.Broken(at.Child("provisioningNetworkCIDR")) || !cidr.IsValid():
	case !cidr.Contains(ip):
		r.Invalid(here, ip, "is not in provisioningNetworkCIDR, %s", cidr)
	case ip == p.ClusterProvisioningIP:
		r.Duplicate(here, ip, "clusterProvisioningIP is the same")
	case ip == p.BootstrapProvisioningIP:
		r.Duplicate(here, ip, "bootstrapProvisioningIP is the same")
	case ip.Is4() && cidr.Bits() < 31 && (ip == cidr.Masked().Addr() || ip == lastHost(cidr.Masked()).Next()):
		r.Invalid(here, ip, "is the address of the network or its broadcast address, which no router can have")
	}
}

func validateMACs(p *BareMetalPlatform, at report.Path, r *report.Report) {
	for name, mac := range map[string]string{"externalMACAddress": p.ExternalMACAddress, "provisioningMACAddress": p.ProvisioningMACAddress} {
		if mac != "" {
			checkMAC(r, at.Child(name), mac)
		}
	}
	if p.ProvisioningMACAddress != "" && strings.EqualFold(p.ProvisioningMACAddress, p.ExternalMACAddress) {
		r.Duplicate(at.Child("provisioningMACAddress"), p.ProvisioningMACAddress, "externalMACAddress is the same")
	}
}

// checkMAC says whether a text is the hardware address of one Ethernet interface.
func checkMAC(r *report.Report, at report.Path, value string) bool {
	mac, err := net.ParseMAC(value)
	switch {
	case err != nil || len(mac) != 6:
		r.Invalid(at, value, "must be a MAC address, like 52:54:00:12:34:56")
		return false
	case mac[0]&1 != 0:
		r.Invalid(at, value, "is a group address; no interface has it")
		return false
	}
	return true
}

// plainMAC is a MAC address in the form in which two can be compared: lower case
// with colons.
func plainMAC(value string) string { return strings.ToLower(strings.ReplaceAll(value, "-", ":")) }

var sha256Form = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func validateImage(r *report.Report, at report.Path, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		r.Invalid(at, withoutLogin(value), "must be an http or https URL")
	case !sha256Form.MatchString(u.Query().Get("sha256")):
		r.Invalid(at, withoutLogin(value), "must end in ?sha256= and the checksum of the image, 64 hexadecimal digits")
	}
}

// withoutLogin is a URL to be shown: without user, password and query, any of
// which may be a secret.
func withoutLogin(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Opaque != "" {
		return hidden
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func validateBootstrapAddress(c *InstallConfig, p *BareMetalPlatform, at report.Path, r *report.Report) {
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
			r.Required(at.Child(f.name), "%s of the bootstrap host; all three bootstrapExternalStatic fields belong together", f.what)
		}
	}
	if ip.IsValid() && !within(ip, c.Networking.MachineCIDRs()) && !r.Broken(report.NewPath("networking", "machineNetwork")) {
		r.Invalid(at.Child("bootstrapExternalStaticIP"), ip, "is in none of networking.machineNetwork: %s", joinPrefixes(c.Networking.MachineCIDRs()))
	}
}
