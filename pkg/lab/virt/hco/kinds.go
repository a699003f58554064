// Package hco is the lab's HyperConverged Cluster Operator: it makes the objects of the operators that do the work
// from one HyperConverged, keeps them so, and says how they are.
package hco

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// Name is that of the only HyperConverged that counts, and Namespace the only one where it does.
const (
	Name      = "kubevirt-hyperconverged"
	Namespace = "kubevirt-hyperconverged"

	finalizer = "kubevirt.io/hyperconverged"
	component = "hco-operator" // of events, and what manages objects
)

// Kinds of the operators in the bundle.
var (
	HyperConvergeds = control.Kind{Name: "HyperConverged",
		Kind: kube.Kind{Group: "hco.kubevirt.io", Version: "v1beta1", Plural: "hyperconvergeds"}}
	KubeVirts = control.Kind{Name: "KubeVirt",
		Kind: kube.Kind{Group: "kubevirt.io", Version: "v1", Plural: "kubevirts"}}
	CDIs = control.Kind{Name: "CDI",
		Kind: kube.Kind{Group: "cdi.kubevirt.io", Version: "v1beta1", Plural: "cdis"}}
	SSPs = control.Kind{Name: "SSP",
		Kind: kube.Kind{Group: "ssp.kubevirt.io", Version: "v1beta3", Plural: "ssps"}}
	NetworkAddons = control.Kind{Name: "NetworkAddonsConfig",
		Kind: kube.Kind{Group: "networkaddonsoperator.network.kubevirt.io", Version: "v1", Plural: "networkaddonsconfigs"}}
	priorityClasses = control.Kind{Name: "PriorityClass",
		Kind: kube.Kind{Group: "scheduling.k8s.io", Version: "v1", Plural: "priorityclasses"}}
	operatorConditions = kube.Kind{Group: "operators.coreos.com", Version: "v2", Plural: "operatorconditions"}
)

// Release is a release of the operators with what belongs to it.
type Release struct {
	Version string // of the HyperConverged operator and the bundle
	// The versions of the others, as they report them.
	KubeVirt, CDI, NetworkAddons, SSP, HostPath, Quota string

	// gates are the default states of the feature gates, in the order of the API.
	gates []gate
	// always are the gates that KubeVirt gets in any case.
	always []string
	// V1 is whether version v1 of the API is served beside v1beta1.
	V1 bool
	// mdevField: mediated devices are switched off by a field of KubeVirt instead of a gate.
	mdevField bool
}

// gate is a feature gate of HyperConverged.
type gate struct {
	name    string
	enabled bool
	// kubevirt are KubeVirt's gates while it is enabled.
	kubevirt []string
}

var (
	gates16 = []gate{
		{name: "downwardMetrics", kubevirt: []string{"DownwardMetrics"}},
		{name: "deployKubeSecondaryDNS"},
		{name: "disableMDevConfiguration", kubevirt: []string{"DisableMDEVConfiguration"}},
		{name: "persistentReservation", kubevirt: []string{"PersistentReservation"}},
		{name: "enableMultiArchBootImageImport", kubevirt: []string{"MultiArchitecture"}},
		{name: "decentralizedLiveMigration", kubevirt: []string{"DecentralizedLiveMigration"}},
		{name: "declarativeHotplugVolumes"}, // decides between two gates of KubeVirt
	}
	gates17 = append(slices.Clone(gates16),
		gate{name: "videoConfig", enabled: true, kubevirt: []string{"VideoConfig"}},
		gate{name: "objectGraph", kubevirt: []string{"ObjectGraph"}},
	)
	gates18 = []gate{
		{name: "downwardMetrics", kubevirt: []string{"DownwardMetrics"}},
		{name: "deployKubeSecondaryDNS"},
		{name: "disableMDevConfiguration"},
		{name: "persistentReservation", kubevirt: []string{"PersistentReservation"}},
		{name: "enableMultiArchBootImageImport"},
		{name: "decentralizedLiveMigration", enabled: true, kubevirt: []string{"DecentralizedLiveMigration"}},
		{name: "declarativeHotplugVolumes"},
		{name: "videoConfig", enabled: true, kubevirt: []string{"VideoConfig"}},
		{name: "objectGraph", kubevirt: []string{"ObjectGraph"}},
		{name: "incrementalBackup", kubevirt: []string{"IncrementalBackup", "UtilityVolumes"}},
		{name: "containerPathVolumes", kubevirt: []string{"ContainerPathVolumes"}},
	}
	always = []string{"CPUManager", "Snapshot", "ExpandDisks", "HostDevices", "VMExport", "KubevirtSeccompProfile"}
)

// releases are the ones at the head of OKD's channels (hack/config of their tags).
var releases = []Release{
	{
		Version: "1.16.0", KubeVirt: "v1.6.2", CDI: "v1.63.1", NetworkAddons: "v0.100.2", SSP: "v0.24.1",
		HostPath: "v0.22.0", Quota: "v1.6.0", gates: gates16,
		always: append([]string{"CPUManager", "Snapshot", "ExpandDisks", "HostDevices", "VMExport",
			"KubevirtSeccompProfile"}, "VMPersistentState", "InstancetypeReferencePolicy"),
	},
	{
		Version: "1.17.3", KubeVirt: "v1.7.4", CDI: "v1.64.0", NetworkAddons: "v0.101.2", SSP: "v0.24.1",
		HostPath: "v0.24.0", Quota: "v1.6.0", gates: gates17, always: always,
	},
	{
		Version: "1.18.1", KubeVirt: "v1.8.4", CDI: "v1.65.0", NetworkAddons: "v0.102.0", SSP: "v0.25.0",
		HostPath: "v0.25.2", Quota: "v1.8.0", gates: gates18, always: append(slices.Clone(always), "LiveUpdateNADRef"),
		V1: true, mdevField: true,
	},
}

// Releases are the versions that there are, the oldest first.
func Releases() []Release { return slices.Clone(releases) }

// For is the release of a version, which may lack its last part.
func For(version string) (Release, error) {
	var known []string
	for _, r := range releases {
		if r.Version == version || strings.HasPrefix(r.Version, version+".") {
			return r, nil
		}
		known = append(known, r.Version)
	}
	return Release{}, fmt.Errorf("no HyperConverged release %s; there are %s", version, strings.Join(known, ", "))
}
