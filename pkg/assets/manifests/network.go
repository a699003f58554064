package manifests

import (
	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addNetwork adds the cluster's networks and, if the install-config changes any, the
// settings of OVN-Kubernetes for its operator.
func addNetwork(set *objects.Set, in Inputs) {
	n := in.Config.Networking
	network := configv1.NetworkSpec{
		NetworkType: n.NetworkType,
		// An empty policy refuses services with external addresses.
		ExternalIP: &configv1.ExternalIPConfig{Policy: &configv1.ExternalIPPolicy{}},
	}
	for _, e := range n.ClusterNetwork {
		network.ClusterNetwork = append(network.ClusterNetwork,
			configv1.ClusterNetworkEntry{CIDR: e.CIDR.String(), HostPrefix: uint32(e.HostPrefix)})
	}
	for _, p := range n.ServiceNetwork {
		network.ServiceNetwork = append(network.ServiceNetwork, p.String())
	}
	set.AddSingleton("cluster-network-02-config.yml", "Network", network, nil)

	if ovn := ovnSettings(n); ovn != nil {
		// Plain data: the Go type would add a status and proxy settings.
		set.Add("cluster-network-03-config.yml", objects.Object{
			"apiVersion": "operator.openshift.io/v1", "kind": "Network", "metadata": objects.Object{"name": "cluster"},
			"spec": objects.Object{
				"managementState": "Managed",
				"clusterNetwork":  network.ClusterNetwork,
				"serviceNetwork":  network.ServiceNetwork,
				"defaultNetwork":  objects.Object{"type": n.NetworkType, "ovnKubernetesConfig": ovn},
			},
		})
	}
}

func ovnSettings(n *types.Networking) objects.Object {
	ovn := objects.Object{}
	if o := n.OVNKubernetesConfig; o != nil && o.IPv4 != nil && o.IPv4.InternalJoinSubnet.IsValid() {
		ovn["ipv4"] = objects.Object{"internalJoinSubnet": o.IPv4.InternalJoinSubnet.String()}
	}
	if n.ClusterNetworkMTU != 0 {
		ovn["mtu"] = n.ClusterNetworkMTU
	}
	if len(ovn) == 0 {
		return nil
	}
	return ovn
}
