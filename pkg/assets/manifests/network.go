package manifests

import (
	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
	"github.com/okd-install/okd-install/pkg/types"
)

// addNetwork adds the cluster's networks and, if the install-config changes
// something inside OVN-Kubernetes, what its operator needs to know of it.
func addNetwork(set *objects.Set, in Inputs) error {
	n := in.Config.Networking
	network := configv1.Network{Spec: configv1.NetworkSpec{
		NetworkType: n.NetworkType,
		// An empty policy refuses services with external addresses.
		ExternalIP: &configv1.ExternalIPConfig{Policy: &configv1.ExternalIPPolicy{}},
	}}
	network.TypeMeta, network.ObjectMeta = objects.Singleton("Network")
	for _, e := range n.ClusterNetwork {
		network.Spec.ClusterNetwork = append(network.Spec.ClusterNetwork,
			configv1.ClusterNetworkEntry{CIDR: e.CIDR.String(), HostPrefix: uint32(e.HostPrefix)})
	}
	for _, p := range n.ServiceNetwork {
		network.Spec.ServiceNetwork = append(network.Spec.ServiceNetwork, p.String())
	}
	set.Add("cluster-network-02-config.yml", network)

	if ovn := ovnSettings(n); ovn != nil {
		// Plain data: the Go type's status and proxy settings would go along.
		set.Add("cluster-network-03-config.yml", objects.Object{
			"apiVersion": "operator.openshift.io/v1", "kind": "Network", "metadata": objects.Object{"name": "cluster"},
			"spec": objects.Object{
				"managementState": "Managed",
				"clusterNetwork":  network.Spec.ClusterNetwork,
				"serviceNetwork":  network.Spec.ServiceNetwork,
				"defaultNetwork":  objects.Object{"type": n.NetworkType, "ovnKubernetesConfig": ovn},
			},
		})
	}
	return nil
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
