package types

import (
	"reflect"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Facts are what the schema knows about a field besides its Go type and its doc
// comment. They come from the struct tags, which the decoder obeys and the
// tests hold against what Load does.
type Facts struct {
	// Name is the key in YAML.
	Name string
	// Required says that an install-config without it is refused.
	Required bool
	// Default is the value that an absent field gets, empty if there is none that
	// is always the same.
	Default string
	// Enum is the allowed values, nil if it is not a choice. For a list they are
	// those of its items.
	Enum []string
	// Secret says that the value must not be shown.
	Secret bool
	// Deprecated says that the key is of an old form of the file.
	Deprecated bool
	// RenamedTo is the key that took its place. A deprecated key without it means
	// nothing any more.
	RenamedTo string
}

// FieldFacts are the facts about a field of InstallConfig or of a struct in it.
func FieldFacts(f reflect.StructField) Facts {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	renamed, deprecated := f.Tag.Lookup("renamed")
	return Facts{
		Name:       name,
		Required:   f.Tag.Get("required") == "true",
		Default:    f.Tag.Get("default"),
		Enum:       choices(f.Tag.Get("enum")),
		Secret:     f.Type == reflect.TypeFor[secret.String](),
		Deprecated: deprecated,
		RenamedTo:  renamed,
	}
}

// choices are the values that an enum tag allows. Those that start with @ are
// lists that the cluster's own API has.
func choices(tag string) []string {
	switch tag {
	case "":
		return nil
	case "@capability-sets":
		return sorted(configv1.ClusterVersionCapabilitySets)
	case "@capabilities":
		var known []string
		for _, k := range configv1.KnownClusterVersionCapabilities {
			known = append(known, string(k))
		}
		known = append(known, capabilityClusterAPI, capabilityCompatibility)
		slices.Sort(known)
		return known
	}
	return strings.Split(tag, ",")
}

func sorted[K ~string, V any](m map[K]V) []string {
	var out []string
	for k := range m {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}
