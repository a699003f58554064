package configrender

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/api/features"
	"sigs.k8s.io/yaml"
)

// completeFeatureGates fills status.featureGates of every FeatureGate manifest
// in dir: which gates the release enables for the chosen feature set.
func completeFeatureGates(dir, profile, version string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the installer's manifests: %w", err)
	}
	found := false
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		done, err := completeFeatureGate(path, profile, version)
		if err != nil {
			return fmt.Errorf("complete feature gates in %s: %w", path, err)
		}
		found = found || done
	}
	if !found {
		return fmt.Errorf("no FeatureGate among the manifests in %s; the installer writes 99_feature-gate.yaml", dir)
	}
	return nil
}

func completeFeatureGate(path, profile, version string) (bool, error) {
	data, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(data), "FeatureGate") {
		return false, err
	}
	var gate configv1.FeatureGate
	if err := yaml.Unmarshal(data, &gate); err != nil || gate.Kind != "FeatureGate" || gate.APIVersion != configv1.GroupVersion.String() {
		// Not ours: lists and multi-document files are for other readers.
		return false, nil
	}
	enabled, disabled, err := gates(profile, gate.Spec)
	if err != nil {
		return false, err
	}
	gate.Status.FeatureGates = []configv1.FeatureGateDetails{{Version: version, Enabled: enabled, Disabled: disabled}}
	out, err := yaml.Marshal(gate)
	if err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, os.WriteFile(path, out, info.Mode().Perm())
}

// gates lists the gates of a feature set, by name.
func gates(profile string, spec configv1.FeatureGateSpec) (enabled, disabled []configv1.FeatureGateAttributes, err error) {
	set := spec.FeatureSet
	// A custom set starts from Default; OKD differs from it only in components
	// that the lab has none of.
	if set == "OKD" || set == configv1.CustomNoUpgrade {
		set = configv1.Default
	}
	all, err := features.FeatureSets(features.ClusterProfileName("include.release.openshift.io/"+profile), set)
	if err != nil {
		return nil, nil, fmt.Errorf("feature set %q of profile %q: %w", set, profile, err)
	}
	state := map[configv1.FeatureGateName]bool{}
	for _, g := range all.Enabled {
		state[g.FeatureGateAttributes.Name] = true
	}
	for _, g := range all.Disabled {
		state[g.FeatureGateAttributes.Name] = false
	}
	if spec.CustomNoUpgrade != nil {
		for _, n := range spec.CustomNoUpgrade.Enabled {
			state[n] = true
		}
		for _, n := range spec.CustomNoUpgrade.Disabled {
			state[n] = false
		}
	}
	names := make([]configv1.FeatureGateName, 0, len(state))
	for n := range state {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if state[n] {
			enabled = append(enabled, configv1.FeatureGateAttributes{Name: n})
		} else {
			disabled = append(disabled, configv1.FeatureGateAttributes{Name: n})
		}
	}
	return enabled, disabled, nil
}
