package types

import (
	"reflect"
	"slices"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/types/decode"
)

// FieldFacts are the facts about a field of InstallConfig or of a struct in it.
// The decoder obeys them, and the tests hold them against what Load does.
func FieldFacts(f reflect.StructField) decode.Facts {
	facts := decode.FieldFacts(f)
	switch f.Tag.Get("enum") {
	case "@capability-sets": // lists that the cluster's own API has
		facts.Enum = capabilitySets()
	case "@capabilities":
		facts.Enum = capabilities()
	}
	return facts
}

func capabilitySets() []string {
	var known []string
	for set := range configv1.ClusterVersionCapabilitySets {
		known = append(known, string(set))
	}
	slices.Sort(known)
	return known
}

func capabilities() []string {
	known := []string{CapabilityClusterAPI, CapabilityCompatibility}
	for _, k := range configv1.KnownClusterVersionCapabilities {
		known = append(known, string(k))
	}
	slices.Sort(known)
	return known
}
