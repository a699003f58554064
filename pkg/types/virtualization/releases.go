package virtualization

import (
	"fmt"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// A gate is a feature gate of HyperConverged (v1beta1), by the releases of OKD whose operator has it: hyperconverged
// 1.14 is that of 4.18, 1.18 that of 4.22.
type gate struct {
	name  string
	since versions.Minor
}

var gates = []gate{
	{"alignCPUs", versions.Minor{}},
	{"containerPathVolumes", versions.Minor{Major: 4, Minor: 22}},
	{"decentralizedLiveMigration", versions.Minor{Major: 4, Minor: 20}},
	{"declarativeHotplugVolumes", versions.Minor{Major: 4, Minor: 21}},
	{"deployKubeSecondaryDNS", versions.Minor{}},
	{"disableMDevConfiguration", versions.Minor{}},
	{"downwardMetrics", versions.Minor{}},
	{"enableMultiArchBootImageImport", versions.Minor{Major: 4, Minor: 20}},
	{"incrementalBackup", versions.Minor{Major: 4, Minor: 22}},
	{"objectGraph", versions.Minor{Major: 4, Minor: 21}},
	{"persistentReservation", versions.Minor{}},
	{"videoConfig", versions.Minor{Major: 4, Minor: 20}},
}

// oldGates are gates that operators ignore, and what to do instead.
var oldGates = map[string]string{
	"enableCommonBootImageImport":      "set goldenImages.enabled",
	"deployTektonTaskResources":        "set pipelines",
	"deployVmConsoleProxy":             "install the VM console proxy on its own",
	"deployKubevirtIpamController":     "it is always there",
	"withHostPassthroughCPU":           "VMs may use host-passthrough, and defaultCPUModel makes it the default",
	"nonRoot":                          "VMs never run as root",
	"enableManagedTenantQuota":         "remove it",
	"autoResourceLimits":               "remove it",
	"enableApplicationAwareQuota":      "remove it, and set the operator's enableApplicationAwareQuota in the manifests",
	"primaryUserDefinedNetworkBinding": "it is always there",
}

const (
	communityCatalog = "community-operators"
	communityIndex   = "registry.access.redhat.com/redhat/community-operator-index"
	ownCatalog       = "okd-install-community-operators"

	addOnCatalog = "okderators"
	addOnIndex   = "quay.io/okderators/catalog-index"

	forkliftCatalog = "okd-install-forklift"
	forkliftIndex   = "quay.io/kubev2v/forklift-operator-index:latest"

	containerDisks = "quay.io/containerdisks"
	smokeTestImage = containerDisks + "/fedora:latest"
)

// CommunityIndex is the index image of the catalog community-operators for a release, which needs no login; empty if
// the release is not known.
func CommunityIndex(release string) string {
	if m, ok := versions.MinorOf(release); ok {
		return fmt.Sprintf("%s:v%s", communityIndex, m)
	}
	return ""
}

// addOnReleases are the releases for which okderators has a catalog.
var addOnReleases = []versions.Minor{{Major: 4, Minor: 20}, {Major: 4, Minor: 21}}

// A brokenAddOn is an operator of okderators that cannot be installed.
type brokenAddOn struct {
	release versions.Minor
	field   string
	why     string
}

var brokenAddOns = []brokenAddOn{
	{versions.Minor{Major: 4, Minor: 20}, "hostNetwork", "its kubernetes-nmstate-operator has an ImageStream among its " +
		"manifests, at which the lifecycle manager fails"},
}

// A CommonImage is an image that the operators import without being told.
type CommonImage struct{ Name, Image, Size string }

// CommonImages are those of all releases.
func CommonImages() []CommonImage {
	return []CommonImage{
		{"centos-stream9", containerDisks + "/centos-stream:9", "10Gi"},
		{"centos-stream10", containerDisks + "/centos-stream:10", "10Gi"},
		{"fedora", containerDisks + "/fedora:latest", "5Gi"},
	}
}
