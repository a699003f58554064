// Package crds has the definitions of OpenShift's kinds without their schemas, which
// cost the API server CPU and memory; docs/dev/lab-release.md lists the difference.
package crds

import (
	"cmp"
	_ "embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Kind is one custom resource definition.
type Kind struct {
	Level      string   `json:"level"` // first part of the manifest's name: run level and component
	Group      string   `json:"group"`
	Version    string   `json:"version"`
	Kind       string   `json:"kind"`
	Plural     string   `json:"plural"`
	Alone      string   `json:"singular"` // if it is not the kind in lower case
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

//go:embed definition.yaml.tmpl
var template []byte

// Manifest is the kind's definition in YAML.
func (k Kind) Manifest() ([]byte, error) { return program.Fill("definition of "+k.Name(), template, k) }

// Singular is the kind's name for one object.
func (k Kind) Singular() string { return cmp.Or(k.Alone, strings.ToLower(k.Kind)) }

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
