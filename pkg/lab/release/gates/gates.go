// Package gates says which feature gates each feature set of a release turns on.
// Most come from OpenShift's API; where releases differ there is a table here.
package gates

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/api/features"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// OKD is the feature set of that name, since 4.22.
const OKD configv1.FeatureSet = "OKD"

// preview are the sets with unfinished features.
var preview = []configv1.FeatureSet{configv1.TechPreviewNoUpgrade, configv1.DevPreviewNoUpgrade}

// drift is how a gate of a release differs from the linked API's.
type drift struct {
	gate  configv1.FeatureGateName
	since string
	gone  bool                  // the release has no such gate any more
	on    []configv1.FeatureSet // nil: in all sets
}

// Later lines win.
var drifts = []drift{
	{gate: "HighlyAvailableArbiter", since: "4.22", gone: true},
	{gate: "DualReplica", since: "4.22"},
	{gate: "CRDCompatibilityRequirementOperator", since: "4.21", on: preview},
	{gate: "OnPremDNSRecords", since: "4.22", on: preview},
	{gate: "ClusterAPIMachineManagement", since: "5.0", on: preview},
	{gate: "ConfigurablePKI", since: "5.0", on: preview},
}

// Sets are the feature sets of a release.
func Sets(version string) []configv1.FeatureSet {
	sets := append([]configv1.FeatureSet{configv1.Default}, preview...)
	if contract.Since(version, "4.22") {
		sets = append(sets, OKD)
	}
	return sets
}

// Of lists the gates of a feature set by name, and whether they are on.
func Of(version, profile string, set configv1.FeatureSet) (map[configv1.FeatureGateName]bool, error) {
	// A custom set starts from Default; OKD differs in components the lab has not.
	if set == OKD || set == configv1.CustomNoUpgrade {
		set = configv1.Default
	}
	all, err := features.FeatureSets(features.ClusterProfileName("include.release.openshift.io/"+profile), set)
	if err != nil {
		return nil, fmt.Errorf("feature set %q of profile %q: %w", set, profile, err)
	}
	state := map[configv1.FeatureGateName]bool{}
	for _, g := range all.Enabled {
		state[g.FeatureGateAttributes.Name] = true
	}
	for _, g := range all.Disabled {
		state[g.FeatureGateAttributes.Name] = false
	}
	for _, d := range drifts {
		switch {
		case !contract.Since(version, d.since):
		case d.gone:
			delete(state, d.gate)
		default:
			state[d.gate] = d.on == nil || slices.Contains(d.on, set)
		}
	}
	return state, nil
}

// Details are the gates of a release in the form of a FeatureGate's status.
func Details(version string, state map[configv1.FeatureGateName]bool) configv1.FeatureGateDetails {
	d := configv1.FeatureGateDetails{
		Version: version, Enabled: []configv1.FeatureGateAttributes{}, Disabled: []configv1.FeatureGateAttributes{},
	}
	for n, on := range state {
		list := &d.Disabled
		if on {
			list = &d.Enabled
		}
		*list = append(*list, configv1.FeatureGateAttributes{Name: n})
	}
	for _, list := range [][]configv1.FeatureGateAttributes{d.Enabled, d.Disabled} {
		slices.SortFunc(list, func(a, b configv1.FeatureGateAttributes) int { return cmp.Compare(a.Name, b.Name) })
	}
	return d
}

// profileFile is how the default cluster profile is called in names of files.
const (
	profile     = "self-managed-high-availability"
	profileFile = "SelfManagedHA"
)

// Manifests are the files by which a release tells its gates, by name.
func Manifests(version string) (map[string][]byte, error) {
	// Since 4.22 one payload may have others for later major versions.
	majors, prefix := "", "featureGate-"
	if contract.Since(version, "4.22") {
		majors, prefix = "4,5,6,7,8,9,10", "featureGate-4-10-"
	}
	out := map[string][]byte{}
	for _, set := range Sets(version) {
		state, err := Of(version, profile, set)
		if err != nil {
			return nil, err
		}
		gate := configv1.FeatureGate{}
		gate.APIVersion, gate.Kind, gate.Name = configv1.GroupVersion.String(), "FeatureGate", "cluster"
		gate.Annotations = map[string]string{
			"include.release.openshift.io/" + profile: "false-except-for-the-config-operator",
		}
		name := string(set)
		if set == configv1.Default {
			name = "Default"
		} else {
			gate.Annotations["release.openshift.io/feature-set"] = name
		}
		if majors != "" {
			gate.Annotations["release.openshift.io/major-version"] = majors
		}
		gate.Spec.FeatureSet = set
		gate.Status.FeatureGates = []configv1.FeatureGateDetails{Details("", state)}
		raw, err := json.MarshalIndent(gate, "", "    ")
		if err != nil {
			return nil, fmt.Errorf("encode feature set %s: %w", name, err)
		}
		out[prefix+profileFile+"-"+name+".yaml"] = append(raw, '\n')
	}
	return out, nil
}
