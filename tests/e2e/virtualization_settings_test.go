//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// settingsText has every setting that reaches an operator which the lab has. Those of other operators are compared with
// the facts of their schemas in pkg/virtualization/manifests. No VM is started: in the lab, whose machines may not use
// userfaultfd, none migrates with allowPostCopy.
const settingsText = virtualizationHead + `
smokeTest: {enabled: false, allowEmulation: true}
operator: {addOns: {name: okderators, image: 'quay.io/okderators/catalog-index:5.0'}}
hyperConverged:
  evictionStrategy: LiveMigrateIfPossible
  uninstallStrategy: RemoveWorkloads
  defaultCPUModel: Nehalem
  memoryOvercommitPercentage: 150
  cpuAllocationRatio: 8
  featureGates: {downwardMetrics: true, alignCPUs: true}
  liveMigration:
    parallelPerCluster: 7
    parallelOutboundPerNode: 3
    bandwidthPerMigration: 64Mi
    completionTimeoutPerGiB: 200
    progressTimeout: 170
    allowAutoConverge: true
    allowPostCopy: true
  workloadUpdate: {methods: [LiveMigrate, Evict], batchSize: 5, batchInterval: 2m}
  infra:
    nodeSelector: {kubernetes.io/os: linux}
    tolerations: [{key: infra, operator: Exists, effect: NoSchedule}]
  workloads:
    nodeSelector: {node-role.kubernetes.io/worker: ''}
    tolerations: [{key: vms, operator: Equal, value: only, effect: NoExecute, tolerationSeconds: 60}]
  hostDevices: [{resourceName: lab.test/card, pciVendorSelector: '10DE:2236'}]
goldenImages:
  namespace: images
  disable: [centos-stream10]
  sources:
  - {name: mine, image: 'quay.io/containerdisks/okd-lab:latest', size: 2Gi, schedule: 0 4 * * *, keep: 2}
storage:
  vmStateClass: hostpath-csi
  scratchClass: hostpath-csi
  filesystemOverhead: '0.1'
  insecureRegistries: ['registry.lab.okd.test:5001']
  hostPath: {path: /var/vms, pool: vms}
hostNetwork:
- {name: vms, bridges: [{name: br1, mtu: 1400}]}
networks:
- {name: vlan7, bridge: {name: br1, vlan: 7, mtu: 1400}}
`

// setting is where a field arrives: an object, a path in it and the value there.
type setting struct{ field, object, path, want string }

var settings = []setting{
	{"hyperConverged.evictionStrategy", "kubevirt", "configuration.evictionStrategy", "LiveMigrateIfPossible"},
	{"hyperConverged.uninstallStrategy", "kubevirt", "uninstallStrategy", "RemoveWorkloads"},
	{"hyperConverged.defaultCPUModel", "kubevirt", "configuration.cpuModel", "Nehalem"},
	{"hyperConverged.memoryOvercommitPercentage", "kubevirt",
		"configuration.developerConfiguration.memoryOvercommit", "150"},
	{"hyperConverged.cpuAllocationRatio", "kubevirt", "configuration.developerConfiguration.cpuAllocationRatio", "8"},
	{"hyperConverged.featureGates", "kubevirt", "configuration.developerConfiguration.featureGates", "DownwardMetrics"},
	{"hyperConverged.liveMigration.parallelPerCluster", "kubevirt",
		"configuration.migrations.parallelMigrationsPerCluster", "7"},
	{"hyperConverged.liveMigration.parallelOutboundPerNode", "kubevirt",
		"configuration.migrations.parallelOutboundMigrationsPerNode", "3"},
	{"hyperConverged.liveMigration.bandwidthPerMigration", "kubevirt",
		"configuration.migrations.bandwidthPerMigration", "64Mi"},
	{"hyperConverged.liveMigration.completionTimeoutPerGiB", "kubevirt",
		"configuration.migrations.completionTimeoutPerGiB", "200"},
	{"hyperConverged.liveMigration.progressTimeout", "kubevirt", "configuration.migrations.progressTimeout", "170"},
	{"hyperConverged.liveMigration.allowAutoConverge", "kubevirt", "configuration.migrations.allowAutoConverge", "true"},
	{"hyperConverged.liveMigration.allowPostCopy", "kubevirt", "configuration.migrations.allowPostCopy", "true"},
	{"hyperConverged.workloadUpdate.methods", "kubevirt", "workloadUpdateStrategy.workloadUpdateMethods",
		`["LiveMigrate","Evict"]`},
	{"hyperConverged.workloadUpdate.batchSize", "kubevirt", "workloadUpdateStrategy.batchEvictionSize", "5"},
	{"hyperConverged.workloadUpdate.batchInterval", "kubevirt", "workloadUpdateStrategy.batchEvictionInterval", "2m0s"},
	{"hyperConverged.infra.nodeSelector", "kubevirt", "infra.nodePlacement.nodeSelector", `"kubernetes.io/os":"linux"`},
	{"hyperConverged.infra.tolerations", "kubevirt", "infra.nodePlacement.tolerations", `"key":"infra"`},
	{"hyperConverged.infra.nodeSelector", "cdi", "infra.nodeSelector", `"kubernetes.io/os":"linux"`},
	{"hyperConverged.infra.tolerations", "networkaddonsconfig", "placementConfiguration.infra.tolerations",
		`"key":"infra"`},
	{"hyperConverged.workloads.nodeSelector", "kubevirt", "workloads.nodePlacement.nodeSelector",
		`"node-role.kubernetes.io/worker":""`},
	{"hyperConverged.workloads.tolerations", "kubevirt", "workloads.nodePlacement.tolerations",
		`"tolerationSeconds":60`},
	{"hyperConverged.workloads.tolerations", "cdi", "workload.tolerations", `"key":"vms"`},
	{"hyperConverged.hostDevices", "kubevirt", "configuration.permittedHostDevices.pciHostDevices", "10DE:2236"},
	{"smokeTest.allowEmulation", "kubevirt", "configuration.developerConfiguration.useEmulation", "true"},
	{"storage.vmStateClass", "kubevirt", "configuration.vmStateStorageClass", "hostpath-csi"},
	{"storage.scratchClass", "cdi", "config.scratchSpaceStorageClass", "hostpath-csi"},
	{"storage.filesystemOverhead", "cdi", "config.filesystemOverhead.global", "0.1"},
	{"storage.insecureRegistries", "cdi", "config.insecureRegistries", "registry.lab.okd.test:5001"},
	{"storage.hostPath.path", "hostpathprovisioner", "storagePools[0].path", "/var/vms"},
	{"storage.hostPath.pool", "hostpathprovisioner", "storagePools[0].name", "vms"},
	{"goldenImages.sources.image", "dataimportcron --namespace=images", "template.spec.source.registry.url",
		"docker://quay.io/containerdisks/okd-lab:latest"},
	{"goldenImages.sources.size", "dataimportcron --namespace=images", "template.spec.storage.resources.requests.storage",
		"2Gi"},
	{"goldenImages.sources.schedule", "dataimportcron --namespace=images", "schedule", "0 4 * * *"},
	{"goldenImages.sources.keep", "dataimportcron --namespace=images", "importsToKeep", "2"},
	{"hostNetwork.bridges", "nncp", "desiredState.interfaces[*].name", "br1"},
	{"networks.bridge.vlan", "network-attachment-definitions --namespace=default", "config", `"vlan":7`},
}

// settingsArrive sets everything in a cluster that is deployed, and reads it back from the parts.
func settingsArrive(t *testing.T, v virtual) {
	v.finish(t, stackBudget, 0, v.dir, "virtualization", "remove") // a pool's directory cannot be changed
	v.configure(t, settingsText)
	v.deployed(t, v.finish(t, stackBudget, 0, v.dir, "virtualization", "deploy"))
	for _, s := range settings {
		args := append([]string{"get", "--namespace", virtualizationNamespace}, strings.Fields(s.object)...)
		args = append(args, "--output", "jsonpath={.items[*].spec."+s.path+"}")
		eventually(t, 30*time.Second, func() string {
			if got := v.kubectl(t, args...); !strings.Contains(got, s.want) {
				return fmt.Sprintf("%s: %s of %s is %q, want %q", s.field, s.path, s.object, got, s.want)
			}
			return ""
		})
	}
	crons := v.kubectl(t, "get", "dataimportcron", "--namespace=images", "--output=name")
	if strings.Contains(crons, "centos-stream10") || !strings.Contains(crons, "fedora") {
		t.Errorf("goldenImages.disable: the cluster imports %s", crons)
	}
}
