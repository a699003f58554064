package virtualization_test

import "testing"

func TestFile(t *testing.T) {
	run(t, []row{
		{"nothing", two, "", `
			warns storage.type
			enabled = true
			operator.catalog = {"name":"community-operators","namespace":"openshift-marketplace"}
			operator.channel = "stable"
			operator.approval = "FirstPlanOnly"
			operator.addOns.image = "quay.io/okderators/catalog-index:4.21"
			backup = null
			migration = null
			pipelines = null
			availability = null
			smokeTest = {"enabled":true,"image":"quay.io/containerdisks/fedora:latest","timeout":"5m0s"}`},
		{"off", three, rwx + "enabled: false\n", `enabled = false`},
		{"an empty file", two, "!", `: Required value`},
		{"no YAML", two, "!a: [\n", `: Invalid value`},
		{"a list", two, "!- a\n", `: Invalid value`},
		{"two documents", two, rwx + "---\n" + head, `: Too many`},
		{"no apiVersion", two, "!kind: Virtualization\n", `apiVersion: Required value`},
		{"no kind", two, "!apiVersion: virtualization.okd-install.io/v1alpha1\n", `kind: Required value`},
		{"another version", two, "!apiVersion: virtualization.okd-install.io/v1\nkind: Virtualization\n",
			`apiVersion: Unsupported value @ v1`},
		{"another kind", two, "!apiVersion: virtualization.okd-install.io/v1alpha1\nkind: HyperConverged\n",
			`kind: Unsupported value @ HyperConverged`},
		{"an unknown key", two, rwx + "hyperconverged: {}\n",
			`hyperconverged: Invalid value @ hyperconverged ~ did you mean "hyperConverged"`},
		{"a key twice", two, rwx + "enabled: true\nenabled: true\n", `enabled: Duplicate value`},
		{"a list for a mapping", two, "storage: [a]\n", `storage: Invalid value @ storage`},
		{"several findings", two, "enabled: maybe\nsmokeTest: {image: fedora, timeout: 1s}\nstorage: {type: nfs}\n", `
			enabled: Invalid value @ maybe
			smokeTest.image: Invalid value @ smokeTest
			smokeTest.timeout: Invalid value @ 1s
			storage.type: Unsupported value @ nfs`},
		{"null is the same as absent", three, rwx + "backup: null\nnetworks: ~\nsmokeTest: null\n",
			`smokeTest.enabled = true`},
	})
}

func TestSmokeTest(t *testing.T) {
	run(t, []row{
		{"all fields", three, rwx + "smokeTest: {enabled: false, allowEmulation: true, image: 'r.test:5000/vms/a@sha256:" +
			"0000000000000000000000000000000000000000000000000000000000000000', timeout: 10m}\n", `
			smokeTest.enabled = false
			smokeTest.timeout = "10m0s"`},
		{"a cluster without operators", bare, rwx, `operator: Forbidden ~ OperatorLifecycleManager`},
		{"nodes without KVM", weak, rwx, `warns smokeTest.allowEmulation ~ vmType server`},
		{"nodes without KVM, and emulation", weak, rwx + "smokeTest: {allowEmulation: true}\n", ``},
		{"emulation takes longer", three, rwx + "smokeTest: {allowEmulation: true}\n", `smokeTest.timeout = "15m0s"`},
		{"a mirror", mirrored("quay.io/containerdisks"), rwx,
			`smokeTest.image = "mirror.test:5000/containerdisks/fedora:latest"`},
		{"an image of one's own is left alone", mirrored("quay.io/containerdisks"), rwx +
			"smokeTest: {image: quay.io/containerdisks/debian:12}\n",
			`smokeTest.image = "quay.io/containerdisks/debian:12"`},
		{"a short image", two, rwx + "smokeTest: {image: containerdisks/fedora}\n", `smokeTest.image: Invalid value`},
		{"a bad tag", two, rwx + "smokeTest: {image: 'quay.io/a:b:c'}\n", `smokeTest.image: Invalid value`},
		{"a number as timeout", two, rwx + "smokeTest: {timeout: 300}\n", `smokeTest.timeout: Invalid value @ 300`},
		{"no duration", two, rwx + "smokeTest: {timeout: soon}\n", `smokeTest.timeout: Invalid value ~ like 90s`},
		{"no time at all", two, rwx + "smokeTest: {timeout: 0s}\n", `smokeTest.timeout: Invalid value ~ between 30s and 2h`},
		{"a day", two, rwx + "smokeTest: {timeout: 24h}\n", `smokeTest.timeout: Invalid value`},
	})
}

func TestOperator(t *testing.T) {
	const index = "registry.access.redhat.com/redhat/community-operator-index"
	run(t, []row{
		{"all fields", three, rwx + `operator:
  catalog: {name: mine, namespace: olm, image: "r.test/index:v1"}
  channel: candidate-v1.17
  approval: Automatic
  addOns: {name: more, namespace: olm, image: "r.test/more:v1"}
`, `operator.catalog = {"image":"r.test/index:v1","name":"mine","namespace":"olm"}
			operator.addOns = {"image":"r.test/more:v1","name":"more","namespace":"olm"}`},
		{"an image without a name", three, rwx + "operator: {catalog: {image: 'r.test/index:v1'}}\n",
			`operator.catalog.name = "okd-install-community-operators"`},
		{"a catalog of the cluster with an image", two, rwx +
			"operator: {catalog: {name: community-operators, image: 'r.test/index:v1'}}\n",
			`operator.catalog.name: Invalid value @ community-operators`},
		{"a mirror of the index", mirrored(index, "quay.io/okderators"), rwx, `
			operator.catalog.name = "okd-install-community-operators"
			operator.catalog.image = "mirror.test:5000/redhat/community-operator-index:v4.21"
			operator.addOns.image = "mirror.test:5000/okderators/catalog-index:4.21"`},
		{"a mirror of something that begins alike", mirrored(index+"-old", "quay.io/okd"), rwx, `
			operator.catalog.name = "community-operators"
			operator.addOns.image = "quay.io/okderators/catalog-index:4.21"`},
		{"a named catalog stays without mirror", mirrored(index), rwx + "operator: {catalog: {name: mine}}\n",
			`operator.catalog = {"name":"mine","namespace":"openshift-marketplace"}`},
		{"both catalogs of one name", two, rwx +
			"operator: {catalog: {name: a, image: r.test/idx/a}, addOns: {name: a, image: r.test/idx/b}}\n",
			`operator.addOns.name: Duplicate value`},
		{"one catalog for both", three,
			rwx + "operator: {catalog: {name: a, image: r.test/idx/a}, addOns: {name: a, image: r.test/idx/a}}\n",
			``},
		{"another approval", two, rwx + "operator: {approval: Manual}\n", `operator.approval: Unsupported value @ Manual`},
		{"a bad channel", two, rwx + "operator: {channel: 'a b'}\n", `operator.channel: Invalid value`},
		{"a bad name", two, rwx + "operator: {catalog: {name: A_B}}\n", `operator.catalog.name: Invalid value`},
		{"a bad namespace", two, rwx + "operator: {catalog: {name: a, namespace: a.b}}\n",
			`operator.catalog.namespace: Invalid value`},
		{"a bad image", two, rwx + "operator: {addOns: {image: index}}\n", `operator.addOns.image: Invalid value`},
	})
}

func TestReleases(t *testing.T) {
	const nmstate = "hostNetwork: [{name: a, bridges: [{name: br1, ports: [eno2]}]}]\n"
	const lvm = "storage: {lvm: {devices: [/dev/disk/by-path/a]}}\n"
	run(t, []row{
		{"an old release", at("4.17.0"), rwx, `warns operator ~ 4.18`},
		{"no release", at(""), rwx, `operator.addOns.image = null`},
		{"no release and an add-on", at(""), rwx + "backup: {bucket: abc, region: eu, credentials: {secretName: a}}\n",
			`warns operator.addOns.image ~ oadp-operator`},
		{"NMState with 4.20", at("4.20.0-okd-scos.1"), rwx + nmstate,
			`hostNetwork: Forbidden @ hostNetwork ~ ImageStream`},
		{"NMState with 4.21", at("4.21.0-okd-scos.1"), rwx + nmstate,
			`operator.addOns.image = "quay.io/okderators/catalog-index:4.21"`},
		{"NMState with 4.22", at("4.22.0-okd-scos.1"), rwx + nmstate, `hostNetwork: Forbidden ~ 4.20 and 4.21 only`},
		{"NMState with 4.22 from elsewhere", at("4.22.0-okd-scos.1"), rwx + nmstate +
			"operator: {addOns: {image: quay.io/operatorhubio/catalog:latest}}\n",
			`operator.addOns.name = "okderators"`},
		{"NMState with 4.20 from a catalog of the cluster", at("4.20.0"),
			rwx + nmstate + "operator: {addOns: {name: mine}}\n",
			`operator.addOns.image = null`},
		{"LVM with 4.19", at("4.19.0"), lvm, `
			warns storage.type
			storage.type: Forbidden ~ another type`},
		{"LVM with 4.20", at("4.20.0"), lvm, `
			warns storage.type
			storage.class = "lvms-vg1"`},
		{"the descheduler with 5.0", at("5.0.0"), rwx + "availability: {descheduler: {}}\n",
			`availability.descheduler: Forbidden`},
		{"backup with 4.22", at("4.22.1"), rwx + "backup: {bucket: abc, region: eu, credentials: {secretName: a}}\n",
			`backup: Forbidden @ backup`},
		{"SR-IOV with 4.22", at("4.22.1"), rwx + "networks:\n- {name: a, bridge: {name: b}}\n" +
			"- {name: c, sriov: {resourceName: a, vfs: 2, vendor: '8086'}}\n",
			`networks[1].sriov: Forbidden @ sriov ~ sriov-network-operator`},
		{"health checks with 4.22", at("4.22.1"), rwx + "availability: {nodeHealthCheck: {}}\n",
			`availability.nodeHealthCheck.minHealthy = "50%"`},
		{"a gate that is too new", at("4.20.0"),
			rwx + "hyperConverged: {featureGates: {objectGraph: false, alignCPUs: true}}\n",
			`hyperConverged.featureGates.objectGraph: Forbidden @ objectGraph ~ 4.21`},
		{"a gate that is there", at("5.0.0"), rwx + "hyperConverged: {featureGates: {containerPathVolumes: true}}\n",
			`hyperConverged.featureGates = {"containerPathVolumes":true}`},
	})
}
