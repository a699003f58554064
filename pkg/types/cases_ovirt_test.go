package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

const uuid = "6b2b1c7e-0000-4000-8000-000000000009"

var ovirtRefused = []row{
	{"no cluster", ovirt, `drop platform.ovirt.ovirt_cluster_id`, `platform.ovirt.ovirt_cluster_id: Required value`},
	{"cluster by name", ovirt, `platform.ovirt.ovirt_cluster_id = Default`,
		`platform.ovirt.ovirt_cluster_id: Invalid value @ Default`},
	{"no storage domain", ovirt, `drop platform.ovirt.ovirt_storage_domain_id`,
		`platform.ovirt.ovirt_storage_domain_id: Required value`},
	{"storage domain by name", ovirt, `platform.ovirt.ovirt_storage_domain_id = data`,
		`platform.ovirt.ovirt_storage_domain_id: Invalid value @ data`},
	{"profile by name", ovirt, `platform.ovirt.vnicProfileID = ovirtmgmt`,
		`platform.ovirt.vnicProfileID: Invalid value @ ovirtmgmt`},
	{"platform as text", ovirt, `platform.ovirt = yes please`, `platform.ovirt: Invalid value`},
	{"engine's login", ovirt, `platform.ovirt.ovirt_password = hunter2`,
		`platform.ovirt.ovirt_password: Invalid value @ ovirt_password`},
	{"affinity group without a name", ovirt, `platform.ovirt.affinityGroups = [{priority: 1}]`,
		`platform.ovirt.affinityGroups[0].name: Required value`},
	{"affinity group too important", ovirt, `platform.ovirt.affinityGroups = [{name: compute, priority: 6}]`,
		`platform.ovirt.affinityGroups[0].priority: Invalid value`},
	{"affinity group below nothing", ovirt, `platform.ovirt.affinityGroups = [{name: compute, priority: -1}]`,
		`platform.ovirt.affinityGroups[0].priority: Invalid value`},
	{"affinity groups that differ", ovirt, `platform.ovirt.affinityGroups = [{name: a, priority: 1}, {name: a, ` +
		`priority: 2}]`, `platform.ovirt.affinityGroups[1].name: Duplicate value`},
	{"unknown affinity group", ovirt, `controlPlane.platform.ovirt.affinityGroupsNames = [controlplane, nope]`,
		`controlPlane.platform.ovirt.affinityGroupsNames: Invalid value @ nope`},
	{"unknown affinity group of the default", ovirt, `platform.ovirt.defaultMachinePlatform.affinityGroupsNames = [nope]`,
		`platform.ovirt.defaultMachinePlatform.affinityGroupsNames: Invalid value`},
	{"instance type by name", ovirt, `platform.ovirt.defaultMachinePlatform.instanceTypeID = Large`,
		`platform.ovirt.defaultMachinePlatform.instanceTypeID: Invalid value @ Large`},
	{"instance type and processors", ovirt, `compute = [{name: worker, platform: {ovirt: {instanceTypeID: ` + uuid +
		`, cpu: {cores: 4}}}}]`, `compute[0].platform.ovirt.instanceTypeID: Invalid value`},
	{"instance type and memory", ovirt, `controlPlane.platform.ovirt = {instanceTypeID: ` + uuid + `, memoryMB: 16384}`,
		`controlPlane.platform.ovirt.instanceTypeID: Invalid value`},
	{"no core", ovirt, `controlPlane.platform.ovirt.cpu = {cores: 0, sockets: 1}`,
		`controlPlane.platform.ovirt.cpu.cores: Invalid value`},
	{"negative sockets", ovirt, `controlPlane.platform.ovirt.cpu = {cores: 1, sockets: -1}`,
		`controlPlane.platform.ovirt.cpu.sockets: Invalid value`},
	{"too many threads", ovirt, `controlPlane.platform.ovirt.cpu = {cores: 1, threads: 5000}`,
		`controlPlane.platform.ovirt.cpu.threads: Invalid value`},
	{"processors as a number", ovirt, `controlPlane.platform.ovirt.cpu = 4`,
		`controlPlane.platform.ovirt.cpu: Invalid value @ cpu: 4`},
	{"negative memory", ovirt, `platform.ovirt.defaultMachinePlatform.memoryMB = -1`,
		`platform.ovirt.defaultMachinePlatform.memoryMB: Invalid value`},
	{"memory with a unit", ovirt, `controlPlane.platform.ovirt.memoryMB = 16GiB`,
		`controlPlane.platform.ovirt.memoryMB: Invalid value @ 16GiB`},
	{"memory beyond numbers", ovirt, `controlPlane.platform.ovirt.memoryMB = 3000000000`,
		`controlPlane.platform.ovirt.memoryMB: Invalid value`},
	{"no disk", ovirt, `controlPlane.platform.ovirt.osDisk.sizeGB = 0`,
		`controlPlane.platform.ovirt.osDisk.sizeGB: Invalid value`},
	{"disk beyond everything", ovirt, `controlPlane.platform.ovirt.osDisk.sizeGB = 9000000000000000000`,
		`controlPlane.platform.ovirt.osDisk.sizeGB: Invalid value`},
	{"kind of VM", ovirt, `compute = [{name: worker, platform: {ovirt: {vmType: tiny}}}]`,
		`compute[0].platform.ovirt.vmType: Invalid value`},
	{"pinning", ovirt, `controlPlane.platform.ovirt.autoPinningPolicy = existing`,
		`controlPlane.platform.ovirt.autoPinningPolicy: Unsupported value @ existing`},
	{"huge pages", ovirt, `controlPlane.platform.ovirt.hugepages = 4096`,
		`controlPlane.platform.ovirt.hugepages: Unsupported value @ 4096`},
	{"negative huge pages", ovirt, `controlPlane.platform.ovirt.hugepages = -2048`,
		`controlPlane.platform.ovirt.hugepages: Unsupported value`},
	{"format", ovirt, `controlPlane.platform.ovirt.format = qcow2`,
		`controlPlane.platform.ovirt.format: Unsupported value @ qcow2`},
	{"clone", ovirt, `controlPlane.platform.ovirt.clone = maybe`,
		`controlPlane.platform.ovirt.clone: Invalid value @ maybe`},
	{"one wrong default is one finding", ovirt, `platform.ovirt.defaultMachinePlatform = {cpu: {cores: 4, sockets: ` +
		`-2}, osDisk: {sizeGB: -1}}`, `
		platform.ovirt.defaultMachinePlatform.cpu.sockets: Invalid value
		platform.ovirt.defaultMachinePlatform.osDisk.sizeGB: Invalid value`},
}

var ovirtAccepted = []row{
	{"as it is", ovirt, ``, `
		platform.ovirt.ovirt_network_name = "ovirtmgmt"
		platform.ovirt.affinityGroups[0].name = "compute"
		platform.ovirt.affinityGroups[0].priority = 3
		platform.ovirt.affinityGroups[1].name = "controlplane"
		platform.ovirt.affinityGroups[1].priority = 5
		platform.ovirt.affinityGroups[1].enforcing = true
		controlPlane.platform.ovirt.cpu = {"cores":4,"sockets":1,"threads":1}
		controlPlane.platform.ovirt.memoryMB = 16348
		controlPlane.platform.ovirt.osDisk.sizeGB = 120
		controlPlane.platform.ovirt.vmType = "high_performance"
		controlPlane.platform.ovirt.clone = true
		controlPlane.platform.ovirt.affinityGroupsNames = ["controlplane"]
		compute[0].platform.ovirt.vmType = "server"
		compute[0].platform.ovirt.affinityGroupsNames = ["compute"]`},
	{"hardware by default", ovirt, `
		platform.ovirt.defaultMachinePlatform = {cpu: {cores: 2, sockets: 2}, memoryMB: 8192, ` +
		`osDisk: {sizeGB: 60}, vmType: server, hugepages: 2048, ` +
		`autoPinningPolicy: resize_and_pin, sparse: false, format: raw, clone: false}
		controlPlane.platform.ovirt.memoryMB = 16384`, `
		controlPlane.platform.ovirt.cpu = {"cores":2,"sockets":2,"threads":1}
		controlPlane.platform.ovirt.memoryMB = 16384
		controlPlane.platform.ovirt.osDisk.sizeGB = 60
		controlPlane.platform.ovirt.clone = false
		controlPlane.platform.ovirt.sparse = false
		controlPlane.platform.ovirt.format = "raw"
		compute[0].platform.ovirt.memoryMB = 8192
		compute[0].platform.ovirt.hugepages = 2048
		compute[0].platform.ovirt.autoPinningPolicy = "resize_and_pin"`},
	{"instance type by default", ovirt, `platform.ovirt.defaultMachinePlatform.instanceTypeID = ` + uuid, `
		controlPlane.platform.ovirt.instanceTypeID = "` + uuid + `"
		controlPlane.platform.ovirt.cpu absent
		controlPlane.platform.ovirt.memoryMB absent`},
	{"sizes instead of the default's instance type", ovirt, `
		platform.ovirt.defaultMachinePlatform.instanceTypeID = ` + uuid + `
		controlPlane.platform.ovirt.memoryMB = 32768`, `
		controlPlane.platform.ovirt.instanceTypeID absent
		controlPlane.platform.ovirt.memoryMB = 32768
		controlPlane.platform.ovirt.cpu.cores = 4
		compute[0].platform.ovirt.instanceTypeID = "` + uuid + `"`},
	{"desktop VMs are thin", ovirt, `controlPlane.platform.ovirt.vmType = desktop`,
		`controlPlane.platform.ovirt.clone = false`},
	{"no affinity groups", ovirt, `platform.ovirt.affinityGroups = []`,
		`controlPlane.platform.ovirt.affinityGroupsNames absent`},
	{"the same affinity group twice", ovirt, `platform.ovirt.affinityGroups = [{name: a, priority: 1}, {name: a, ` +
		`priority: 1}]`, `platform.ovirt.affinityGroups = [{"enforcing":false,"name":"a","priority":1}]`},
	{"groups of one's own", ovirt, `
		platform.ovirt.affinityGroups = [{name: spread, priority: 5, description: x, enforcing: false}]
		compute = [{name: worker, platform: {ovirt: {affinityGroupsNames: [spread]}}}]`, `
		controlPlane.platform.ovirt.affinityGroupsNames absent
		compute[0].platform.ovirt.affinityGroupsNames = ["spread"]`},
	{"network and profile", ovirt, `
		platform.ovirt.ovirt_network_name = okd
		platform.ovirt.vnicProfileID = ` + uuid, `platform.ovirt.ovirt_network_name = "okd"`},
	{"address of early releases", ovirt, `platform.ovirt.dns_vip = 10.0.0.12`, `
		warns platform.ovirt.dns_vip
		platform.ovirt.dns_vip absent`},
}

func TestOvirt(t *testing.T) {
	testRefused(t, types.Options{}, ovirtRefused)
	testAccepted(t, types.Options{}, ovirtAccepted)
}
