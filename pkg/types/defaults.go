package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
)

// Values that are used where an install-config is silent.
const (
	defaultNetworkType  = "OVNKubernetes"
	defaultReplicas     = 3
	defaultHostPrefixV4 = 23
	defaultHostPrefixV6 = 64

	hyperthreadingEnabled  = "Enabled"
	hyperthreadingDisabled = "Disabled"
	archAMD64              = "amd64"
	publishExternal        = "External"
)

var (
	defaultMachineNetwork = netip.MustParsePrefix("10.0.0.0/16")
	defaultClusterNetwork = netip.MustParsePrefix("10.128.0.0/14")
	defaultServiceNetwork = netip.MustParsePrefix("172.30.0.0/16")
)

func setDefaults(c *InstallConfig, r *report.Report) {
	switch c.APIVersion {
	case "v1beta3", "v1beta4": // what they name differently is converted below
		c.APIVersion = APIVersion
	}
	if c.Networking == nil {
		c.Networking = &Networking{}
	}
	defaultNetworking(c.Networking, r)
	if c.ControlPlane == nil {
		c.ControlPlane = &MachinePool{}
	}
	if c.ControlPlane.Name == "" {
		c.ControlPlane.Name = MasterPool
	}
	if len(c.Compute) == 0 {
		c.Compute = []MachinePool{{Name: WorkerPool}}
	}
	defaultPool(c.ControlPlane)
	for i := range c.Compute {
		defaultPool(&c.Compute[i])
	}
	if c.AdditionalTrustBundle != "" && c.AdditionalTrustBundlePolicy == "" {
		c.AdditionalTrustBundlePolicy = TrustProxyOnly
	}
	if c.Publish == "" {
		c.Publish = publishExternal
	}
	if len(c.ImageContentSources) > 0 && len(c.ImageDigestSources) == 0 {
		for _, s := range c.ImageContentSources {
			c.ImageDigestSources = append(c.ImageDigestSources, ImageDigestSource{Source: s.Source, Mirrors: s.Mirrors})
		}
		c.ImageContentSources = nil
	}
	if p := c.Platform.Ovirt; p != nil {
		defaultOvirt(c, p, r)
	}
	if p := c.Platform.BareMetal; p != nil {
		at := report.NewPath("platform", PlatformBareMetal)
		upconvert(r, at, "apiVIP", &p.LegacyAPIVIP, "apiVIPs", &p.APIVIPs)
		upconvert(r, at, "ingressVIP", &p.LegacyIngressVIP, "ingressVIPs", &p.IngressVIPs)
	}
}

func defaultPool(p *MachinePool) {
	if p.Replicas == nil {
		n := int64(defaultReplicas)
		p.Replicas = &n
	}
	if p.Hyperthreading == "" {
		p.Hyperthreading = hyperthreadingEnabled
	}
	if p.Architecture == "" {
		p.Architecture = archAMD64
	}
}

func defaultNetworking(n *Networking, r *report.Report) {
	at := report.NewPath("networking")
	if n.LegacyType != "" {
		if n.NetworkType != "" && n.NetworkType != n.LegacyType {
			r.Forbidden(at.Child("type"), "is the old name of networkType; set only networkType")
		}
		n.NetworkType, n.LegacyType = n.LegacyType, ""
	}
	if n.LegacyMachineCIDR.IsValid() {
		if len(n.MachineNetwork) > 0 {
			r.Forbidden(at.Child("machineCIDR"), "is the old name of machineNetwork; set only machineNetwork")
		} else {
			n.MachineNetwork = []MachineNetworkEntry{{CIDR: n.LegacyMachineCIDR}}
		}
		n.LegacyMachineCIDR = netip.Prefix{}
	}
	if n.LegacyServiceCIDR.IsValid() {
		if len(n.ServiceNetwork) > 0 {
			r.Forbidden(at.Child("serviceCIDR"), "is the old name of serviceNetwork; set only serviceNetwork")
		} else {
			n.ServiceNetwork = []netip.Prefix{n.LegacyServiceCIDR}
		}
		n.LegacyServiceCIDR = netip.Prefix{}
	}
	if len(n.LegacyClusterNetworks) > 0 {
		if len(n.ClusterNetwork) > 0 {
			r.Forbidden(at.Child("clusterNetworks"), "is the old name of clusterNetwork; set only clusterNetwork")
		} else {
			n.ClusterNetwork = n.LegacyClusterNetworks
		}
		n.LegacyClusterNetworks = nil
	}
	if n.NetworkType == "" {
		n.NetworkType = defaultNetworkType
	}
	if len(n.MachineNetwork) == 0 {
		n.MachineNetwork = []MachineNetworkEntry{{CIDR: defaultMachineNetwork}}
	}
	if len(n.ServiceNetwork) == 0 {
		n.ServiceNetwork = []netip.Prefix{defaultServiceNetwork}
	}
	if len(n.ClusterNetwork) == 0 {
		n.ClusterNetwork = []ClusterNetworkEntry{{CIDR: defaultClusterNetwork}}
	}
	for i := range n.ClusterNetwork {
		e := &n.ClusterNetwork[i]
		switch {
		case e.HostPrefix == 0 && e.LegacyHostSubnetLength > 0 && e.CIDR.IsValid():
			e.HostPrefix = e.CIDR.Addr().BitLen() - e.LegacyHostSubnetLength
		case e.HostPrefix == 0 && e.CIDR.Addr().Is4():
			e.HostPrefix = defaultHostPrefixV4
		case e.HostPrefix == 0 && e.CIDR.IsValid():
			e.HostPrefix = defaultHostPrefixV6
		}
		e.LegacyHostSubnetLength = 0
	}
}

// upconvert moves the singular form of a VIP field into the list.
func upconvert(r *report.Report, at report.Path, oldName string, old *netip.Addr, name string, list *[]netip.Addr) {
	if !old.IsValid() {
		return
	}
	if len(*list) > 0 && (*list)[0] != *old {
		r.Forbidden(at.Child(oldName), "is the old name of %s and says something else; set only %s", name, name)
	} else if len(*list) == 0 {
		*list = []netip.Addr{*old}
		if w := r.Where(at.Child(oldName)); w.Line > 0 {
			r.Place(at.Child(name), w.Line, w.Column)
			r.Place(at.Child(name).Index(0), w.Line, w.Column)
		}
	}
	*old = netip.Addr{}
}
