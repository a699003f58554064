package schema

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/crds"
)

// Definition is a custom resource definition.
type Definition struct {
	Group, Kind, Plural string
	Singular            string // the kind in lower case if empty
	Short, Categories   []string
	Namespaced          bool
	Versions            []Version
	// Convert is the path of the webhook that converts between versions; the lifecycle manager adds who serves it.
	Convert string
	Labels  map[string]string
}

// Version is one version of a kind.
type Version struct {
	Name         string
	Stored       bool
	Spec, Status Schema // nil for a kind without
	Fields       Schema // further ones beside them, as properties
	NoStatus     bool   // no subresource
	Columns      []crds.Column
	Warning      string // of a deprecated version
}

// Name is the definition's name.
func (d Definition) Name() string { return d.Plural + "." + d.Group }

// Object is the definition as the API server takes it.
func (d Definition) Object() *unstructured.Unstructured {
	names := map[string]any{
		"kind": d.Kind, "listKind": d.Kind + "List", "plural": d.Plural, "singular": d.Singular,
	}
	if d.Singular == "" {
		names["singular"] = strings.ToLower(d.Kind)
	}
	if len(d.Short) > 0 {
		names["shortNames"] = d.Short
	}
	if len(d.Categories) > 0 {
		names["categories"] = d.Categories
	}
	scope := "Cluster"
	if d.Namespaced {
		scope = "Namespaced"
	}
	spec := map[string]any{"group": d.Group, "scope": scope, "names": names, "versions": versions(d.Versions)}
	if d.Convert != "" {
		spec["conversion"] = map[string]any{"strategy": "None"}
	}
	metadata := map[string]any{"name": d.Name()}
	if len(d.Labels) > 0 {
		metadata["labels"] = d.Labels
	}
	if strings.HasSuffix(d.Group, ".k8s.io") {
		metadata["annotations"] = map[string]any{"api-approved.kubernetes.io": "unapproved, lab"}
	}
	return plain(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec,
	})
}

// Manifest is the definition in YAML.
func (d Definition) Manifest() []byte {
	out, err := yaml.Marshal(d.Object().Object)
	if err != nil {
		panic(err) // of values that plain has marshalled
	}
	return out
}

func versions(all []Version) []any {
	var out []any
	for _, v := range all {
		fields := map[string]any{
			"apiVersion": Schema{"type": "string"}, "kind": Schema{"type": "string"}, "metadata": Schema{"type": "object"},
		}
		for name, s := range v.Fields {
			fields[name] = s
		}
		if v.Spec != nil {
			fields["spec"] = v.Spec
		}
		if v.Status != nil {
			fields["status"] = v.Status
		}
		o := map[string]any{
			"name": v.Name, "served": true, "storage": v.Stored,
			"schema": map[string]any{"openAPIV3Schema": Schema{"type": "object", "properties": fields}},
		}
		if !v.NoStatus {
			o["subresources"] = map[string]any{"status": map[string]any{}}
		}
		if len(v.Columns) > 0 {
			o["additionalPrinterColumns"] = v.Columns
		}
		if v.Warning != "" {
			o["deprecated"], o["deprecationWarning"] = true, v.Warning
		}
		out = append(out, o)
	}
	return out
}

// plain is an object of nothing but JSON's types.
func plain(o map[string]any) *unstructured.Unstructured {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // of values that are compiled in
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &u.Object); err != nil {
		panic(err)
	}
	return u
}
