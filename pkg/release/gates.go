package release

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// gateSet is the feature gates of one feature set.
type gateSet struct {
	profiles []string // cluster profiles that it applies to, none for all
	set      string   // feature set, empty for the default
	majors   []string // major versions that it applies to, none for all
	gates    map[string]bool
}

// Gates returns the feature gates of a feature set for a cluster profile, and whether each is enabled. It is nil if
// the release does not define the set, as for CustomNoUpgrade.
func (r *Release) Gates(profile, set string) map[string]bool {
	major, _, _ := strings.Cut(r.Version, ".")
	for _, g := range r.gates {
		if g.set == set && (len(g.profiles) == 0 || slices.Contains(g.profiles, profile)) &&
			(len(g.majors) == 0 || slices.Contains(g.majors, major)) {
			return maps.Clone(g.gates)
		}
	}
	return nil
}

// Annotations that say which clusters a manifest applies to.
const (
	profilePrefix = "include.release.openshift.io/"
	majorsKey     = "release.openshift.io/major-version"
)

// parseGates reads the FeatureGate objects of a manifest file. A release has one per profile and feature set.
func parseGates(raw []byte) ([]gateSet, error) {
	type gate struct{ Name string }
	var out []gateSet
	docs := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		var object struct {
			Kind     string
			Metadata struct {
				Name        string
				Annotations map[string]string
			}
			Spec   struct{ FeatureSet string }
			Status struct {
				FeatureGates []struct{ Enabled, Disabled []gate }
			}
		}
		err := docs.Decode(&object)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse a manifest with feature gates: %w", err)
		}
		if object.Kind != "FeatureGate" || object.Metadata.Name != "cluster" || len(object.Status.FeatureGates) == 0 {
			continue
		}
		s := gateSet{set: object.Spec.FeatureSet, gates: map[string]bool{}}
		for key, value := range object.Metadata.Annotations {
			if profile, ok := strings.CutPrefix(key, profilePrefix); ok {
				s.profiles = append(s.profiles, profile)
			}
			if key == majorsKey {
				s.majors = strings.Split(value, ",")
			}
		}
		for _, version := range object.Status.FeatureGates {
			for _, g := range version.Disabled {
				s.gates[g.Name] = false
			}
			for _, g := range version.Enabled {
				s.gates[g.Name] = true
			}
		}
		out = append(out, s)
	}
}
