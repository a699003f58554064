package configrender

import (
	"fmt"
	"os"
	"path/filepath"

	configv1 "github.com/openshift/api/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/release/gates"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// completeFeatureGates fills in the gates that the feature set of a manifest enables.
func completeFeatureGates(dir, profile, version string) error {
	files, err := api.ReadFiles(dir)
	if err != nil {
		return err
	}
	found := false
	for _, f := range files {
		var gate configv1.FeatureGate
		err := yaml.Unmarshal(f.Data, &gate)
		if err != nil || gate.Kind != "FeatureGate" || gate.APIVersion != configv1.GroupVersion.String() {
			continue // lists and files of several documents are for other readers
		}
		if err := completeFeatureGate(filepath.Join(dir, f.Name), gate, profile, version); err != nil {
			return fmt.Errorf("complete feature gates in %s: %w", f.Name, err)
		}
		found = true
	}
	if !found {
		return fmt.Errorf("no FeatureGate among the manifests in %s; the installer writes 99_feature-gate.yaml", dir)
	}
	return nil
}

func completeFeatureGate(path string, gate configv1.FeatureGate, profile, version string) error {
	chosen, err := details(profile, version, gate.Spec)
	if err != nil {
		return err
	}
	gate.Status.FeatureGates = []configv1.FeatureGateDetails{chosen}
	out, err := yaml.Marshal(gate)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, out, info.Mode().Perm())
}

// details are the gates that a FeatureGate's spec chooses.
func details(profile, version string, spec configv1.FeatureGateSpec) (configv1.FeatureGateDetails, error) {
	state, err := gates.Of(version, profile, spec.FeatureSet)
	if err != nil {
		return configv1.FeatureGateDetails{}, err
	}
	if spec.CustomNoUpgrade != nil {
		for _, n := range spec.CustomNoUpgrade.Enabled {
			state[n] = true
		}
		for _, n := range spec.CustomNoUpgrade.Disabled {
			state[n] = false
		}
	}
	return gates.Details(version, state), nil
}
