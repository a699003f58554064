package virtualization_test

import "testing"

func hc(fields string) string { return rwx + "hyperConverged: {" + fields + "}\n" }

func TestHyperConverged(t *testing.T) {
	run(t, []row{
		{"all fields", three, rwx + `hyperConverged:
  evictionStrategy: External
  liveMigration:
    network: migrations
    parallelPerCluster: 8
    parallelOutboundPerNode: 4
    bandwidthPerMigration: 64Mi
    completionTimeoutPerGiB: 20
    progressTimeout: 60
    allowAutoConverge: true
    allowPostCopy: true
  workloadUpdate: {methods: [LiveMigrate, Evict], batchSize: 5, batchInterval: 30s}
  defaultCPUModel: Skylake-Server-noTSX-IBRS
  memoryOvercommitPercentage: 150
  cpuAllocationRatio: 4
  featureGates: {alignCPUs: true, downwardMetrics: false}
  infra: {nodeSelector: {node-role.kubernetes.io/infra: ""}, tolerations: [{operator: Exists}]}
  workloads:
    nodeSelector: {vms: "true"}
    tolerations: [{key: vms, value: "yes", effect: NoExecute, tolerationSeconds: 60}]
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
      {matchExpressions: [{key: a, operator: In, values: [b]}]}]}}}
  hostDevices: [{resourceName: nvidia.com/A10, pciVendorSelector: "10DE:2236", externalResourceProvider: true}]
  uninstallStrategy: RemoveWorkloads
`, `warns hyperConverged.liveMigration.network
			hyperConverged.evictionStrategy = "External"
			hyperConverged.workloadUpdate.batchInterval = "30s"`},
		{"defaults with several nodes", two, rwx, `
			hyperConverged.evictionStrategy = "LiveMigrate"
			hyperConverged.liveMigration.parallelPerCluster = 5
			hyperConverged.liveMigration.parallelOutboundPerNode = 2
			hyperConverged.liveMigration.completionTimeoutPerGiB = 150
			hyperConverged.liveMigration.progressTimeout = 150
			hyperConverged.memoryOvercommitPercentage = 100
			hyperConverged.cpuAllocationRatio = 10
			hyperConverged.workloadUpdate = {"batchInterval":"1m0s","batchSize":10,"methods":["LiveMigrate"]}
			hyperConverged.uninstallStrategy = "BlockUninstallIfWorkloadsExist"`},
		{"defaults with masters alone", compact, rwx, `hyperConverged.evictionStrategy = "LiveMigrate"`},
		{"defaults with one node", single, rwx, `hyperConverged.evictionStrategy = "None"`},
		{"defaults with one worker", lone, rwx, `hyperConverged.evictionStrategy = "None"`},
		{"defaults with disks that stay", two, "", `
			warns storage.type
			hyperConverged.evictionStrategy = "LiveMigrateIfPossible"`},
		{"defaults with a class that stays", two,
			"storage: {class: a, profile: {accessModes: [ReadWriteOnce], volumeMode: Block}}\n",
			`hyperConverged.evictionStrategy = "LiveMigrateIfPossible"`},
		{"defaults without storage", two, "storage: {type: none}\n", `hyperConverged.evictionStrategy = "LiveMigrate"`},
		{"LiveMigrate with one node", single, hc("evictionStrategy: LiveMigrate"),
			`hyperConverged.evictionStrategy: Invalid value @ evictionStrategy ~ nowhere to migrate`},
		{"LiveMigrateIfPossible with one node", single, hc("evictionStrategy: LiveMigrateIfPossible"),
			`hyperConverged.evictionStrategy = "LiveMigrateIfPossible"`},
		{"LiveMigrate with disks that stay", two, "hyperConverged: {evictionStrategy: LiveMigrate}\n", `
			warns storage.type
			warns hyperConverged.evictionStrategy @ evictionStrategy ~ hostpath-csi`},
		{"another strategy", two, hc("evictionStrategy: Shutdown"),
			`hyperConverged.evictionStrategy: Unsupported value @ Shutdown`},
		{"no methods of update", two, hc("workloadUpdate: {methods: []}"), `hyperConverged.workloadUpdate.batchSize = 10`},
		{"a method twice", two, hc("workloadUpdate: {methods: [Evict, Evict]}"),
			`hyperConverged.workloadUpdate.methods[1]: Duplicate value`},
		{"another method", two, hc("workloadUpdate: {methods: [Kill]}"),
			`hyperConverged.workloadUpdate.methods[0]: Unsupported value`},
		{"no batch", two, hc("workloadUpdate: {batchSize: 0}"), `hyperConverged.workloadUpdate.batchSize: Invalid value`},
		{"a long interval", two, hc("workloadUpdate: {batchInterval: 2h}"),
			`hyperConverged.workloadUpdate.batchInterval: Invalid value`},
		{"too much out of a node", two, hc("liveMigration: {parallelPerCluster: 2, parallelOutboundPerNode: 3}"),
			`hyperConverged.liveMigration.parallelOutboundPerNode: Invalid value @ parallelOutboundPerNode`},
		{"too much out of a node by default", two, hc("liveMigration: {parallelOutboundPerNode: 6}"),
			`hyperConverged.liveMigration.parallelOutboundPerNode: Invalid value`},
		{"one migration", two, hc("liveMigration: {parallelPerCluster: 1}"),
			`hyperConverged.liveMigration.parallelOutboundPerNode = 1`},
		{"no migration at all", two, hc("liveMigration: {parallelPerCluster: 0}"),
			`hyperConverged.liveMigration.parallelPerCluster: Invalid value ~ at least 1`},
		{"less than none", two, hc("liveMigration: {progressTimeout: -1}"),
			`hyperConverged.liveMigration.progressTimeout: Invalid value`},
		{"a bandwidth in bits", two, hc("liveMigration: {bandwidthPerMigration: 1Gbit}"),
			`hyperConverged.liveMigration.bandwidthPerMigration: Invalid value ~ like 10Gi`},
		{"no bandwidth", two, hc("liveMigration: {bandwidthPerMigration: '0'}"),
			`hyperConverged.liveMigration.bandwidthPerMigration: Invalid value`},
		{"a network with one node", single, hc("liveMigration: {network: a}"), `
			warns hyperConverged.liveMigration.network ~ namespace kubevirt-hyperconverged
			warns hyperConverged.liveMigration.network ~ nothing migrates`},
		{"too little memory", two, hc("memoryOvercommitPercentage: 9"),
			`hyperConverged.memoryOvercommitPercentage: Invalid value @ memoryOvercommitPercentage ~ at least 10`},
		{"the least memory", two, hc("memoryOvercommitPercentage: 10"), `hyperConverged.memoryOvercommitPercentage = 10`},
		{"no CPU", two, hc("cpuAllocationRatio: 0"), `hyperConverged.cpuAllocationRatio: Invalid value`},
		{"half a CPU", two, hc("cpuAllocationRatio: 0.5"), `hyperConverged.cpuAllocationRatio: Invalid value @ 0.5`},
		{"a CPU model with spaces", two, hc("defaultCPUModel: Intel Xeon"), `hyperConverged.defaultCPUModel: Invalid value`},
		{"an unknown gate", two, hc("featureGates: {alignCPU: true}"),
			`hyperConverged.featureGates.alignCPU: Invalid value ~ did you mean "alignCPUs"`},
		{"a gate like no other", two, hc("featureGates: {coffee: true}"),
			`hyperConverged.featureGates.coffee: Invalid value ~ persistentReservation`},
		{"a gate of old", two, hc("featureGates: {deployTektonTaskResources: true}"),
			`hyperConverged.featureGates.deployTektonTaskResources: Invalid value ~ set pipelines`},
		{"a gate that is text", two, hc("featureGates: {alignCPUs: 'true'}"),
			`hyperConverged.featureGates.alignCPUs: Invalid value`},
		{"another uninstall strategy", two, hc("uninstallStrategy: Keep"),
			`hyperConverged.uninstallStrategy: Unsupported value`},
	})
}

func TestPlacement(t *testing.T) {
	run(t, []row{
		{"a bad key of a label", two, hc("infra: {nodeSelector: {'a b': c}}"),
			`hyperConverged.infra.nodeSelector: Invalid value`},
		{"a bad value of a label", two, hc("workloads: {nodeSelector: {a: 'b c'}}"),
			`hyperConverged.workloads.nodeSelector.a: Invalid value @ b c`},
		{"no key of a taint", two, hc("infra: {tolerations: [{effect: NoSchedule}]}"),
			`hyperConverged.infra.tolerations[0].key: Required value`},
		{"a bad key of a taint", two, hc("infra: {tolerations: [{key: 'a/b/c'}]}"),
			`hyperConverged.infra.tolerations[0].key: Invalid value`},
		{"a value that is not compared", two, hc("infra: {tolerations: [{key: a, operator: Exists, value: b}]}"),
			`hyperConverged.infra.tolerations[0].value: Forbidden`},
		{"a bad value of a taint", two, hc("infra: {tolerations: [{key: a, value: 'b c'}]}"),
			`hyperConverged.infra.tolerations[0].value: Invalid value`},
		{"seconds without NoExecute", two, hc("infra: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 1}]}"),
			`hyperConverged.infra.tolerations[0].tolerationSeconds: Forbidden`},
		{"another operator", two, hc("infra: {tolerations: [{key: a, operator: Lt}]}"),
			`hyperConverged.infra.tolerations[0].operator: Unsupported value`},
		{"another effect", two, hc("infra: {tolerations: [{key: a, effect: Never}]}"),
			`hyperConverged.infra.tolerations[0].effect: Unsupported value`},
		{"an affinity that is none", two, hc("workloads: {affinity: {nodeAffinities: {}}}"),
			`hyperConverged.workloads.affinity: Invalid value ~ nodeAffinities`},
		{"an affinity of another form", two, hc("workloads: {affinity: {podAffinity: [1]}}"),
			`hyperConverged.workloads.affinity: Invalid value`},
		{"no resource", two, hc("hostDevices: [{pciVendorSelector: '10DE:2236'}]"),
			`hyperConverged.hostDevices[0].resourceName: Required value ~ explain virtualization.hyperConverged.hostDevices.`},
		{"a resource without domain", two, hc("hostDevices: [{resourceName: a10, pciVendorSelector: '10DE:2236'}]"),
			`hyperConverged.hostDevices[0].resourceName: Invalid value`},
		{"a device by its address", two, hc("hostDevices: [{resourceName: a.com/b, pciVendorSelector: '0000:3b:00.0'}]"),
			`hyperConverged.hostDevices[0].pciVendorSelector: Invalid value`},
		{"a device twice", two, hc("hostDevices: [{resourceName: a.com/b, pciVendorSelector: '10DE:2236'}, " +
			"{resourceName: a.com/c, pciVendorSelector: '10de:2236'}]"),
			`hyperConverged.hostDevices[1].pciVendorSelector: Duplicate value`},
	})
}

func TestGoldenImages(t *testing.T) {
	images := func(fields string) string { return rwx + "goldenImages: {" + fields + "}\n" }
	source := func(fields string) string {
		return images("sources: [{name: debian, image: quay.io/a/debian:12" + fields + "}]")
	}
	run(t, []row{
		{"all fields", three, rwx + `goldenImages:
  enabled: true
  disconnected: false
  namespace: images
  disable: [centos-stream9, fedora]
  sources:
  - name: debian
    image: quay.io/containerdisks/debian:12
    size: 5Gi
    schedule: 30 */6 * * *
    keep: 2
    storageClass: fast
    pullMethod: pod
    secretName: login
    certConfigMap: ca
    instancetype: u1.medium
    preference: debian
`, `goldenImages.sources[0].keep = 2`},
		{"defaults", three, source(""), `
			goldenImages.enabled = true
			goldenImages.disconnected = false
			goldenImages.namespace = "kubevirt-os-images"
			goldenImages.sources[0].image = "quay.io/a/debian:12"
			goldenImages.sources[0].keep = 3
			goldenImages.sources[0].name = "debian"
			goldenImages.sources[0].pullMethod = "pod"
			goldenImages.sources[0].schedule = "0 3 * * *"
			goldenImages.sources[0].size = "10Gi"`},
		{"off without storage", two, "storage: {type: none}\n", `goldenImages.enabled = false`},
		{"on without storage", two, "storage: {type: none}\ngoldenImages: {enabled: true}\n",
			`warns goldenImages.enabled @ enabled`},
		{"a source without storage", two,
			"storage: {type: none}\ngoldenImages: {sources: [{name: a, image: quay.io/aa/b}]}\n", `warns goldenImages.sources`},
		{"a mirror", mirrored("quay.io/containerdisks"), images("disable: [fedora]"), `
			goldenImages.disconnected = true
			goldenImages.disable = ["fedora"]
			goldenImages.sources[0].image = "mirror.test:5000/containerdisks/centos-stream:9"
			goldenImages.sources[0].keep = 3
			goldenImages.sources[0].name = "centos-stream9"
			goldenImages.sources[0].pullMethod = "node"
			goldenImages.sources[0].schedule = "0 3 * * *"
			goldenImages.sources[0].size = "10Gi"
			goldenImages.sources[1].name = "centos-stream10"`},
		{"a mirror of the whole registry", mirrored("quay.io"), rwx,
			`goldenImages.sources[2].image = "mirror.test:5000/containerdisks/fedora:latest"`},
		{"the better mirror", nearer, rwx, `
			goldenImages.sources[2].image = "quay.io.mirror.test/containerdisks/fedora:latest"`},
		{"a mirror that is not used", mirrored("quay.io/containerdisks"), images("disconnected: false"), `
			goldenImages.sources = null`},
		{"disconnected without a mirror", mirrored("quay.io/okd"), images("disconnected: true, disable: [fedora]"), `
			warns goldenImages.disconnected @ disconnected ~ centos-stream9, centos-stream10
			goldenImages.disable = ["fedora","centos-stream9","centos-stream10"]`},
		{"disconnected with images of one's own", mirrored("quay.io/a"),
			images("disconnected: true, sources: [{name: fedora, image: 'quay.io/a/fedora:42'}]"), `
			warns goldenImages.disconnected
			goldenImages.sources[0].image = "mirror.test:5000/a/fedora:42"`},
		{"an image with the name of a common one", three, images("sources: [{name: fedora, image: 'quay.io/a/fedora:42'}]"), `
			goldenImages.sources[0].name = "fedora"`},
		{"disabled and replaced", two, images("disable: [fedora], sources: [{name: fedora, image: 'quay.io/a/fedora:42'}]"),
			`goldenImages.sources[0].name: Invalid value @ fedora`},
		{"disabled twice", two, images("disable: [fedora, fedora]"), `goldenImages.disable[1]: Duplicate value`},
		{"disabled and off", two, images("enabled: false, disable: [fedora]"), `warns goldenImages.disable`},
		{"an unknown common image", two, images("disable: [rhel9]"), `goldenImages.disable[0]: Unsupported value`},
		{"a name twice", two, images("sources: [{name: a, image: quay.io/aa/b}, {name: a, image: quay.io/aa/c}]"),
			`goldenImages.sources[1].name: Duplicate value`},
		{"no name", two, images("sources: [{image: quay.io/aa/b}]"), `goldenImages.sources[0].name: Required value`},
		{"no image", two, images("sources: [{name: a}]"), `goldenImages.sources[0].image: Required value`},
		{"a bad name", two, images("sources: [{name: a.b, image: quay.io/aa/b}]"),
			`goldenImages.sources[0].name: Invalid value`},
		{"a long name", two,
			images("sources: [{name: a123456789012345678901234567890123456789012345678901b, image: quay.io/aa/b}]"),
			`goldenImages.sources[0].name: Invalid value ~ at most 52`},
		{"an image with scheme", two, images("sources: [{name: a, image: docker://quay.io/a/b}]"),
			`goldenImages.sources[0].image: Invalid value`},
		{"a size in words", two, source(", size: big"), `goldenImages.sources[0].size: Invalid value`},
		{"no size", two, source(", size: '0'"), `goldenImages.sources[0].size: Invalid value`},
		{"a schedule in words", two, source(", schedule: '@daily'"), `goldenImages.sources[0].schedule: Invalid value`},
		{"a schedule of four fields", two, source(", schedule: 0 3 * *"), `goldenImages.sources[0].schedule: Invalid value`},
		{"hour 24", two, source(", schedule: 0 24 * * *"), `goldenImages.sources[0].schedule: Invalid value`},
		{"a time zone", two, source(", schedule: 'TZ=0 0 3 * *'"), `goldenImages.sources[0].schedule: Invalid value`},
		{"nothing kept", two, source(", keep: 0"), `goldenImages.sources[0].keep: Invalid value`},
		{"another pull method", two, source(", pullMethod: host"), `goldenImages.sources[0].pullMethod: Unsupported value`},
		{"a login for nodes", two, source(", pullMethod: node, secretName: a, certConfigMap: b"), `
			goldenImages.sources[0].secretName: Forbidden
			goldenImages.sources[0].certConfigMap: Forbidden`},
		{"a bad namespace", two, images("namespace: a.b"), `goldenImages.namespace: Invalid value`},
	})
}
