package types

import (
	"maps"
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
	return sorted(slices.Collect(maps.Keys(configv1.ClusterVersionCapabilitySets)))
}

func capabilities() []string {
	return sorted(configv1.KnownClusterVersionCapabilities, CapabilityClusterAPI, CapabilityCompatibility)
}

func sorted[T ~string](list []T, more ...string) []string {
	for _, item := range list {
		more = append(more, string(item))
	}
	slices.Sort(more)
	return more
}
