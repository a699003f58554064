package virtualization_test

import "testing"

func TestStorage(t *testing.T) {
	store := func(fields string) string { return "storage: {" + fields + "}\n" }
	disks := func(fields string) string { return store("lvm: {devices: [/dev/disk/by-path/pci-0]" + fields + "}") }
	const twice = `warns storage.type`
	run(t, []row{
		{"one node", single, "", `
			storage.type = "hostpath"
			storage.class = "hostpath-csi"
			storage.defaultForVMs = true
			storage.defaultForCluster = true
			storage.hostPath = {"nodeSelector":{"node-role.kubernetes.io/worker":""},"path":"/var/hpvolumes","pool":"local"}`},
		{"several nodes", two, "", `
			warns storage.type ~ set class
			storage.type = "hostpath"
			storage.defaultForCluster = false`},
		{"several nodes, on purpose", two, store("type: hostpath"), `warns storage.type @ hostpath ~ do not migrate`},
		{"a named class", two, store("class: rbd"), `
			storage.type = "existing"
			storage.hostPath = null
			storage.defaultForVMs = true
			storage.defaultForCluster = false`},
		{"the nodes of the VMs", single, "hyperConverged: {workloads: {nodeSelector: {vms: ''}}}\n",
			`storage.hostPath.nodeSelector = {"vms":""}`},
		{"all fields of hostpath", single,
			store("type: hostpath, class: local, defaultForVMs: false, defaultForCluster: false, " +
				"hostPath: {path: /var/mnt/disks, pool: disks, nodeSelector: {a: b}}, vmStateClass: a, scratchClass: b, " +
				"filesystemOverhead: '0.1', insecureRegistries: ['r.test:5000', '[fd00::1]:5000']"), `
			storage.class = "local"
			storage.defaultForCluster = false`},
		{"hostpath by its settings", single, store("class: local, hostPath: {}"), `storage.type = "hostpath"`},
		{"all fields of lvm", single, store("type: lvm, lvm: {deviceClass: vms, devices: [/dev/disk/by-id/wwn-0x5], " +
			"optionalDevices: [/dev/md/a], wipeDevices: true, filesystem: ext4, thinPool: pool, thinPoolPercent: 80, " +
			"overprovisionRatio: 5, nodeSelector: {a: b}}"), `
			storage.class = "lvms-vms"
			storage.lvm.thinPoolPercent = 80`},
		{"lvm with defaults", single, disks(""), `
			storage.type = "lvm"
			storage.class = "lvms-vg1"
			storage.defaultForCluster = true
			storage.lvm.deviceClass = "vg1"
			storage.lvm.devices = ["/dev/disk/by-path/pci-0"]
			storage.lvm.filesystem = "xfs"
			storage.lvm.overprovisionRatio = 10
			storage.lvm.thinPool = "thin-pool-1"
			storage.lvm.thinPoolPercent = 90`},
		{"lvm on several nodes", two, disks(""), twice},
		{"none", two, store("type: none"), `
			storage.class = null
			storage.defaultForVMs = false`},
		{"existing with a profile", two, store("class: a, profile: {accessModes: [ReadWriteMany], volumeMode: Block, " +
			"cloneStrategy: csi-clone, imageFormat: snapshot}"), `hyperConverged.evictionStrategy = "LiveMigrate"`},

		{"existing without a class", two, store("type: existing"), `storage.class: Required value`},
		{"none with a class", two, store("type: none, class: a"), `storage.class: Forbidden @ class`},
		{"none as default", two, store("type: none, defaultForVMs: true, defaultForCluster: true"), `
			storage.defaultForVMs: Forbidden
			storage.defaultForCluster: Forbidden`},
		{"lvm without disks", single, store("type: lvm"), `storage.lvm.devices: Required value`},
		{"lvm with no list of disks", single, store("lvm: {deviceClass: a}"), `storage.lvm.devices: Required value`},
		{"lvm with another class", single, store("class: a, lvm: {devices: [/dev/disk/by-id/a]}"),
			`storage.class: Invalid value @ class ~ lvms-vg1`},
		{"lvm with its class", single, store("class: lvms-a, lvm: {deviceClass: a, devices: [/dev/disk/by-id/a]}"),
			`storage.class = "lvms-a"`},
		{"settings of other types", two, store("type: existing, class: a, hostPath: {}, lvm: {devices: [/dev/md1]}"), `
			storage.hostPath: Forbidden
			storage.lvm: Forbidden`},
		{"a profile of hostpath", single, store("type: hostpath, profile: {accessModes: [ReadWriteOnce], volumeMode: Block}"),
			`storage.profile: Forbidden`},
		{"another type", two, store("type: ceph"), `storage.type: Unsupported value @ ceph`},
		{"a bad class", two, store("class: A"), `storage.class: Invalid value`},
		{"a path outside of /var", single, store("hostPath: {path: /data}"),
			`storage.hostPath.path: Invalid value ~ below /var`},
		{"a relative path", single, store("hostPath: {path: var/a}"), `storage.hostPath.path: Invalid value`},
		{"a path that climbs", single, store("hostPath: {path: /var/a/../../etc}"), `storage.hostPath.path: Invalid value`},
		{"/var itself", single, store("hostPath: {path: /var/}"), `storage.hostPath.path: Invalid value`},
		{"a directory of the kubelet", single, store("hostPath: {path: /var/lib/kubelet}"),
			`storage.hostPath.path: Invalid value ~ operating system`},
		{"a directory below /var/lib", single, store("hostPath: {path: /var/lib/vms/disks}"),
			`storage.hostPath.path = "/var/lib/vms/disks"`},
		{"a directory in that of the kubelet", single, store("hostPath: {path: /var/lib/kubelet/pods}"),
			`storage.hostPath.path: Invalid value`},
		{"a bad pool", single, store("hostPath: {pool: A}"), `storage.hostPath.pool: Invalid value`},
		{"a disk outside of /dev", single, store("lvm: {devices: [/disk]}"), `storage.lvm.devices[0]: Invalid value`},
		{"an empty disk", single, store("lvm: {devices: ['']}"), `storage.lvm.devices[0]: Required value`},
		{"a disk that may change", single, store("lvm: {devices: [/dev/sdb, /dev/md0]}"),
			`warns storage.lvm.devices[0] @ sdb`},
		{"a disk twice", single, store("lvm: {devices: [/dev/md0], optionalDevices: [/dev/md0]}"),
			`storage.lvm.optionalDevices[0]: Duplicate value`},
		{"too thick", single, disks(", thinPoolPercent: 95"),
			`storage.lvm.thinPoolPercent: Invalid value ~ between 10 and 90`},
		{"no overprovisioning", single, disks(", overprovisionRatio: 1"), `storage.lvm.overprovisionRatio: Invalid value`},
		{"another file system", single, disks(", filesystem: btrfs"), `storage.lvm.filesystem: Unsupported value`},
		{"a bad device class", single, disks(", deviceClass: a_b"), `storage.lvm.deviceClass: Invalid value`},
		{"a profile without modes", two, store("class: a, profile: {}"), `
			storage.profile.accessModes: Required value
			storage.profile.volumeMode: Required value`},
		{"another access mode", two, store("class: a, profile: {accessModes: [ReadOnlyMany], volumeMode: Block}"),
			`storage.profile.accessModes[0]: Unsupported value`},
		{"an overhead in percent", two, store("class: a, filesystemOverhead: 5%"),
			`storage.filesystemOverhead: Invalid value`},
		{"an overhead as a number", two, store("class: a, filesystemOverhead: 0.05"),
			`storage.filesystemOverhead: Invalid value ~ quotes`},
		{"a registry without port", two, store("class: a, insecureRegistries: [r.test]"),
			`storage.insecureRegistries[0]: Invalid value`},
		{"a registry twice", two, store("class: a, insecureRegistries: ['r.test:1', 'R.test:1']"),
			`storage.insecureRegistries[1]: Duplicate value`},
		{"bad classes", two, store("class: a, vmStateClass: B, scratchClass: C"), `
			storage.vmStateClass: Invalid value
			storage.scratchClass: Invalid value`},
	})
}
