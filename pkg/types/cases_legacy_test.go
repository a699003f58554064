package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var legacyRefused = []row{
	{"two plugins", none, `networking = {type: Calico, networkType: OVNKubernetes}`, `networking.type: Invalid value`},
	{"SDN by its old name", none, `
		apiVersion = v1beta3
		networking = {type: OpenshiftSDN}`, `networking.networkType: Invalid value`},
	{"two machine networks", external, `networking = {machineCIDR: 10.1.0.0/16, machineNetwork: [{cidr: 10.0.0.0/16}]}`,
		`networking.machineCIDR: Invalid value`},
	{"two service networks", none, `networking = {serviceCIDR: 172.31.0.0/16, serviceNetwork: [172.30.0.0/16]}`,
		`networking.serviceCIDR: Invalid value`},
	{"two cluster networks", none, `networking = {clusterNetworks: [{cidr: 10.132.0.0/14}], clusterNetwork: [{cidr: ` +
		`10.128.0.0/14}]}`, `networking.clusterNetworks: Invalid value`},
	{"old machine network with host bits", external, `networking.machineCIDR = 10.0.0.1/16`,
		`networking.machineNetwork[0]: Invalid value @ machineCIDR`},
	{"old service network that overlaps", none, `networking.serviceCIDR = 10.0.0.0/17`,
		`networking.serviceNetwork[0]: Invalid value @ serviceCIDR`},
	{"old cluster network that overlaps", none, `networking.clusterNetworks = [{cidr: 10.0.0.0/17}]`,
		`networking.clusterNetwork[0].cidr: Invalid value @ cidr: 10.0.0.0/17`},
	{"not a machine network, old key", external, `networking.machineCIDR = lan`,
		`networking.machineCIDR: Invalid value @ lan`},
	{"two host prefixes", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: 23, hostSubnetLength: 8}]`,
		`networking.clusterNetwork[0].hostSubnetLength: Invalid value`},
	{"subnet larger than the address", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostSubnetLength: 33}]`,
		`networking.clusterNetwork[0].hostSubnetLength: Invalid value`},
	{"subnet larger than the network", external,
		`networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostSubnetLength: 20}]`,
		`networking.clusterNetwork[0].hostPrefix: Invalid value @ hostSubnetLength`},
	{"two API addresses", ovirt, `platform.ovirt.api_vip = 10.0.0.99`,
		`platform.ovirt.api_vips: Invalid value @ 10.0.0.99`},
	{"two ingress addresses", baremetal, `platform.baremetal.ingressVIP = 10.0.0.99`,
		`platform.baremetal.ingressVIPs: Invalid value @ 10.0.0.99`},
	{"two cluster provisioning addresses", baremetal, `
		platform.baremetal.clusterProvisioningIP = 10.0.0.30
		platform.baremetal.provisioningHostIP = 10.0.0.31`,
		`platform.baremetal.provisioningHostIP: Invalid value @ 10.0.0.31`},
	{"DHCP of one's own and of the cluster", baremetal, `
		platform.baremetal.provisioningNetwork = Managed
		platform.baremetal.provisioningDHCPExternal = true`, `platform.baremetal.provisioningDHCPExternal: Invalid value`},
}

var legacyAccepted = []row{
	{"version v1beta3", none, `apiVersion = v1beta3`, `apiVersion = "v1"`},
	{"version v1beta4", ovirt, `apiVersion = v1beta4`, `apiVersion = "v1"`},
	{"old names", none, `
		apiVersion = v1beta4
		networking = {type: OVNKubernetes, machineCIDR: 10.1.0.0/16, serviceCIDR: 172.31.0.0/16, ` +
		`clusterNetworks: [{cidr: 10.132.0.0/14, hostSubnetLength: 8}]}`,
		`
		networking.networkType = "OVNKubernetes"
		networking.type absent
		networking.machineNetwork = [{"cidr":"10.1.0.0/16"}]
		networking.machineCIDR absent
		networking.serviceNetwork = ["172.31.0.0/16"]
		networking.serviceCIDR absent
		networking.clusterNetwork = [{"cidr":"10.132.0.0/14","hostPrefix":24}]
		networking.clusterNetworks absent`},
	{"old names that agree", external, `networking = {type: ovnkubernetes, networkType: OVNKubernetes, machineCIDR: ` +
		`10.0.0.0/16, machineNetwork: [{cidr: 10.0.0.0/16}], serviceCIDR: 172.30.0.0/16, serviceNetwork: [172.30.0.0/16]}`,
		``},
	{"subnet length that agrees", none, `networking.clusterNetwork = [{cidr: 10.128.0.0/14, hostPrefix: 23, ` +
		`hostSubnetLength: 9}]`, `networking.clusterNetwork[0].hostPrefix = 23`},
	{"subnet length of IPv6", none, `
		networking.machineNetwork = [{cidr: "fd00::/64"}]
		networking.clusterNetwork = [{cidr: "fd01::/48", hostSubnetLength: 64}]
		networking.serviceNetwork = ["fd02::/112"]`, `networking.clusterNetwork[0].hostPrefix = 64`},
	{"DHCP of one's own", baremetal, `
		platform.baremetal.provisioningNetwork = Unmanaged
		platform.baremetal.provisioningDHCPExternal = true`, `platform.baremetal.provisioningNetwork = "Unmanaged"
		warns platform.baremetal.provisioningNetwork`},
}

func TestLegacy(t *testing.T) {
	testRefused(t, types.Options{}, legacyRefused)
	testAccepted(t, types.Options{}, legacyAccepted)
}
