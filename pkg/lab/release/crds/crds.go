// Package crds has the custom resource definitions of the lab release: the
// names, scopes and subresources of OpenShift's kinds, without their schemas.
// A schema costs the API server CPU and memory for every kind, and the lab
// counts both; docs/dev/lab-release.md lists it among the differences.
package crds

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/data"
)

// Kind is one custom resource definition.
type Kind struct {
	Level      string   `json:"level"` // first part of the manifest's name: run level and component
	Group      string   `json:"group"`
	Version    string   `json:"version"`
	Kind       string   `json:"kind"`
	Plural     string   `json:"plural"`
	Short      []string `json:"short"`
	Namespaced bool     `json:"namespaced"`
	NoStatus   bool     `json:"noStatus"` // OpenShift has no status subresource here
	Columns    []Column `json:"columns"`
}

// Column is what kubectl prints besides name and age.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Path string `json:"jsonPath"`
}

// Name is the definition's name.
func (k Kind) Name() string { return k.Plural + "." + k.Group }

// File is the name of the kind's manifest, as in OKD's payload.
func (k Kind) File() string { return fmt.Sprintf("%s_01_%s.crd.yaml", k.Level, k.Plural) }

// Manifest is the kind's definition in YAML.
func (k Kind) Manifest() ([]byte, error) {
	version := map[string]any{
		"name": k.Version, "served": true, "storage": true,
		"schema": map[string]any{"openAPIV3Schema": map[string]any{
			"type":                                 "object",
			"x-kubernetes-preserve-unknown-fields": true,
		}},
	}
	if !k.NoStatus {
		version["subresources"] = map[string]any{"status": map[string]any{}}
	}
	if len(k.Columns) > 0 {
		version["additionalPrinterColumns"] = k.Columns
	}
	names := map[string]any{
		"kind": k.Kind, "listKind": k.Kind + "List", "plural": k.Plural, "singular": strings.ToLower(k.Kind),
	}
	if len(k.Short) > 0 {
		names["shortNames"] = k.Short
	}
	scope := "Cluster"
	if k.Namespaced {
		scope = "Namespaced"
	}
	object := map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata": map[string]any{
			"name": k.Name(),
			"annotations": map[string]any{
				"include.release.openshift.io/self-managed-high-availability": "true",
				"release.openshift.io/bootstrap-required":                     "true",
				// OpenShift's groups are protected names of kubernetes/community.
				"api-approved.openshift.io": "https://github.com/openshift/api",
			},
		},
		"spec": map[string]any{
			"group": k.Group, "scope": scope, "names": names, "versions": []any{version},
		},
	}
	out, err := yaml.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode definition of %s: %w", k.Name(), err)
	}
	return out, nil
}

// Select returns the kinds that keep accepts.
func Select(keep func(Kind) bool) []Kind {
	return slices.DeleteFunc(All(), func(k Kind) bool { return !keep(k) })
}

// All are the definitions of the release, from data/lab/kinds.yaml.
func All() []Kind {
	var kinds []Kind
	raw, err := fs.ReadFile(data.Lab(), "kinds.yaml")
	if err == nil {
		err = yaml.UnmarshalStrict(raw, &kinds)
	}
	if err != nil {
		panic(err) // it is compiled in
	}
	for i := range kinds {
		kinds[i].Version = cmp.Or(kinds[i].Version, "v1")
	}
	return kinds
}
