package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

const fencing = `controlPlane.fencing.credentials = [` +
	`{hostName: host-1, address: "redfish+https://10.0.0.51/redfish/v1/Systems/1", username: u, password: hunter2}, ` +
	`{hostName: host-2, address: "redfish+https://10.0.0.52/redfish/v1/Systems/1", username: u, ` +
	` password: hunter2, certificateVerification: Disabled}]
`

const twoMasters = `
	controlPlane = {name: master, replicas: 2}
`

var poolRefused = []row{
	{"control plane by another name", none, `controlPlane = {name: control}`,
		`controlPlane.name: Unsupported value @ control`},
	{"control plane as a list", none, `controlPlane = [{name: master}]`, `controlPlane: Invalid value`},
	{"no master", none, `controlPlane.replicas = 0`, `controlPlane.replicas: Invalid value @ replicas: 0`},
	{"fewer masters than none", none, `controlPlane.replicas = -1`, `controlPlane.replicas: Invalid value`},
	{"two masters", none, `controlPlane.replicas = 2`, `controlPlane.replicas: Invalid value @ replicas: 2`},
	{"masters as a word", none, `controlPlane.replicas = none`, `controlPlane.replicas: Invalid value @ none`},
	{"masters as text", none, `controlPlane.replicas = "3"`, `controlPlane.replicas: Invalid value`},
	{"half a master", none, `controlPlane.replicas = 3.5`, `controlPlane.replicas: Invalid value @ 3.5`},
	{"octal masters", none, `controlPlane.replicas = 03`, `controlPlane.replicas: Invalid value @ 03`},
	{"more masters than numbers", none, `controlPlane.replicas = 99999999999999999999`,
		`controlPlane.replicas: Invalid value`},
	{"masters as a word", baremetal, `controlPlane.replicas = none`, `controlPlane.replicas: Invalid value`},
	{"more workers than Kubernetes has", none, `compute = [{name: worker, replicas: 1000000000}]`,
		`compute[0].replicas: Invalid value`},
	{"compute as a mapping", none, `compute = {name: worker}`, `compute: Invalid value`},
	{"compute by another name", none, `compute = [{name: infra}]`, `compute[0].name: Unsupported value @ infra`},
	{"edge pool", none, `compute = [{name: worker}, {name: edge}]`, `compute[1].name: Unsupported value @ edge`},
	{"compute without a name", none, `compute = [{replicas: 2}]`, `compute[0].name: Required value`},
	{"two compute pools", none, `compute = [{name: worker}, {name: worker}]`, `compute[1].name: Duplicate value`},
	{"negative workers", none, `compute = [{name: worker, replicas: -1}]`, `compute[0].replicas: Invalid value`},
	{"workers as a word", none, `compute = [{name: worker, replicas: two}]`, `compute[0].replicas: Invalid value @ two`},
	{"hyperthreading", none, `controlPlane.hyperthreading = Off`, `controlPlane.hyperthreading: Unsupported value @ Off`},
	{"hyperthreading of compute", none, `compute = [{name: worker, hyperthreading: disabled}]`,
		`compute[0].hyperthreading: Unsupported value`},
	{"architecture", none, `controlPlane.architecture = x86_64`, `controlPlane.architecture: Unsupported value @ x86_64`},
	{"two architectures", none, `compute = [{name: worker, architecture: arm64}]`,
		`compute[0].architecture: Invalid value`},
	{"architecture of VMs", ovirt, `controlPlane.architecture = arm64`,
		`controlPlane.architecture: Unsupported value @ arm64`},
	{"platform of the pool is another", ovirt, `controlPlane.platform = {baremetal: {}}`,
		`controlPlane.platform.baremetal: Invalid value @ baremetal: {}`},
	{"platform of the pool is another", baremetal, `compute[0].platform = {ovirt: {memoryMB: 4096}}`,
		`compute[0].platform.ovirt: Invalid value`},
	{"platform of the pool is another", none, `compute = [{name: worker, platform: {ovirt: {}}}]`,
		`compute[0].platform.ovirt: Invalid value`},
	{"platform of the pool is a cloud", external, `controlPlane.platform = {aws: {type: m5.large}}`,
		`controlPlane.platform.aws: Invalid value @ aws`},
	{"platform of the pool is no platform", none, `controlPlane.platform = {bmc: {}}`,
		`controlPlane.platform.bmc: Invalid value @ bmc`},
	{"disks", none, `controlPlane.diskSetup = [{type: etcd, etcd: {platformDiskID: a}}]`,
		`controlPlane.diskSetup: Forbidden`},
	{"disks of an unknown kind", none, `compute = [{name: worker, diskSetup: [{type: raid}]}]`, `
		compute[0].diskSetup[0].type: Unsupported value
		compute[0].diskSetup: Forbidden`},
	{"operating system of a pool", none, `controlPlane.osImageStream = rhel-10`, `controlPlane.osImageStream: Forbidden`},
	{"the operating system of a pool", none, `controlPlane.osImageStream = centos-10`,
		`controlPlane.osImageStream: Forbidden`},
	{"operating system", none, `osImageStream = rhel-10`, `osImageStream: Unsupported value @ rhel-10`},

	{"arbiter elsewhere", none, twoMasters + `arbiter = {name: arbiter, replicas: 1}`,
		`arbiter.platform: Unsupported value`},
	{"arbiter elsewhere", ovirt, twoMasters + `arbiter = {name: arbiter, replicas: 1}`,
		`arbiter.platform: Unsupported value`},
	{"arbiter by another name", baremetal, twoMasters + `arbiter = {name: judge, replicas: 1}`,
		`arbiter.name: Unsupported value @ judge`},
	{"no arbiter in the pool", baremetal, twoMasters + `arbiter = {name: arbiter, replicas: 0}`,
		`arbiter.replicas: Invalid value`},
	{"arbiter with one master", baremetal, `
		controlPlane.replicas = 1
		arbiter = {name: arbiter, replicas: 1}`, `arbiter.replicas: Invalid value`},
	{"arbiter of another architecture", baremetal, twoMasters +
		`arbiter = {name: arbiter, replicas: 1, architecture: arm64}`, `arbiter.architecture: Invalid value`},
	{"arbiter with fencing", baremetal, twoMasters + `arbiter = {name: arbiter, replicas: 1, fencing: {}}`,
		`arbiter.fencing: Invalid value`},

	{"fencing on VMs", ovirt, twoMasters + fencing + `featureSet = TechPreviewNoUpgrade`,
		`controlPlane.fencing: Forbidden`},
	{"fencing of three", baremetal, fencing + `featureSet = TechPreviewNoUpgrade`,
		`controlPlane.fencing.credentials: Forbidden`},
	{"fencing with an arbiter", baremetal, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		arbiter = {name: arbiter, replicas: 1}`, `controlPlane.fencing.credentials: Forbidden`},
	{"fencing without controllers", baremetal, twoMasters + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing = {}`, `controlPlane.fencing.credentials: Forbidden`},
	{"fencing with one controller", baremetal, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		drop controlPlane.fencing.credentials[1]`, `controlPlane.fencing.credentials: Forbidden`},
	{"fencing credentials that lack everything", baremetal, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials[1] = {}`, `
		controlPlane.fencing.credentials[1]: Required value
		controlPlane.fencing.credentials[1].username: Required value
		controlPlane.fencing.credentials[1].password: Required value
		controlPlane.fencing.credentials[1].address: Required value`},
	{"fencing of one machine twice", none, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials[1].hostName = host-1
		controlPlane.fencing.credentials[1].address = redfish+https://10.0.0.51/redfish/v1/Systems/1`, `
		controlPlane.fencing.credentials[1].hostName: Duplicate value
		controlPlane.fencing.credentials[1].address: Duplicate value`},
	{"fencing by the same interface twice", none, twoMasters + fencing + `
		controlPlane.fencing.credentials[0].macAddress = 52:54:00:AA:00:01
		controlPlane.fencing.credentials[1].macAddress = 52-54-00-aa-00-01`,
		`controlPlane.fencing.credentials[1].macAddress: Duplicate value @ 52-54`},
	{"fencing by no interface", baremetal, twoMasters + fencing + `
		controlPlane.fencing.credentials[0].macAddress = eth0`,
		`controlPlane.fencing.credentials[0].macAddress: Invalid value @ eth0`},
	{"fencing without Redfish", none, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials[0].address = ipmi://10.0.0.51`,
		`controlPlane.fencing.credentials[0].address: Invalid value @ ipmi`},
	{"fencing with a login in the address", none, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials[0].address = redfish://u:hunter2@10.0.0.51/redfish/v1/Systems/1`,
		`controlPlane.fencing.credentials[0].address: Invalid value`},
	{"fencing verification", none, twoMasters + fencing + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials[0].certificateVerification = No`,
		`controlPlane.fencing.credentials[0].certificateVerification: Unsupported value`},
	{"fencing as a password", none, twoMasters + `
		featureSet = TechPreviewNoUpgrade
		controlPlane.fencing.credentials = hunter2`, `controlPlane.fencing.credentials: Invalid value`},
	{"fencing of compute", none, `compute = [{name: worker, fencing: {}}]`, `compute[0].fencing: Invalid value`},

	{"in place with three masters", none, `bootstrapInPlace.installationDisk = /dev/sda`,
		`controlPlane.replicas: Invalid value
		`},
	{"in place without a disk", none, `
		controlPlane.replicas = 1
		compute = [{name: worker, replicas: 0}]
		bootstrapInPlace = {}`, `bootstrapInPlace.installationDisk: Required value`},
	{"in place on no disk", none, `
		controlPlane.replicas = 1
		compute = [{name: worker, replicas: 0}]
		bootstrapInPlace.installationDisk = sda`, `bootstrapInPlace.installationDisk: Invalid value @ sda`},
	{"in place on VMs", ovirt, `
		controlPlane.replicas = 1
		compute = [{name: worker, replicas: 0}]
		bootstrapInPlace.installationDisk = /dev/sda`, `bootstrapInPlace: Forbidden`},
}

var poolAccepted = []row{
	{"one master", none, `controlPlane.replicas = 1`, `controlPlane.replicas = 1`},
	{"four masters", none, `controlPlane.replicas = 4`, ``},
	{"five masters", baremetal, `
		controlPlane.replicas = 5
		compute = [{name: worker, replicas: 0}]`, `compute[0].replicas = 0`},
	{"seven masters", none, `controlPlane.replicas = 7`, `warns controlPlane.replicas`},
	{"compact", ovirt, `compute = [{name: worker, replicas: 0}]`, `compute[0].replicas = 0`},
	{"pools without names", none, `controlPlane = {replicas: 1}`, `controlPlane.name = "master"`},
	{"no pool", none, `compute = []`, `compute[0].name = "worker"`},
	{"platform of pools", none, `
		controlPlane.platform = {}
		compute = [{name: worker, platform: {}}]`, ``},
	{"hyperthreading off", none, `controlPlane.hyperthreading = Disabled`, `controlPlane.hyperthreading = "Disabled"`},
	{"ARM", baremetal, `
		controlPlane.architecture = arm64
		compute[0].architecture = arm64`, `compute[0].architecture = "arm64"`},
	{"Power", none, `
		controlPlane.architecture = ppc64le
		compute = [{name: worker, architecture: ppc64le}]`, ``},
	{"arbiter", baremetal, twoMasters + `arbiter = {}`, `
		arbiter.name = "arbiter"
		arbiter.replicas = 1`},
	{"arbiter in custom features", baremetal, twoMasters + `
		featureSet = CustomNoUpgrade
		featureGates = [HighlyAvailableArbiter=true]
		arbiter = {name: arbiter, replicas: 1, platform: {baremetal: {}}}`, ``},
	{"fencing", baremetal, twoMasters + fencing + `featureSet = TechPreviewNoUpgrade`, `
		controlPlane.fencing.credentials[0].certificateVerification = "Enabled"
		controlPlane.fencing.credentials[1].certificateVerification = "Disabled"
		controlPlane.fencing.credentials[0].password = "(hidden)"`},
	{"fencing without more", baremetal, twoMasters + fencing, ``},
	{"fencing by interfaces", none, twoMasters + fencing + `
		drop controlPlane.fencing.credentials[0].hostName
		drop controlPlane.fencing.credentials[1].hostName
		controlPlane.fencing.credentials[0].macAddress = 52:54:00:AA:00:01
		controlPlane.fencing.credentials[1].macAddress = 52:54:00:AA:00:02`,
		`controlPlane.fencing.credentials[0].hostName absent`},
	{"fencing by a vendor's Redfish", none, twoMasters + fencing + `
		featureSet = DevPreviewNoUpgrade
		controlPlane.fencing.credentials[0].address = ` +
		`idrac-virtualmedia+https://10.0.0.51/redfish/v1/Systems/System.Embedded.1`, ``},
	{"fencing in custom features", external, twoMasters + fencing + `
		featureSet = CustomNoUpgrade
		featureGates = [DualReplica=true]`, ``},
	{"in place", none, `
		controlPlane.replicas = 1
		compute = [{name: worker, replicas: 0}]
		bootstrapInPlace.installationDisk = /dev/disk/by-id/wwn-0x5000c500a0b1c2d3`,
		`bootstrapInPlace.installationDisk = "/dev/disk/by-id/wwn-0x5000c500a0b1c2d3"`},
	{"in place", external, `
		controlPlane.replicas = 1
		compute = [{name: worker, replicas: 0}]
		bootstrapInPlace.installationDisk = /dev/vda`, ``},
	{"in place with workers", none, `
		controlPlane.replicas = 1
		bootstrapInPlace.installationDisk = /dev/vda`, `warns compute`},
}

func TestPools(t *testing.T) {
	testRefused(t, types.Options{}, poolRefused)
	testAccepted(t, types.Options{}, poolAccepted)
}
