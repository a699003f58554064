package manifests

import (
	"encoding/json"
	"maps"
	"net/netip"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// Platform is what a cluster is told about the place where its machines are.
type Platform struct {
	Spec   configv1.PlatformSpec
	Status configv1.PlatformStatus
	// MoreStatus is fields of the status that the linked API does not have. Releases
	// without them ignore them.
	MoreStatus objects.Object
	// Config is the platform in the install-config that operators read. It must not
	// hold logins: everybody in the cluster can read it.
	Config any
	// RoutersOnControlPlane keeps the routers from moving to workers.
	RoutersOnControlPlane bool
	// Add adds objects that only clusters on this platform have; nil for none.
	Add func(*objects.Set)
}

// Name is what the cluster's operators call the platform.
func (p Platform) Name() string { return strings.ToLower(string(p.Status.Type)) }

// complete adds MoreStatus to the infrastructure's status.
func (p Platform) complete(status configv1.InfrastructureStatus) (any, error) {
	if len(p.MoreStatus) == 0 {
		return status, nil
	}
	raw, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	var object objects.Object
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	platform, _ := object["platformStatus"].(map[string]any)
	own, _ := platform[p.Name()].(map[string]any)
	maps.Copy(own, p.MoreStatus)
	return object, nil
}

// OnPrem is the platform of clusters with virtual addresses: BareMetal, where the nodes
// serve the addresses, balance load and resolve the cluster's names.
func OnPrem(c *types.InstallConfig) Platform {
	api, ingress := c.APIVIPs(), c.IngressVIPs()
	balancer := configv1.PlatformLoadBalancerType(c.LoadBalancerType())
	status := &configv1.BareMetalPlatformStatus{
		APIServerInternalIPs: addresses[string](api),
		IngressIPs:           addresses[string](ingress),
		MachineNetworks:      networks(c),
		LoadBalancer:         &configv1.BareMetalPlatformLoadBalancer{Type: balancer},
	}
	config := objects.Object{}
	if balancer := c.VIPs().Balancer; balancer != nil {
		config["loadBalancer"] = balancer
	}
	// baremetal-runtimecfg and the etcd operator know only the singular forms. The
	// latter would take a VIP for the node's own address without them.
	if len(api) > 0 {
		status.APIServerInternalIP = api[0].String() //nolint:staticcheck // see above
		config["apiVIPs"], config["apiVIP"] = api, api[0]
	}
	if len(ingress) > 0 {
		status.IngressIP = ingress[0].String() //nolint:staticcheck // see above
		config["ingressVIPs"], config["ingressVIP"] = ingress, ingress[0]
	}
	return Platform{
		Spec: configv1.PlatformSpec{Type: configv1.BareMetalPlatformType, BareMetal: &configv1.BareMetalPlatformSpec{
			APIServerInternalIPs: addresses[configv1.IP](api),
			IngressIPs:           addresses[configv1.IP](ingress),
			MachineNetworks:      networks(c),
		}},
		Status: configv1.PlatformStatus{Type: configv1.BareMetalPlatformType, BareMetal: status},
		Config: objects.Object{"baremetal": config},
	}
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
