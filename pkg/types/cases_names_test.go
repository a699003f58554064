package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var nameRefused = []row{
	{"no version", none, `drop apiVersion`, `apiVersion: Required value`},
	{"version of the future", none, `apiVersion = v2`, `apiVersion: Invalid value @ v2`},
	{"version that was never converted", none, `apiVersion = v1beta2`, `apiVersion: Invalid value @ v1beta2`},
	{"version as a number", none, `apiVersion = 1`, `apiVersion: Invalid value @ apiVersion: 1`},
	{"kind of something else", none, `kind = Cluster`, `kind: Unsupported value @ Cluster`},
	{"no metadata", none, `drop metadata`, `metadata.name: Required value`},
	{"no name", none, `metadata = {}`, `metadata.name: Required value @ metadata`},
	{"name in capitals", none, `metadata.name = Demo`, `metadata.name: Invalid value @ Demo`},
	{"name with underscore", external, `metadata.name = my_cluster`, `metadata.name: Invalid value @ my_cluster`},
	{"name that begins with a dash", none, `metadata.name = -demo`, `metadata.name: Invalid value`},
	{"name that ends with a dash", none, `metadata.name = demo-`, `metadata.name: Invalid value`},
	{"name of 55 letters", none, `metadata.name = $LONG`, `metadata.name: Invalid value`},
	{"name with dots", ovirt, `metadata.name = de.mo`, `metadata.name: Invalid value @ de.mo`},
	{"name with dots", baremetal, `metadata.name = de.mo`, `metadata.name: Invalid value @ de.mo`},
	{"name as a list", none, `metadata.name = [a]`, `metadata.name: Invalid value`},
	{"name as a number", none, `metadata.name = 12`, `metadata.name: Invalid value @ 12`},
	{"no base domain", none, `drop baseDomain`, `baseDomain: Required value`},
	{"empty base domain", none, `baseDomain = ""`, `baseDomain: Required value @ baseDomain`},
	{"base domain in capitals", none, `baseDomain = Okd.test`, `baseDomain: Invalid value @ Okd.test`},
	{"base domain with spaces", none, `baseDomain = okd test`, `baseDomain: Invalid value`},
	{"base domain with an empty label", none, `baseDomain = okd..test`, `baseDomain: Invalid value`},
	{"names longer than DNS allows", none, `baseDomain = $LABELS`, `baseDomain: Invalid value`},
	{"metadata as text", none, `metadata = demo`, `metadata: Invalid value @ metadata: demo`},
	{"annotations as a list", none, `metadata.annotations = [a]`, `metadata.annotations: Invalid value`},
	{"a label that is no text", none, `metadata.labels = {a: 1}`, `metadata.labels.a: Invalid value @ 1`},
	{"everything missing", none, `
		drop apiVersion
		drop metadata
		drop baseDomain
		drop pullSecret
		drop platform
		publish = External`, `
		apiVersion: Required value
		metadata.name: Required value
		baseDomain: Required value
		pullSecret: Required value
		platform: Required value`},
}

var nameAccepted = []row{
	{"as it is", none, ``, `
		apiVersion = "v1"
		networking.networkType = "OVNKubernetes"
		networking.machineNetwork = [{"cidr":"10.0.0.0/16"}]
		networking.clusterNetwork = [{"cidr":"10.128.0.0/14","hostPrefix":23}]
		networking.serviceNetwork = ["172.30.0.0/16"]
		controlPlane.name = "master"
		controlPlane.replicas = 3
		controlPlane.hyperthreading = "Enabled"
		controlPlane.architecture = "amd64"
		compute[0].name = "worker"
		compute[0].replicas = 3
		arbiter absent
		publish = "External"
		additionalTrustBundlePolicy = "Proxyonly"
		cpuPartitioningMode = "None"
		proxy absent`},
	{"kind", none, `kind = InstallConfig`, `kind = "InstallConfig"`},
	{"name with dots", none, `metadata.name = de.mo`, `metadata.name = "de.mo"`},
	{"name with dots", external, `metadata.name = de.mo`, ``},
	{"trailing dot of the domain", none, `baseDomain = okd.test.`, `baseDomain = "okd.test"`},
	{"what Kubernetes adds to metadata", none, `metadata = {name: demo, creationTimestamp: null, namespace: x, uid: y, ` +
		`generation: 1, resourceVersion: "1", labels: {a: b}, annotations: {c.d/e: f}, finalizers: [x], ownerReferences: ` +
		`[{name: x}], managedFields: [{manager: x}], selfLink: x, generateName: x, deletionGracePeriodSeconds: 30}`,
		`metadata.labels.a = "b"`},
	{"null is the same as absent", none, `
		networking = null
		compute = null
		proxy = ~`, `networking.networkType = "OVNKubernetes"`},
}

func TestNames(t *testing.T) {
	testRefused(t, types.Options{}, nameRefused)
	testAccepted(t, types.Options{}, nameAccepted)
}
