package assets

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/types"
)

// clusterPlatform is the platform that the cluster itself is told. From 4.14 on
// no component serves oVirt any more, and its image registry would wait forever
// for a storage class. BareMetal without a Provisioning object gives what the
// nodes need: virtual addresses, load balancing and DNS.
func clusterPlatform(p types.Platform) types.Platform {
	o := p.Ovirt
	if o == nil {
		return p
	}
	out := &types.BareMetalPlatform{APIVIPs: o.APIVIPs, IngressVIPs: o.IngressVIPs, LoadBalancer: o.LoadBalancer}
	// The etcd operator knows only the old names of the fields, and without them
	// would take a VIP for the node's own address.
	out.LegacyAPIVIP, out.LegacyIngressVIP = first(o.APIVIPs), first(o.IngressVIPs)
	return types.Platform{BareMetal: out}
}

func first(ips []netip.Addr) netip.Addr {
	if len(ips) == 0 {
		return netip.Addr{}
	}
	return ips[0]
}

// addClusterConfig adds the install-config as operators in the cluster read it.
func addClusterConfig(m *manifests, c *types.InstallConfig) error {
	inside := *c
	inside.Platform = clusterPlatform(c.Platform)
	if p := inside.Platform.BareMetal; p != nil {
		hostless := *p // hosts carry the passwords of their BMCs
		hostless.Hosts = nil
		inside.Platform.BareMetal = &hostless
	}
	master := *c.ControlPlane
	master.Platform = types.MachinePoolPlatform{}
	inside.ControlPlane = &master
	inside.Compute = slices.Clone(c.Compute)
	for i := range inside.Compute {
		inside.Compute[i].Platform = types.MachinePoolPlatform{}
	}
	raw, err := json.Marshal(inside)
	if err != nil {
		return fmt.Errorf("render install-config for the cluster: %w", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return fmt.Errorf("render install-config for the cluster: %w", err)
	}
	tree["pullSecret"] = ""
	text, err := yaml.Marshal(tree)
	if err != nil {
		return fmt.Errorf("render install-config for the cluster: %w", err)
	}
	m.add("cluster-config.yaml", configMap(metav1.NamespaceSystem, "cluster-config-v1", map[string]string{"install-config": string(text)}))
	return nil
}

// addPlatform adds what depends on platform, topology and names.
func addPlatform(m *manifests, c *types.InstallConfig, n NameSet, infraID string) {
	infra := configv1.Infrastructure{}
	infra.TypeMeta, infra.ObjectMeta = configMeta("Infrastructure")
	infra.Spec.PlatformSpec, infra.Status.PlatformStatus = platformObjects(c)
	infra.Status.Platform = infra.Status.PlatformStatus.Type //nolint:staticcheck // some operators still read it
	infra.Status.InfrastructureName = infraID
	infra.Status.APIServerURL = "https://" + n.API + ":6443"
	infra.Status.APIServerInternalURL = "https://" + n.APIInt + ":6443"
	infra.Status.ControlPlaneTopology = topology(c.Masters())
	infra.Status.InfrastructureTopology = infrastructureTopology(c)
	infra.Status.CPUPartitioning = configv1.CPUPartitioningNone
	if c.CPUPartitioningMode == string(configv1.CPUPartitioningAllNodes) {
		infra.Status.CPUPartitioning = configv1.CPUPartitioningAllNodes
	}
	m.add("cluster-infrastructure-02-config.yml", infra)

	dns := configv1.DNS{Spec: configv1.DNSSpec{BaseDomain: n.Domain}}
	dns.TypeMeta, dns.ObjectMeta = configMeta("DNS")
	m.add("cluster-dns-02-config.yml", dns)

	ingress := configv1.Ingress{Spec: configv1.IngressSpec{Domain: c.AppsDomain()}}
	ingress.TypeMeta, ingress.ObjectMeta = configMeta("Ingress")
	ingress.Status.DefaultPlacement = configv1.DefaultPlacementWorkers
	if c.Workers() == 0 && c.Masters() == 1 {
		ingress.Status.DefaultPlacement = configv1.DefaultPlacementControlPlane
	}
	m.add("cluster-ingress-02-config.yml", ingress)

	scheduler := configv1.Scheduler{Spec: configv1.SchedulerSpec{MastersSchedulable: c.Workers() == 0}}
	scheduler.TypeMeta, scheduler.ObjectMeta = configMeta("Scheduler")
	m.add("cluster-scheduler-02-config.yml", scheduler)
}

func platformObjects(c *types.InstallConfig) (configv1.PlatformSpec, *configv1.PlatformStatus) {
	switch p := clusterPlatform(c.Platform); {
	case p.BareMetal != nil:
		var nets []configv1.CIDR
		for _, n := range c.Networking.MachineCIDRs() {
			nets = append(nets, configv1.CIDR(n.String()))
		}
		spec := &configv1.BareMetalPlatformSpec{MachineNetworks: nets}
		status := &configv1.BareMetalPlatformStatus{MachineNetworks: nets}
		for _, ip := range p.BareMetal.APIVIPs {
			spec.APIServerInternalIPs = append(spec.APIServerInternalIPs, configv1.IP(ip.String()))
			status.APIServerInternalIPs = append(status.APIServerInternalIPs, ip.String())
		}
		for _, ip := range p.BareMetal.IngressVIPs {
			spec.IngressIPs = append(spec.IngressIPs, configv1.IP(ip.String()))
			status.IngressIPs = append(status.IngressIPs, ip.String())
		}
		if len(status.APIServerInternalIPs) > 0 && len(status.IngressIPs) > 0 {
			status.APIServerInternalIP, status.IngressIP = status.APIServerInternalIPs[0], status.IngressIPs[0] //nolint:staticcheck // baremetal-runtimecfg still reads them
		}
		status.LoadBalancer = &configv1.BareMetalPlatformLoadBalancer{Type: configv1.PlatformLoadBalancerType(c.LoadBalancerType())}
		return configv1.PlatformSpec{Type: configv1.BareMetalPlatformType, BareMetal: spec},
			&configv1.PlatformStatus{Type: configv1.BareMetalPlatformType, BareMetal: status}
	case p.External != nil:
		status := &configv1.ExternalPlatformStatus{}
		if p.External.CloudControllerManager != "" {
			status.CloudControllerManager.State = configv1.CloudControllerManagerState(p.External.CloudControllerManager)
		}
		return configv1.PlatformSpec{Type: configv1.ExternalPlatformType, External: &configv1.ExternalPlatformSpec{PlatformName: p.External.PlatformName}},
			&configv1.PlatformStatus{Type: configv1.ExternalPlatformType, External: status}
	}
	return configv1.PlatformSpec{Type: configv1.NonePlatformType}, &configv1.PlatformStatus{Type: configv1.NonePlatformType}
}

func topology(nodes int) configv1.TopologyMode {
	switch nodes {
	case 1:
		return configv1.SingleReplicaTopologyMode
	case 2:
		return configv1.DualReplicaTopologyMode
	}
	return configv1.HighlyAvailableTopologyMode
}

// infrastructureTopology is about where routers and the like run: on the
// workers if there are any. Two of those are enough.
func infrastructureTopology(c *types.InstallConfig) configv1.TopologyMode {
	switch c.Workers() {
	case 0:
		return topology(c.Masters())
	case 1:
		return configv1.SingleReplicaTopologyMode
	}
	return configv1.HighlyAvailableTopologyMode
}

func addProxy(m *manifests, c *types.InstallConfig, n NameSet) {
	proxy := configv1.Proxy{}
	proxy.TypeMeta, proxy.ObjectMeta = configMeta("Proxy")
	if c.AdditionalTrustBundle != "" && (c.Proxy != nil || c.AdditionalTrustBundlePolicy == types.TrustAlways) {
		proxy.Spec.TrustedCA.Name = userCABundle
	}
	if c.Proxy != nil {
		proxy.Spec.HTTPProxy, proxy.Spec.HTTPSProxy, proxy.Spec.NoProxy = c.Proxy.HTTPProxy, c.Proxy.HTTPSProxy, c.Proxy.NoProxy
		proxy.Status.HTTPProxy, proxy.Status.HTTPSProxy = c.Proxy.HTTPProxy, c.Proxy.HTTPSProxy
		proxy.Status.NoProxy = noProxy(c, n)
	}
	m.add("cluster-proxy-01-config.yaml", proxy)
}

// noProxy is everything that must be reached directly.
func noProxy(c *types.InstallConfig, n NameSet) string {
	if c.Proxy.NoProxy == "*" {
		return "*"
	}
	list := []string{"127.0.0.1", "localhost", ".svc", ".cluster.local", n.APIInt}
	for _, nets := range [][]netip.Prefix{c.Networking.MachineCIDRs(), c.Networking.ClusterCIDRs(), c.Networking.ServiceNetwork} {
		for _, p := range nets {
			list = append(list, p.String())
		}
	}
	for _, item := range strings.Split(c.Proxy.NoProxy, ",") {
		if item != "" {
			list = append(list, item)
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}
