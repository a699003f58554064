package gates

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		version string
		set     configv1.FeatureSet
		gate    configv1.FeatureGateName
		on, has bool
	}{
		{"4.20.0", configv1.Default, "HighlyAvailableArbiter", true, true},
		{"4.22.0", configv1.Default, "HighlyAvailableArbiter", false, false},
		{"4.20.0", configv1.Default, "DualReplica", false, true},
		{"5.0.0", configv1.Default, "DualReplica", true, true},
		{"5.0.0", OKD, "DualReplica", true, true},
		{"4.20.0", configv1.TechPreviewNoUpgrade, "ClusterAPIMachineManagement", false, false},
		{"5.0.0", configv1.TechPreviewNoUpgrade, "ClusterAPIMachineManagement", true, true},
		{"5.0.0", configv1.Default, "ClusterAPIMachineManagement", false, true},
	} {
		state, err := Of(c.version, profile, c.set)
		if err != nil {
			t.Fatal(err)
		}
		if on, has := state[c.gate]; on != c.on || has != c.has {
			t.Errorf("%s %q: gate %s is there: %v, on: %v", c.version, c.set, c.gate, has, on)
		}
	}
}

// TestManifests reads what a release tells about its gates.
func TestManifests(t *testing.T) {
	for version, want := range map[string]string{
		"4.20.0": "featureGate-SelfManagedHA-Default.yaml featureGate-SelfManagedHA-DevPreviewNoUpgrade.yaml " +
			"featureGate-SelfManagedHA-TechPreviewNoUpgrade.yaml",
		"5.0.0": "featureGate-4-10-SelfManagedHA-Default.yaml " +
			"featureGate-4-10-SelfManagedHA-DevPreviewNoUpgrade.yaml " +
			"featureGate-4-10-SelfManagedHA-OKD.yaml featureGate-4-10-SelfManagedHA-TechPreviewNoUpgrade.yaml",
	} {
		files, err := Manifests(version)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name, raw := range files {
			names = append(names, name)
			var gate configv1.FeatureGate
			if err := json.Unmarshal(raw, &gate); err != nil {
				t.Fatal(err)
			}
			if d := gate.Status.FeatureGates; len(d) != 1 || len(d[0].Enabled) < 20 || len(d[0].Disabled) < 5 {
				t.Errorf("%s: %+v", name, d)
			}
			if gate.Annotations["include.release.openshift.io/self-managed-high-availability"] == "true" {
				t.Errorf("%s would be applied", name)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %s\nwant %s", version, got, want)
		}
	}
}
