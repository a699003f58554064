package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

const managed = `
	drop platform.baremetal.provisioningNetwork
`

var bareMetalRefused = []row{
	{"provisioning network of an unknown kind", baremetal, `platform.baremetal.provisioningNetwork = Off`,
		`platform.baremetal.provisioningNetwork: Unsupported value @ Off`},
	{"provisioning network with host bits", baremetal, managed +
		`platform.baremetal.provisioningNetworkCIDR = 172.22.0.1/24`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value @ 172.22.0.1/24`},
	{"not a provisioning network", baremetal, managed + `platform.baremetal.provisioningNetworkCIDR = 172.22.0.0`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value`},
	{"provisioning network in the machine network", baremetal, managed +
		`platform.baremetal.provisioningNetworkCIDR = 10.0.8.0/24`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value`},
	{"provisioning network of two addresses", baremetal, managed +
		`platform.baremetal.provisioningNetworkCIDR = 172.22.0.0/31`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value`},
	{"provisioning network too large for dnsmasq", baremetal, managed +
		`platform.baremetal.provisioningNetworkCIDR = fd2e:6f44:5dd8::/56`,
		`platform.baremetal.provisioningNetworkCIDR: Invalid value`},
	{"bootstrap address outside", baremetal, managed + `platform.baremetal.bootstrapProvisioningIP = 172.23.0.2`,
		`platform.baremetal.bootstrapProvisioningIP: Invalid value @ 172.23.0.2`},
	{"cluster address outside", baremetal, managed + `platform.baremetal.clusterProvisioningIP = 10.0.0.3`,
		`platform.baremetal.clusterProvisioningIP: Invalid value @ 10.0.0.3`},
	{"not a cluster address", baremetal, managed + `platform.baremetal.clusterProvisioningIP = three`,
		`platform.baremetal.clusterProvisioningIP: Invalid value @ three`},
	{"one provisioning address for two", baremetal, managed + `platform.baremetal.clusterProvisioningIP = 172.22.0.2`,
		`platform.baremetal.clusterProvisioningIP: Duplicate value`},
	{"DHCP range of one address", baremetal, managed + `platform.baremetal.provisioningDHCPRange = 172.22.0.10`,
		`platform.baremetal.provisioningDHCPRange: Invalid value`},
	{"DHCP range of three addresses", baremetal, managed +
		`platform.baremetal.provisioningDHCPRange = "172.22.0.10,172.22.0.20,172.22.0.30"`,
		`platform.baremetal.provisioningDHCPRange: Invalid value`},
	{"DHCP range of names", baremetal, managed + `platform.baremetal.provisioningDHCPRange = "a,b"`,
		`platform.baremetal.provisioningDHCPRange: Invalid value`},
	{"DHCP range outside", baremetal, managed + `platform.baremetal.provisioningDHCPRange = "172.22.0.10,172.22.1.20"`,
		`platform.baremetal.provisioningDHCPRange: Invalid value`},
	{"DHCP range backwards", baremetal, managed + `platform.baremetal.provisioningDHCPRange = "172.22.0.20,172.22.0.10"`,
		`platform.baremetal.provisioningDHCPRange: Invalid value`},
	{"DHCP range around both addresses", baremetal, managed +
		`platform.baremetal.provisioningDHCPRange = "172.22.0.1,172.22.0.100"`, `
		platform.baremetal.bootstrapProvisioningIP: Invalid value
		platform.baremetal.clusterProvisioningIP: Invalid value`},
	{"bootstrap address outside the machine network", baremetal, `platform.baremetal.bootstrapProvisioningIP = 172.22.0.2`,
		`platform.baremetal.bootstrapProvisioningIP: Invalid value @ 172.22.0.2`},
	{"cluster address outside the machine network", baremetal, `platform.baremetal.clusterProvisioningIP = 172.22.0.3`,
		`platform.baremetal.clusterProvisioningIP: Invalid value`},
	{"external MAC", baremetal, `platform.baremetal.externalMACAddress = 52:54:00`,
		`platform.baremetal.externalMACAddress: Invalid value @ 52:54:00`},
	{"provisioning MAC of a group", baremetal, `platform.baremetal.provisioningMACAddress = 01:00:5e:00:00:01`,
		`platform.baremetal.provisioningMACAddress: Invalid value`},
	{"one MAC for two", baremetal, `
		platform.baremetal.externalMACAddress = 52:54:00:aa:bb:cc
		platform.baremetal.provisioningMACAddress = 52:54:00:AA:BB:CC`,
		`platform.baremetal.provisioningMACAddress: Duplicate value`},
	{"libvirt without a scheme", baremetal, `platform.baremetal.libvirtURI = localhost`,
		`platform.baremetal.libvirtURI: Invalid value @ localhost`},
	{"bootstrap image without a checksum", baremetal,
		`platform.baremetal.bootstrapOSImage = https://images.test/qemu.qcow2.gz`,
		`platform.baremetal.bootstrapOSImage: Invalid value @ qemu`},
	{"cluster image with half a checksum", baremetal,
		`platform.baremetal.clusterOSImage = https://images.test/metal.raw.gz?sha256=0123`,
		`platform.baremetal.clusterOSImage: Invalid value`},
	{"cluster image in a file", baremetal, `platform.baremetal.clusterOSImage = file:///metal.raw.gz?sha256=$SUM`,
		`platform.baremetal.clusterOSImage: Invalid value`},
	{"bootstrap image with a login", baremetal, `platform.baremetal.bootstrapOSImage = ` +
		`https://u:hunter2@images.test/a?token=hunter2`, `platform.baremetal.bootstrapOSImage: Invalid value`},
	{"bootstrap image that is no URL", baremetal, `platform.baremetal.bootstrapOSImage = "qemu image"`,
		`platform.baremetal.bootstrapOSImage: Invalid value`},
	{"time server with a port", baremetal, `platform.baremetal.additionalNTPServers = [10.0.0.1, "ntp.test:123"]`,
		`platform.baremetal.additionalNTPServers[1]: Invalid value`},
	{"time server that is empty", baremetal, `platform.baremetal.additionalNTPServers = [""]`,
		`platform.baremetal.additionalNTPServers[0]: Invalid value`},
	{"static bootstrap without gateway", baremetal, `platform.baremetal.bootstrapExternalStaticIP = 10.0.0.20`, `
		platform.baremetal.bootstrapExternalStaticGateway: Required value
		platform.baremetal.bootstrapExternalStaticDNS: Required value`},
	{"static bootstrap without name server", baremetal, `
		platform.baremetal.bootstrapExternalStaticIP = 10.0.0.20
		platform.baremetal.bootstrapExternalStaticGateway = 10.0.0.1`,
		`platform.baremetal.bootstrapExternalStaticDNS: Required value`},
	{"gateway without static bootstrap", baremetal, `
		platform.baremetal.bootstrapExternalStaticGateway = 10.0.0.1
		platform.baremetal.bootstrapExternalStaticDNS = 10.0.0.1`,
		`platform.baremetal.bootstrapExternalStaticIP: Required value`},
	{"static bootstrap outside", baremetal, `
		platform.baremetal.bootstrapExternalStaticIP = 10.1.0.20
		platform.baremetal.bootstrapExternalStaticGateway = 10.1.0.1
		platform.baremetal.bootstrapExternalStaticDNS = 10.1.0.1`,
		`platform.baremetal.bootstrapExternalStaticIP: Invalid value`},
	{"authority of BMCs", baremetal, `platform.baremetal.bmcVerifyCA = none`,
		`platform.baremetal.bmcVerifyCA: Invalid value`},
	{"records elsewhere, with the nodes' load balancer", baremetal, `platform.baremetal.dnsRecordsType = External`,
		`platform.baremetal.dnsRecordsType: Invalid value @ External`},
	{"records elsewhere, with an unknown load balancer", baremetal, `
		platform.baremetal.dnsRecordsType = External
		platform.baremetal.loadBalancer.type = Mine`, `platform.baremetal.loadBalancer.type: Invalid value`},
	{"router without a network", baremetal, `platform.baremetal.provisioningNetworkGateway = 10.0.0.1`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value @ 10.0.0.1`},
	{"router with unmanaged DHCP", baremetal, `
		platform.baremetal.provisioningNetwork = Unmanaged
		platform.baremetal.provisioningNetworkGateway = 172.22.0.1`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"router elsewhere", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 10.0.0.1`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"router among the hosts", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.20`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"router that is the cluster", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.3`,
		`platform.baremetal.provisioningNetworkGateway: Duplicate value`},
	{"router that is the bootstrap host", baremetal, managed +
		`platform.baremetal.provisioningNetworkGateway = 172.22.0.2`,
		`platform.baremetal.provisioningNetworkGateway: Duplicate value`},
	{"router that is the network", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.0`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"router that is everybody", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.255`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"router that is no address", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = router`,
		`platform.baremetal.provisioningNetworkGateway: Invalid value`},
	{"records of an unknown kind", baremetal, `platform.baremetal.dnsRecordsType = Both`,
		`platform.baremetal.dnsRecordsType: Unsupported value`},
}

var bareMetalAccepted = []row{
	{"as it is", baremetal, ``, `
		platform.baremetal.libvirtURI = "qemu:///system"
		platform.baremetal.externalBridge = "baremetal"
		platform.baremetal.provisioningNetwork = "Disabled"
		platform.baremetal.provisioningNetworkCIDR absent
		platform.baremetal.provisioningBridge absent
		platform.baremetal.externalMACAddress absent
		platform.baremetal.hosts[0].bootMode = "UEFI"
		platform.baremetal.hosts[0].hardwareProfile = "default"`},
	{"managed", baremetal, managed, `
		platform.baremetal.provisioningNetwork = "Managed"
		platform.baremetal.provisioningNetworkCIDR = "172.22.0.0/24"
		platform.baremetal.bootstrapProvisioningIP = "172.22.0.2"
		platform.baremetal.clusterProvisioningIP = "172.22.0.3"
		platform.baremetal.provisioningDHCPRange = "172.22.0.10,172.22.0.254"
		platform.baremetal.provisioningBridge = "provisioning"
		warns platform.baremetal.provisioningNetwork`},
	{"managed in another network", baremetal, managed + `platform.baremetal.provisioningNetworkCIDR = 192.168.4.0/22`, `
		platform.baremetal.bootstrapProvisioningIP = "192.168.4.2"
		platform.baremetal.provisioningDHCPRange = "192.168.4.10,192.168.7.254"
		warns platform.baremetal.provisioningNetwork`},
	{"managed in IPv6", baremetal, managed + `platform.baremetal.provisioningNetworkCIDR = fd2e:6f44:5dd8:b856::/64`, `
		platform.baremetal.clusterProvisioningIP = "fd2e:6f44:5dd8:b856::3"
		platform.baremetal.provisioningDHCPRange = "fd2e:6f44:5dd8:b856::a,fd2e:6f44:5dd8:b856:ffff:ffff:ffff:fffe"
		warns platform.baremetal.provisioningNetwork`},
	{"router", baremetal, managed + `platform.baremetal.provisioningNetworkGateway = 172.22.0.1`,
		`platform.baremetal.provisioningNetworkGateway = "172.22.0.1"
		warns platform.baremetal.provisioningNetwork`},
	{"records elsewhere", baremetal, `
		platform.baremetal.dnsRecordsType = External
		platform.baremetal.loadBalancer.type = UserManaged`, `platform.baremetal.dnsRecordsType = "External"`},
	{"unmanaged", baremetal, `platform.baremetal.provisioningNetwork = Unmanaged`, `
		platform.baremetal.provisioningNetworkCIDR = "172.22.0.0/24"
		platform.baremetal.provisioningDHCPRange absent
		warns platform.baremetal.provisioningNetwork`},
	{"provisioning addresses in the machine network", baremetal, `
		platform.baremetal.bootstrapProvisioningIP = 10.0.0.30
		platform.baremetal.clusterProvisioningIP = 10.0.0.31`, `platform.baremetal.provisioningNetworkCIDR = "10.0.0.0/16"`},
	{"everything else", baremetal, managed + `
		platform.baremetal.libvirtURI = qemu+ssh://root@hypervisor.test/system
		platform.baremetal.externalBridge = br0
		platform.baremetal.provisioningBridge = br1
		platform.baremetal.externalMACAddress = 52:54:00:aa:bb:cc
		platform.baremetal.provisioningMACAddress = 52:54:00:aa:bb:cd
		platform.baremetal.provisioningNetworkInterface = enp1s0
		platform.baremetal.provisioningDHCPRange = "172.22.0.20, 172.22.0.80"
		platform.baremetal.bootstrapExternalStaticIP = 10.0.0.20
		platform.baremetal.bootstrapExternalStaticGateway = 10.0.0.1
		platform.baremetal.bootstrapExternalStaticDNS = 10.0.0.2
		platform.baremetal.bootstrapOSImage = https://images.test/qemu.qcow2.gz?sha256=$SUM
		platform.baremetal.clusterOSImage = http://images.test/metal.raw.gz?sha256=$SUM
		platform.baremetal.additionalNTPServers = [10.0.0.1, ntp.test, "fd00::1"]
		platform.baremetal.bmcVerifyCA = $CERT
		platform.baremetal.dnsRecordsType = Internal
		platform.baremetal.defaultMachinePlatform = {}`, `platform.baremetal.provisioningNetworkInterface = "enp1s0"
		warns platform.baremetal.provisioningNetwork`},
	{"forms of early releases", baremetal, managed + `
		platform.baremetal.provisioningHostIP = 172.22.0.5
		platform.baremetal.provisioningDHCPExternal = true
		platform.baremetal.ironicURI = http://127.0.0.1:6385
		platform.baremetal.dnsVIP = 10.0.0.12
		platform.baremetal.image = {source: a, checksum: b}`, `
		platform.baremetal.clusterProvisioningIP = "172.22.0.5"
		platform.baremetal.provisioningHostIP absent
		platform.baremetal.provisioningNetwork = "Unmanaged"
		warns platform.baremetal.ironicURI
		warns platform.baremetal.dnsVIP
		warns platform.baremetal.image
		warns platform.baremetal.provisioningNetwork`},
}

func TestBareMetal(t *testing.T) {
	testRefused(t, types.Options{}, bareMetalRefused)
	testAccepted(t, types.Options{}, bareMetalAccepted)
}
