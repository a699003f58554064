package types

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// convert brings old forms of the file into the current one. Where old and new
// form are both there and differ, that is a finding, and the new form counts.
func convert(c *InstallConfig, r *report.Report) {
	switch c.APIVersion {
	case "v1beta3", "v1beta4": // what they name differently is converted here
		c.APIVersion = APIVersion
	}
	c.BaseDomain = strings.TrimSuffix(c.BaseDomain, ".")
	if c.Networking != nil {
		convertNetworking(c.Networking, r)
	}
	if p := c.Platform.Ovirt; p != nil {
		at := report.NewPath("platform", PlatformOvirt)
		c.pluralizeVIPs(r, at, ovirtVIPNames, &p.LegacyAPIVIP, &p.APIVIPs, &p.LegacyIngressVIP, &p.IngressVIPs)
		meaningless(r, at.Child("dns_vip"), &p.LegacyDNSVIP)
	}
	if p := c.Platform.BareMetal; p != nil {
		c.convertBareMetal(p, r)
	}
	if len(c.ImageContentSources) > 0 && len(c.ImageDigestSources) == 0 {
		r.Warn(report.NewPath("imageContentSources"), nil, "is the old form of imageDigestSources")
	}
}

func convertNetworking(n *Networking, r *report.Report) {
	at := report.NewPath("networking")
	clash := func(old, now string) {
		r.Invalid(at.Child(old), nil, "is the old form of %s and says something else; set only %s", now, now)
	}
	if n.LegacyType != "" && n.NetworkType != "" && !strings.EqualFold(n.LegacyType, n.NetworkType) {
		clash("type", "networkType")
	}
	n.NetworkType, n.LegacyType = or(n.NetworkType, n.LegacyType), ""
	if strings.EqualFold(n.NetworkType, defaultNetworkType) {
		n.NetworkType = defaultNetworkType
	}

	if old := n.LegacyMachineCIDR; old.IsValid() {
		if len(n.MachineNetwork) == 0 {
			n.MachineNetwork = []MachineNetworkEntry{{CIDR: old}}
			moved(r, at.Child("machineCIDR"), at.Child("machineNetwork"))
		} else if n.MachineNetwork[0].CIDR != old {
			clash("machineCIDR", "machineNetwork")
		}
		n.LegacyMachineCIDR = netip.Prefix{}
	}
	if old := n.LegacyServiceCIDR; old.IsValid() {
		if len(n.ServiceNetwork) == 0 {
			n.ServiceNetwork = []netip.Prefix{old}
			moved(r, at.Child("serviceCIDR"), at.Child("serviceNetwork"))
		} else if n.ServiceNetwork[0] != old {
			clash("serviceCIDR", "serviceNetwork")
		}
		n.LegacyServiceCIDR = netip.Prefix{}
	}
	if old := n.LegacyClusterNetworks; len(old) > 0 {
		if len(n.ClusterNetwork) == 0 {
			n.ClusterNetwork = old
			moved(r, at.Child("clusterNetworks"), at.Child("clusterNetwork"))
			for i := range old {
				place(r, at.Child("clusterNetworks").Index(i).Child("cidr"), at.Child("clusterNetwork").Index(i).Child("cidr"))
			}
		} else if !slices.Equal(n.ClusterNetwork, old) {
			clash("clusterNetworks", "clusterNetwork")
		}
		n.LegacyClusterNetworks = nil
	}
	for i := range n.ClusterNetwork {
		convertHostSubnet(&n.ClusterNetwork[i], at.Child("clusterNetwork").Index(i), r)
	}
}

func convertHostSubnet(e *ClusterNetworkEntry, at report.Path, r *report.Report) {
	if e.LegacyHostSubnetLength == 0 || !e.CIDR.IsValid() {
		e.LegacyHostSubnetLength = 0
		return
	}
	bits := e.CIDR.Addr().BitLen()
	switch {
	case e.LegacyHostSubnetLength < 0 || e.LegacyHostSubnetLength > bits:
		r.Invalid(at.Child("hostSubnetLength"), e.LegacyHostSubnetLength, "must be between 1 and %d; write hostPrefix instead", bits)
	case e.HostPrefix == 0:
		e.HostPrefix = bits - e.LegacyHostSubnetLength
		place(r, at.Child("hostSubnetLength"), at.Child("hostPrefix"))
	case e.HostPrefix != bits-e.LegacyHostSubnetLength:
		r.Invalid(at.Child("hostSubnetLength"), e.LegacyHostSubnetLength, "is the old form of hostPrefix and says something else; set only hostPrefix")
	}
	e.LegacyHostSubnetLength = 0
}

func (c *InstallConfig) convertBareMetal(p *BareMetalPlatform, r *report.Report) {
	at := report.NewPath("platform", PlatformBareMetal)
	c.pluralizeVIPs(r, at, bareMetalVIPNames, &p.LegacyAPIVIP, &p.APIVIPs, &p.LegacyIngressVIP, &p.IngressVIPs)
	meaningless(r, at.Child("dnsVIP"), &p.LegacyDNSVIP)
	meaningless(r, at.Child("ironicURI"), &p.LegacyIronicURI)
	if p.LegacyImage != nil {
		r.Warn(at.Child("image"), nil, "means nothing any more; remove it")
		p.LegacyImage = nil
	}
	if old := p.LegacyProvisioningHostIP; old.IsValid() {
		if !p.ClusterProvisioningIP.IsValid() {
			p.ClusterProvisioningIP = old
			place(r, at.Child("provisioningHostIP"), at.Child("clusterProvisioningIP"))
		} else if p.ClusterProvisioningIP != old {
			r.Invalid(at.Child("provisioningHostIP"), old, "is the old name of clusterProvisioningIP and says something else; set only clusterProvisioningIP")
		}
		p.LegacyProvisioningHostIP = netip.Addr{}
	}
	if p.LegacyProvisioningDHCPExternal {
		switch p.ProvisioningNetwork {
		case "":
			p.ProvisioningNetwork = ProvisioningUnmanaged
		case ProvisioningManaged:
			r.Invalid(at.Child("provisioningDHCPExternal"), true, "is the old form of provisioningNetwork: Unmanaged, and provisioningNetwork says Managed; set only provisioningNetwork")
		}
		p.LegacyProvisioningDHCPExternal = false
	}
}

// pluralizeVIPs brings the virtual addresses of a platform into the new form and
// remembers which keys the file has.
func (c *InstallConfig) pluralizeVIPs(r *report.Report, at report.Path, names vipNames,
	oldAPI *netip.Addr, api *[]netip.Addr, oldIngress *netip.Addr, ingress *[]netip.Addr,
) {
	c.vipForms = vipForms{}
	if pluralize(r, at, names.legacyAPI, oldAPI, names.api, api) {
		c.vipForms[names.api] = names.legacyAPI
	}
	if pluralize(r, at, names.legacyIngress, oldIngress, names.ingress, ingress) {
		c.vipForms[names.ingress] = names.legacyIngress
	}
}

// pluralize moves the singular form of a VIP field into the list. As in the
// reference, a clash is a finding about the list. It reports whether the list is
// what the old form said.
func pluralize(r *report.Report, at report.Path, oldName string, old *netip.Addr, name string, list *[]netip.Addr) bool {
	if !old.IsValid() {
		return false
	}
	alone := len(*list) == 0
	if alone {
		*list = []netip.Addr{*old}
		moved(r, at.Child(oldName), at.Child(name))
	} else if !slices.Contains(*list, *old) {
		r.Add(finding{Path: at.Child(name), Type: report.Invalid, Value: `"` + old.String() + `"`, At: r.Where(at.Child(oldName)),
			Detail: "is what " + oldName + ", the old form of " + name + ", says, but " + name + " says something else; set only " + name})
	}
	*old = netip.Addr{}
	return alone
}

// meaningless empties a field that nothing looks at any more.
func meaningless[T comparable](r *report.Report, at report.Path, value *T) {
	var zero T
	if *value != zero {
		r.Warn(at, nil, "means nothing any more; remove it")
		*value = zero
	}
}

// place makes findings about a field point to its old form in the file.
func place(r *report.Report, old, now report.Path) {
	if w := r.Where(old); w.Line > 0 {
		r.Place(now, w.Line, w.Column)
	}
}

// moved is place for a list with one item.
func moved(r *report.Report, old, list report.Path) {
	place(r, old, list)
	place(r, old, list.Index(0))
	place(r, old, list.Index(0).Child("cidr"))
}

func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}
