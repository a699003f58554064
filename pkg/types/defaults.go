package types

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/report"
)

// Values that are used where an install-config is silent.
const (
	defaultNetworkType  = "OVNKubernetes"
	defaultReplicas     = 3
	defaultArbiters     = 1
	defaultHostPrefixV4 = 23
	defaultHostPrefixV6 = 64

	hyperthreadingEnabled  = "Enabled"
	hyperthreadingDisabled = "Disabled"
	archAMD64              = "amd64"
	publishExternal        = "External"
	partitioningNone       = "None"
	externalUnknown        = "Unknown"
)

var (
	defaultMachineNetwork = netip.MustParsePrefix("10.0.0.0/16")
	defaultClusterNetwork = netip.MustParsePrefix("10.128.0.0/14")
	defaultServiceNetwork = netip.MustParsePrefix("172.30.0.0/16")
)

// setDefaults fills in what the file leaves open. Like the reference it makes up
// no hardware addresses: an install-config that is read twice is the same twice.
func (o Options) setDefaults(c *InstallConfig, r *report.Report) {
	if c.Networking == nil {
		c.Networking = &Networking{}
	}
	defaultNetworking(c.Networking)
	if c.ControlPlane == nil {
		c.ControlPlane = &MachinePool{}
	}
	defaultPool(c.ControlPlane, MasterPool, defaultReplicas)
	if len(c.Compute) == 0 {
		c.Compute = []MachinePool{{Name: WorkerPool}}
	}
	for i := range c.Compute {
		defaultPool(&c.Compute[i], c.Compute[i].Name, defaultReplicas)
	}
	if c.Arbiter != nil {
		defaultPool(c.Arbiter, ArbiterPool, defaultArbiters)
	}
	c.AdditionalTrustBundlePolicy = or(c.AdditionalTrustBundlePolicy, TrustProxyOnly)
	c.Publish = or(c.Publish, publishExternal)
	c.CPUPartitioningMode = or(c.CPUPartitioningMode, partitioningNone)
	if p := c.Platform.Ovirt; p != nil {
		defaultOvirt(c, p, r)
	}
	if p := c.Platform.BareMetal; p != nil {
		o.defaultBareMetal(c, p)
	}
	if p := c.Platform.External; p != nil {
		p.PlatformName = or(p.PlatformName, externalUnknown)
	}
}

func defaultPool(p *MachinePool, name string, replicas int64) {
	p.Name = or(p.Name, name)
	if p.Replicas == nil {
		p.Replicas = &replicas
	}
	p.Hyperthreading = or(p.Hyperthreading, hyperthreadingEnabled)
	p.Architecture = or(p.Architecture, archAMD64)
	if p.Fencing != nil {
		for i := range p.Fencing.Credentials {
			c := &p.Fencing.Credentials[i]
			c.CertificateVerification = or(c.CertificateVerification, "Enabled")
		}
	}
}

func defaultNetworking(n *Networking) {
	n.NetworkType = or(n.NetworkType, defaultNetworkType)
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
		case e.HostPrefix != 0 || !e.CIDR.IsValid():
		case e.CIDR.Addr().Is4():
			e.HostPrefix = defaultHostPrefixV4
		default:
			e.HostPrefix = defaultHostPrefixV6
		}
	}
}
