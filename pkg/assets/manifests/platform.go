package manifests

import (
	"net/netip"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/types"
)

// InCluster is the platform that the cluster itself is told. From 4.14 on no
// component serves oVirt any more, and its image registry would wait forever
// for a storage class. BareMetal without a Provisioning object gives what the
// nodes need: virtual addresses, load balancing and DNS.
func InCluster(p types.Platform) types.Platform {
	o := p.Ovirt
	if o == nil {
		return p
	}
	return types.Platform{BareMetal: &types.BareMetalPlatform{APIVIPs: o.APIVIPs, IngressVIPs: o.IngressVIPs, LoadBalancer: o.LoadBalancer}}
}

func platformSpec(c *types.InstallConfig) configv1.PlatformSpec {
	switch p := InCluster(c.Platform); {
	case p.BareMetal != nil:
		return configv1.PlatformSpec{Type: configv1.BareMetalPlatformType, BareMetal: &configv1.BareMetalPlatformSpec{
			APIServerInternalIPs: addresses[configv1.IP](p.BareMetal.APIVIPs),
			IngressIPs:           addresses[configv1.IP](p.BareMetal.IngressVIPs),
			MachineNetworks:      networks(c),
		}}
	case p.External != nil:
		return configv1.PlatformSpec{Type: configv1.ExternalPlatformType, External: &configv1.ExternalPlatformSpec{PlatformName: p.External.PlatformName}}
	}
	return configv1.PlatformSpec{Type: configv1.NonePlatformType}
}

func platformStatus(c *types.InstallConfig) *configv1.PlatformStatus {
	switch p := InCluster(c.Platform); {
	case p.BareMetal != nil:
		status := &configv1.BareMetalPlatformStatus{
			APIServerInternalIPs: addresses[string](p.BareMetal.APIVIPs),
			IngressIPs:           addresses[string](p.BareMetal.IngressVIPs),
			MachineNetworks:      networks(c),
			LoadBalancer:         &configv1.BareMetalPlatformLoadBalancer{Type: configv1.PlatformLoadBalancerType(c.LoadBalancerType())},
		}
		// baremetal-runtimecfg still reads the singular forms.
		if ips := status.APIServerInternalIPs; len(ips) > 0 {
			status.APIServerInternalIP = ips[0] //nolint:staticcheck // see above
		}
		if ips := status.IngressIPs; len(ips) > 0 {
			status.IngressIP = ips[0] //nolint:staticcheck // see above
		}
		return &configv1.PlatformStatus{Type: configv1.BareMetalPlatformType, BareMetal: status}
	case p.External != nil:
		status := &configv1.ExternalPlatformStatus{}
		status.CloudControllerManager.State = configv1.CloudControllerManagerNone
		if p.External.CloudControllerManager == string(configv1.CloudControllerManagerExternal) {
			// Nodes stay tainted until the user's cloud controller is there.
			status.CloudControllerManager.State = configv1.CloudControllerManagerExternal
		}
		return &configv1.PlatformStatus{Type: configv1.ExternalPlatformType, External: status}
	}
	return &configv1.PlatformStatus{Type: configv1.NonePlatformType}
}

func addresses[T ~string](ips []netip.Addr) []T {
	var out []T
	for _, ip := range ips {
		out = append(out, T(ip.String()))
	}
	return out
}

func networks(c *types.InstallConfig) []configv1.CIDR {
	var out []configv1.CIDR
	for _, n := range c.Networking.MachineCIDRs() {
		out = append(out, configv1.CIDR(n.String()))
	}
	return out
}
