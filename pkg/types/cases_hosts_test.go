package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

const host0 = `platform.baremetal.hosts[0].`

var hostRefused = []row{
	{"no hosts", baremetal, `drop platform.baremetal.hosts`, `platform.baremetal.hosts: Required value`},
	{"an empty list of hosts", baremetal, `platform.baremetal.hosts = []`,
		`platform.baremetal.hosts: Required value @ hosts`},
	{"hosts as a mapping", baremetal, `platform.baremetal.hosts = {name: a}`, `platform.baremetal.hosts: Invalid value`},
	{"too few hosts", baremetal, `drop platform.baremetal.hosts[0]`, `platform.baremetal.hosts: Required value @ hosts`},
	{"too few masters", baremetal, host0 + "role = worker\nplatform.baremetal.hosts[1].role = " +
		"worker\nplatform.baremetal.hosts[2].role = worker", `platform.baremetal.hosts: Required value`},
	{"too few workers", baremetal, host0 + "role = master\nplatform.baremetal.hosts[1].role = " +
		"master\nplatform.baremetal.hosts[2].role = master\nplatform.baremetal.hosts[3].role = master",
		`platform.baremetal.hosts: Required value`},
	{"too few for an arbiter", baremetal, twoMasters + "arbiter = {}\n" + host0 +
		"role = worker\nplatform.baremetal.hosts[1].role = worker\nplatform.baremetal.hosts[2].role = " +
		"worker\nplatform.baremetal.hosts[3].role = master", `platform.baremetal.hosts: Required value`},
	{"a role of one's own", baremetal, host0 + `role = infra`,
		`platform.baremetal.hosts[0].role: Unsupported value @ infra`},
	{"no name", baremetal, `drop ` + host0 + `name`, `platform.baremetal.hosts[0].name: Required value`},
	{"a name twice", baremetal, host0 + `name = host-2`, `platform.baremetal.hosts[1].name: Duplicate value @ host-2`},
	{"a name with underscore", baremetal, host0 + `name = host_1`,
		`platform.baremetal.hosts[0].name: Invalid value @ host_1`},
	{"no MAC", baremetal, `drop ` + host0 + `bootMACAddress`,
		`platform.baremetal.hosts[0].bootMACAddress: Required value`},
	{"a MAC twice", baremetal, host0 + `bootMACAddress = "52:54:00:00:00:02"`,
		`platform.baremetal.hosts[1].bootMACAddress: Duplicate value`},
	{"a MAC twice, written in two ways", baremetal, host0 + `bootMACAddress = 52-54-00-00-00-AB
		platform.baremetal.hosts[3].bootMACAddress = 52:54:00:00:00:ab`,
		`platform.baremetal.hosts[3].bootMACAddress: Duplicate value`},
	{"half a MAC", baremetal, host0 + `bootMACAddress = 52:54:00:00`,
		`platform.baremetal.hosts[0].bootMACAddress: Invalid value @ 52:54:00:00`},
	{"a MAC of a group", baremetal, host0 + `bootMACAddress = 33:33:00:00:00:01`,
		`platform.baremetal.hosts[0].bootMACAddress: Invalid value`},
	{"a MAC that YAML takes for a number", baremetal, host0 + `bootMACAddress = 525400000001`,
		`platform.baremetal.hosts[0].bootMACAddress: Invalid value`},
	{"no BMC", baremetal, `drop ` + host0 + `bmc`, `
		platform.baremetal.hosts[0].bmc.address: Required value
		platform.baremetal.hosts[0].bmc.username: Required value
		platform.baremetal.hosts[0].bmc.password: Required value`},
	{"a BMC without password", baremetal, `drop ` + host0 + `bmc.password`,
		`platform.baremetal.hosts[0].bmc.password: Required value @ bmc`},
	{"a BMC without user", baremetal, `drop ` + host0 + `bmc.username`,
		`platform.baremetal.hosts[0].bmc.username: Required value`},
	{"a BMC without address", baremetal, host0 + `bmc.address = ""`,
		`platform.baremetal.hosts[0].bmc.address: Required value`},
	{"a BMC twice", baremetal, host0 + `bmc.address = redfish-virtualmedia+https://10.0.0.52/redfish/v1/Systems/1`,
		`platform.baremetal.hosts[1].bmc.address: Duplicate value`},
	{"a BMC twice, written in two ways", baremetal, host0 +
		`bmc.address = redfish-virtualmedia+HTTPS://10.0.0.52/redfish/v1/Systems/1/`,
		`platform.baremetal.hosts[1].bmc.address: Duplicate value`},
	{"a BMC of an unknown kind", baremetal, host0 + `bmc.address = ssh://10.0.0.51`,
		`platform.baremetal.hosts[0].bmc: Invalid value @ ssh://`},
	{"a BMC without host", baremetal, host0 + `bmc.address = "redfish-virtualmedia://"`,
		`platform.baremetal.hosts[0].bmc: Invalid value`},
	{"a login in the address", baremetal, host0 +
		`bmc.address = redfish-virtualmedia://admin:hunter2@10.0.0.51/redfish/v1/Systems/1`,
		`platform.baremetal.hosts[0].bmc: Invalid value`},
	{"a BMC as text", baremetal, host0 + `bmc = admin:hunter2`, `platform.baremetal.hosts[0].bmc: Invalid value`},
	{"a password as a number", baremetal, host0 + `bmc.password = 12345678`,
		`platform.baremetal.hosts[0].bmc.password: Invalid value @ password`},
	{"a password as a list", baremetal, host0 + `bmc.password = [hunter2]`,
		`platform.baremetal.hosts[0].bmc.password: Invalid value`},
	{"IPMI without a provisioning network", baremetal, host0 + `bmc.address = ipmi://10.0.0.51`,
		`platform.baremetal.hosts[0].bmc: Invalid value @ ipmi`},
	{"plain Redfish without a provisioning network", baremetal, host0 +
		`bmc.address = redfish://10.0.0.51/redfish/v1/Systems/1`,
		`platform.baremetal.hosts[0].bmc: Invalid value @ redfish://`},
	{"iDRAC by PXE without a provisioning network", baremetal, host0 +
		`bmc.address = idrac-redfish://10.0.0.51/redfish/v1/Systems/System.Embedded.1`,
		`platform.baremetal.hosts[0].bmc: Invalid value`},
	{"secure boot over IPMI", baremetal, managed + host0 + "bmc.address = ipmi://10.0.0.51\n" + host0 +
		`bootMode = UEFISecureBoot`, `platform.baremetal.hosts[0].bootMode: Invalid value @ UEFISecureBoot`},
	{"boot mode", baremetal, host0 + `bootMode = BIOS`, `platform.baremetal.hosts[0].bootMode: Unsupported value @ BIOS`},
	{"certificate verification", baremetal, host0 + `bmc.disableCertificateVerification = "true"`,
		`platform.baremetal.hosts[0].bmc.disableCertificateVerification: Invalid value`},
	{"disk without /dev", baremetal, host0 + `rootDeviceHints.deviceName = sda`,
		`platform.baremetal.hosts[0].rootDeviceHints.deviceName: Invalid value @ sda`},
	{"disk by a link that changes", baremetal, host0 + `rootDeviceHints.deviceName = /dev/disk/by-id/wwn-0x1`,
		`platform.baremetal.hosts[0].rootDeviceHints.deviceName: Invalid value`},
	{"disk of a negative size", baremetal, host0 + `rootDeviceHints.minSizeGigabytes = -1`,
		`platform.baremetal.hosts[0].rootDeviceHints.minSizeGigabytes: Invalid value`},
	{"disk that spins maybe", baremetal, host0 + `rootDeviceHints.rotational = sometimes`,
		`platform.baremetal.hosts[0].rootDeviceHints.rotational: Invalid value`},
	{"a hint that there is not", baremetal, host0 + `rootDeviceHints = {serial: x}`,
		`platform.baremetal.hosts[0].rootDeviceHints.serial: Invalid value`},
	{"network as text", baremetal, host0 + `networkConfig = dhcp`,
		`platform.baremetal.hosts[0].networkConfig: Invalid value`},
	{"MTU in quotes", baremetal, host0 + `networkConfig = {interfaces: [{name: eth0}, {name: eth1, mtu: "9000"}]}`,
		`platform.baremetal.hosts[0].networkConfig.interfaces[1].mtu: Invalid value`},
	{"MTU with a fraction", baremetal, host0 + `networkConfig = {interfaces: [{name: eth0, mtu: 1500.5}]}`,
		`platform.baremetal.hosts[0].networkConfig.interfaces[0].mtu: Invalid value`},
	{"network that is no data", baremetal, host0 + `networkConfig = {a: .nan}`,
		`platform.baremetal.hosts[0].networkConfig.a: Invalid value`},
	{"a host as text", baremetal, `platform.baremetal.hosts[0] = host-1`, `platform.baremetal.hosts[0]: Invalid value`},
}

var hostAccepted = []row{
	{"roles", baremetal, host0 + "role = worker\nplatform.baremetal.hosts[1].role = master",
		`platform.baremetal.hosts[0].role = "worker"`},
	{"more hosts than needed", baremetal, `compute[0].replicas = 1`, ``},
	{"an arbiter", baremetal, twoMasters + "arbiter = {}\n" + host0 + `role = arbiter`, ``},
	{"all ways to reach a BMC", baremetal, managed + `
		platform.baremetal.hosts[0].bmc.address = ipmi://10.0.0.51:6230
		platform.baremetal.hosts[1].bmc.address = redfish+http://10.0.0.52/redfish/v1/Systems/1
		platform.baremetal.hosts[2].bmc.address = idrac-virtualmedia+https://10.0.0.53/redfish/v1/Systems/System.Embedded.1
		platform.baremetal.hosts[3].bmc.address = ilo5-virtualmedia://10.0.0.54/redfish/v1/Systems/1
		platform.baremetal.hosts[4].bmc.address = 10.0.0.55`, `
		warns platform.baremetal.provisioningNetwork`},
	{"secure boot", baremetal, host0 + `bootMode = UEFISecureBoot`,
		`platform.baremetal.hosts[0].bootMode = "UEFISecureBoot"`},
	{"all hints", baremetal, host0 + `rootDeviceHints = {deviceName: /dev/sda, hctl: "1:0:0:0", model: m, vendor: v, ` +
		`serialNumber: s, minSizeGigabytes: 100, wwn: w, wwnWithExtension: we, wwnVendorExtension: wv, rotational: no}`, `
		platform.baremetal.hosts[0].rootDeviceHints.rotational = false
		platform.baremetal.hosts[0].rootDeviceHints.minSizeGigabytes = 100`},
	{"disk by path", baremetal, host0 + `rootDeviceHints.deviceName = /dev/disk/by-path/pci-0000:01:00.0-scsi-0:2:0:0`,
		``},
	{"network", baremetal, host0 + `networkConfig = {interfaces: [{name: eth0, mtu: 9000, ipv4: {enabled: true, ` +
		`address: [{ip: 10.0.0.61, prefix-length: 16}]}}], 1: 2}`, `
		platform.baremetal.hosts[0].networkConfig.interfaces[0].ipv4.enabled = true
		platform.baremetal.hosts[0].networkConfig.interfaces[0].mtu = 9000
		platform.baremetal.hosts[0].networkConfig.1 = 2`},
	{"no hosts without the machine API", baremetal, `
		drop platform.baremetal.hosts
		capabilities = {baselineCapabilitySet: None, additionalEnabledCapabilities: [Ingress, baremetal]}`, ``},
}

func TestHosts(t *testing.T) {
	testRefused(t, types.Options{}, hostRefused)
	testAccepted(t, types.Options{}, hostAccepted)
}
