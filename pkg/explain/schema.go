// Package explain describes the fields of install-config.yaml and virtualization.yaml for people, editors
// and shells. Everything comes from embedded JSON Schemas, which the tests derive
// from pkg/types and compare with what is loaded. A test fails if a schema is
// out of date; `make docs` updates it.
package explain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Document is a file whose fields are described.
type Document struct {
	Resource string // the name of the whole file in paths
	File     string
	Kind     string
	Version  string // of its format
	schema   []byte
}

var (
	//go:embed installconfig.schema.json
	installConfigSchema []byte
	//go:embed virtualization.schema.json
	virtualizationSchema []byte
)

// InstallConfig is install-config.yaml. Its resource has the name of the reference.
func InstallConfig() Document {
	return Document{"installconfig", "install-config.yaml", "InstallConfig", "v1", installConfigSchema}
}

// Virtualization is virtualization.yaml.
func Virtualization() Document {
	return Document{"virtualization", "virtualization.yaml", "Virtualization",
		"virtualization.okd-install.io/v1alpha1", virtualizationSchema}
}

// Documents are all of them.
func Documents() []Document { return []Document{InstallConfig(), Virtualization()} }

// Of is the document that a path is about. Paths begin with the resource; of those that do not, because they are from
// findings, the first field counts.
func Of(path string) Document {
	first, _, _ := strings.Cut(index.ReplaceAllString(path, ""), ".")
	for _, d := range Documents() {
		if strings.EqualFold(first, d.Resource) {
			return d
		}
	}
	for _, d := range Documents() {
		if s, err := d.Load(); err == nil && s.Properties[first] != nil {
			return d
		}
	}
	return InstallConfig()
}

// JSONSchema is the schema of the document, draft 2020-12, as text.
func (d Document) JSONSchema() []byte { return slices.Clone(d.schema) }

// Load returns the schema of the document.
func (d Document) Load() (*Schema, error) {
	s := &Schema{document: &d}
	if err := json.Unmarshal(d.schema, s); err != nil {
		return nil, fmt.Errorf("read the embedded schema of %s: %w", d.File, err)
	}
	return s, nil
}

// Schema is the part of JSON Schema (draft 2020-12) that the files need.
type Schema struct {
	document *Document // of a whole file, and of what Find returns

	Dialect     string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        Types  `json:"type,omitempty"`
	Format      string `json:"format,omitempty"`
	Pattern     string `json:"pattern,omitempty"`
	Enum        []any  `json:"enum,omitempty"`
	Default     any    `json:"default,omitempty"`
	// Deprecated names still work; the description says what replaces them.
	Deprecated bool `json:"deprecated,omitempty"`
	// WriteOnly values are secrets: no command shows them.
	WriteOnly bool `json:"writeOnly,omitempty"`

	// Not is set for a field that must be omitted: no value is allowed.
	Not *struct{} `json:"not,omitempty"`

	Minimum       *int64 `json:"minimum,omitempty"`
	Maximum       *int64 `json:"maximum,omitempty"`
	MaxLength     *int64 `json:"maxLength,omitempty"`
	MinItems      *int64 `json:"minItems,omitempty"`
	MaxItems      *int64 `json:"maxItems,omitempty"`
	MinProperties *int64 `json:"minProperties,omitempty"`
	MaxProperties *int64 `json:"maxProperties,omitempty"`

	Required []string `json:"required,omitempty"`
	// AllOf has an alternative for each required field that also has an old name.
	AllOf      []Alternative      `json:"allOf,omitempty"`
	Properties map[string]*Schema `json:"properties,omitempty"`
	// Additional is false for objects with known fields, otherwise the schema of
	// the values.
	Additional any     `json:"additionalProperties,omitempty"`
	Items      *Schema `json:"items,omitempty"`
}

// Alternative requires one of several fields. The first is the current name.
type Alternative struct {
	AnyOf []Names `json:"anyOf"`
}

// Names lists required fields.
type Names struct {
	Required []string `json:"required"`
}

// Types are the JSON types that a value may have, nearly always one.
type Types []string

// MarshalJSON writes a single type as a string, several as a list.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// UnmarshalJSON reads both forms.
func (t *Types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = Types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// Object returns the schema that has the fields: s, or the items of the list s.
func (s *Schema) Object() *Schema {
	if s.Items != nil {
		return s.Items.Object()
	}
	return s
}

// Fields returns the names of the fields of s in alphabetical order.
func (s *Schema) Fields() []string { return slices.Sorted(maps.Keys(s.Object().Properties)) }

// Requires reports whether a field is required, under this or an old name.
func (s *Schema) Requires(field string) bool {
	o := s.Object()
	return slices.Contains(o.Required, field) || slices.ContainsFunc(o.AllOf, func(a Alternative) bool {
		return slices.Contains(a.AnyOf[0].Required, field)
	})
}

// TypeName returns the type for people, such as []object.
func (s *Schema) TypeName() string {
	if s.Items != nil {
		return "[]" + s.Items.TypeName()
	}
	if len(s.Type) == 0 {
		return "any"
	}
	return s.Type[0]
}
