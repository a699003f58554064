package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var networkRefused = []row{
	{"networking as text", none, `networking = OVNKubernetes`, `networking: Invalid value @ networking: OVNKubernetes`},
	{"SDN", none, `networking.networkType = OpenShiftSDN`, `networking.networkType: Invalid value @ OpenShiftSDN`},
	{"Kuryr", external, `networking.networkType = kuryr`, `networking.networkType: Invalid value`},
	{"machine network without size", none, `networking.machineNetwork = [{cidr: 10.0.0.0}]`,
		`networking.machineNetwork[0].cidr: Invalid value @ 10.0.0.0`},
	{"machine network that is no address", none, `networking.machineNetwork = [{cidr: lan}]`,
		`networking.machineNetwork[0].cidr: Invalid value @ lan`},
	{"machine network without cidr", external, `networking.machineNetwork = [{}]`,
		`networking.machineNetwork[0]: Required value`},
	{"machine network as text", none, `networking.machineNetwork = 10.0.0.0/16`,
		`networking.machineNetwork: Invalid value`},
	{"machine network as a list of texts", none, `networking.machineNetwork = [10.0.0.0/16]`,
		`networking.machineNetwork[0]: Invalid value`},
	{"host bits of a machine network", external, `networking.machineNetwork = [{cidr: 10.0.0.1/16}]`,
		`networking.machineNetwork[0]: Invalid value @ 10.0.0.1/16`},
	{"machine network of everything", none, `networking.machineNetwork = [{cidr: 0.0.0.0/0}]`,
		`networking.machineNetwork[0]: Invalid value`},
	{"mapped machine network", none, `networking.machineNetwork = [{cidr: "::ffff:10.0.0.0/112"}]`,
		`networking.machineNetwork[0].cidr: Invalid value`},
	{"machine networks overlap", external, `networking.machineNetwork = [{cidr: 10.0.0.0/16}, {cidr: 10.0.8.0/24}]`,
		`networking.machineNetwork[1]: Invalid value`},
	{"the same machine network twice", none, `networking.machineNetwork = [{cidr: 10.0.0.0/16}, {cidr: 10.0.0.0/16}]`,
		`networking.machineNetwork[1]: Invalid value`},
	{"machine network in the join subnet", none, `networking.machineNetwork = [{cidr: 100.64.8.0/24}]`,
		`networking.machineNetwork[0]: Invalid value`},
	{"machine network around the transit subnet", external, `networking.machineNetwork = [{cidr: 100.80.0.0/12}]`,
		`networking.machineNetwork[0]: Invalid value`},
	{"machine network in the masquerade subnet", none, `networking.machineNetwork = [{cidr: 169.254.1.0/24}]`,
		`networking.machineNetwork[0]: Invalid value`},
	{"host bits of a service network", none, `networking.serviceNetwork = [172.30.0.1/16]`,
		`networking.serviceNetwork[0]: Invalid value @ 172.30.0.1/16`},
	{"service network too large", external, `networking.serviceNetwork = [172.0.0.0/11]`,
		`networking.serviceNetwork[0]: Invalid value`},
	{"service network too large for IPv6", none, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}]
		networking.serviceNetwork = ["fd02::/107"]`, `networking.serviceNetwork[0]: Invalid value`},
	{"service network as a mapping", none, `networking.serviceNetwork = [{cidr: 172.30.0.0/16}]`,
		`networking.serviceNetwork[0]: Invalid value`},
	{"service network in a machine network", external, `networking.serviceNetwork = [10.0.8.0/24]`,
		`networking.serviceNetwork[0]: Invalid value`},
	{"service networks of one family", none, `networking.serviceNetwork = [172.30.0.0/16, 172.31.0.0/16]`,
		`networking.serviceNetwork: Invalid value`},
	{"service networks overlap", none, `networking.serviceNetwork = [172.30.0.0/16, 172.30.8.0/24]`, `
		networking.serviceNetwork[1]: Invalid value
		networking.serviceNetwork: Invalid value`},
	{"service network in the transit subnet", external, `networking.serviceNetwork = [100.88.0.0/16]`,
		`networking.serviceNetwork[0]: Invalid value`},
	{"host bits of a cluster network", none, `networking.clusterNetwork = [{cidr: 10.129.0.0/14}]`,
		`networking.clusterNetwork[0].cidr: Invalid value @ 10.129.0.0/14`},
	{"cluster network in a machine network", none, `networking.clusterNetwork = [{cidr: 10.0.0.0/14}]`,
		`networking.clusterNetwork[0].cidr: Invalid value`},
	{"cluster network around the service network", external, `networking.clusterNetwork = [{cidr: 172.16.0.0/12}]`,
		`networking.clusterNetwork[0].cidr: Invalid value`},
	{"cluster networks overlap", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14}, {cidr: 10.130.0.0/16}]`,
		`networking.clusterNetwork[1].cidr: Invalid value`},
	{"cluster network without cidr", none, `networking.clusterNetwork = [{hostPrefix: 24}]`,
		`networking.clusterNetwork[0].cidr: Required value`},
	{"cluster network in the IPv6 join subnet", external, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd98::/48"}]
		networking.serviceNetwork = ["fd02::/112"]`, `networking.clusterNetwork[0].cidr: Invalid value`},
	{"machine network in the IPv6 transit subnet", none, `
		networking.machineNetwork = [{cidr: "fd97::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}]
		networking.serviceNetwork = ["fd02::/112"]`, `networking.machineNetwork[0]: Invalid value`},
	{"service network is the IPv6 masquerade subnet", none, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}]
		networking.serviceNetwork = ["fd69::/112"]`, `networking.serviceNetwork[0]: Invalid value`},
	{"host prefix larger than the network", external,
		`networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: 13}]`,
		`networking.clusterNetwork[0].hostPrefix: Invalid value`},
	{"host prefix of 33", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: 33}]`,
		`networking.clusterNetwork[0].hostPrefix: Invalid value`},
	{"negative host prefix", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: -1}]`,
		`networking.clusterNetwork[0].hostPrefix: Invalid value`},
	{"host prefix as text", external, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: /23}]`,
		`networking.clusterNetwork[0].hostPrefix: Invalid value`},
	{"two host prefixes", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/16, hostPrefix: 23}, {cidr: ` +
		`10.129.0.0/16, hostPrefix: 24}]`, `networking.clusterNetwork[1].hostPrefix: Invalid value`},
	{"host prefix for IPv6", none, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48", hostPrefix: 65}]
		networking.serviceNetwork = ["fd02::/112"]`, `networking.clusterNetwork[0].hostPrefix: Invalid value`},
	{"MTU", external, `networking.clusterNetworkMTU = 1400`, `networking.clusterNetworkMTU: Invalid value @ 1400`},
	{"MTU", ovirt, `networking.clusterNetworkMTU = 1400`, `networking.clusterNetworkMTU: Invalid value`},
	{"negative MTU", none, `networking.clusterNetworkMTU = -1`, `networking.clusterNetworkMTU: Invalid value`},
	{"join subnet with host bits", none, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.1/16`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet in the machine network", external,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 10.0.0.0/16`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value @ 10.0.0.0/16`},
	{"join subnet in the service network", none, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 172.30.0.0/17`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet in the cluster network", none, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 10.128.0.0/16`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet of IPv6", external, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = fd00::/64`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet too small", none, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.0/23`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet of one address", none, `networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.1/32`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
	{"join subnet of another plugin", external, `
		networking.networkType = Calico
		networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.0/16`, `networking.networkType: Invalid value`},
	{"join subnet moved, machines in the new place", none, `
		networking.machineNetwork = [{cidr: 100.65.0.0/16}]
		networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.0/16`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet: Invalid value`},
}

var networkAccepted = []row{
	{"plugin in lower case", none, `networking.networkType = ovnkubernetes`, `networking.networkType = "OVNKubernetes"`},
	{"a plugin of one's own", external, `networking.networkType = Calico`, `networking.networkType = "Calico"`},
	{"a plugin of one's own has no reserved ranges", none, `
		networking.networkType = Cilium
		networking.machineNetwork = [{cidr: 100.64.0.0/16}]`, `networking.machineNetwork[0].cidr = "100.64.0.0/16"`},
	{"several machine networks", none, `networking.machineNetwork = [{cidr: 10.0.0.0/24}, {cidr: 10.0.1.0/24}]`,
		`networking.machineNetwork[1].cidr = "10.0.1.0/24"`},
	{"several cluster networks", external, `networking.clusterNetwork = [{cidr: 10.128.0.0/16}, {cidr: 10.129.0.0/16, ` +
		`hostPrefix: 23}]`, `
		networking.clusterNetwork[0].hostPrefix = 23
		networking.clusterNetwork[1].hostPrefix = 23`},
	{"host prefix as large as the network", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/23, hostPrefix: 23}]`,
		``},
	{"largest service network", none, `networking.serviceNetwork = [172.16.0.0/12]`, ``},
	{"IPv6 only", external, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}]
		networking.serviceNetwork = ["fd02::/112"]`, `networking.clusterNetwork[0].hostPrefix = 64`},
	{"join subnet moved away", none, `
		networking.machineNetwork = [{cidr: 100.64.0.0/24}]
		networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.0/16`,
		`networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = "100.65.0.0/16"`},
	{"empty OVN config", none, `networking.ovnKubernetesConfig = {}`, ``},
}

func TestNetworks(t *testing.T) {
	testRefused(t, types.Options{}, networkRefused)
	testAccepted(t, types.Options{}, networkAccepted)
}

const (
	dualMachines = `networking.machineNetwork = [{cidr: 10.0.0.0/16}, {cidr: "fd00::/64"}]`
	dualCluster  = `networking.clusterNetwork = [{cidr: 10.128.0.0/14}, {cidr: "fd01::/48"}]`
	dualServices = `networking.serviceNetwork = [172.30.0.0/16, "fd02::/112"]`
	dualStack    = dualMachines + "\n" + dualCluster + "\n" + dualServices + "\n"
	sixFirst     = `
		networking.machineNetwork = [{cidr: "fd00::/64"}, {cidr: 10.0.0.0/16}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}, {cidr: 10.128.0.0/14}]
		networking.serviceNetwork = ["fd02::/112", 172.30.0.0/16]
`
)

var familyRefused = []row{
	{"IPv6 services only", external, `networking.serviceNetwork = ["fd02::/112"]`, `
		networking.machineNetwork: Invalid value
		networking.clusterNetwork: Invalid value`},
	{"dual stack without IPv6 machines", none, dualCluster + "\n" + dualServices,
		`networking.machineNetwork: Invalid value`},
	{"dual stack without IPv6 pods", ovirt, dualMachines + "\n" + dualServices,
		`networking.clusterNetwork: Invalid value`},
	{"dual stack without IPv6 services", none, dualMachines + "\n" + dualCluster,
		`networking.clusterNetwork: Invalid value`},
	{"dual stack without IPv4 machines", none, dualStack + `networking.machineNetwork = [{cidr: "fd00::/64"}]`,
		`networking.machineNetwork: Invalid value`},
	{"dual stack with three service networks", none, dualStack +
		`networking.serviceNetwork = [172.30.0.0/16, "fd02::/112", "fd03::/112"]`,
		`networking.serviceNetwork: Invalid value`},
	{"two IPv6 service networks", none, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48"}]
		networking.serviceNetwork = ["fd02::/112", "fd03::/112"]`, `networking.serviceNetwork: Invalid value`},
	{"IPv6 first", none, sixFirst, `
		networking.machineNetwork: Invalid value
		networking.clusterNetwork: Invalid value
		networking.serviceNetwork: Invalid value`},
	{"IPv6 machines first", ovirt, dualStack + `networking.machineNetwork = [{cidr: "fd00::/64"}, {cidr: 10.0.0.0/16}]
		platform.ovirt.api_vips = ["fd00::10"]
		platform.ovirt.ingress_vips = ["fd00::11"]`, `networking.machineNetwork: Invalid value`},
	{"mixed order", baremetal, dualStack + `networking.serviceNetwork = ["fd02::/112", 172.30.0.0/16]`,
		`networking.serviceNetwork: Invalid value`},
}

var familyAccepted = []row{
	{"dual stack", none, dualStack, `networking.clusterNetwork[1].hostPrefix = 64`},
	{"dual stack", external, dualStack, ``},
	{"dual stack", ovirt, dualStack, ``},
	{"dual stack", baremetal, dualStack, ``},
	{"dual stack with two addresses", ovirt, dualStack + `
		platform.ovirt.api_vips = [10.0.0.10, "fd00::10"]
		platform.ovirt.ingress_vips = ["fd00::11", 10.0.0.11]`, `
		platform.ovirt.api_vips = ["10.0.0.10","fd00::10"]
		platform.ovirt.ingress_vips = ["10.0.0.11","fd00::11"]`},
	{"IPv6 first", baremetal, sixFirst + `
		platform.baremetal.apiVIPs = ["fd00::10"]
		platform.baremetal.ingressVIPs = ["fd00::11", 10.0.0.11]`, `platform.baremetal.ingressVIPs[0] = "fd00::11"`},
}

func TestFamilies(t *testing.T) {
	testRefused(t, types.Options{}, familyRefused)
	testAccepted(t, types.Options{}, familyAccepted)
}
