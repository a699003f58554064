// Package explain describes the fields of install-config.yaml: to people, to
// editors, to shells. It knows no field itself. The JSON Schema that it embeds
// is derived from pkg/types (see internal/derive): the texts from the doc
// comments there, what is required, allowed and assumed from what types.Load
// does. A test fails while the two differ; `make docs` brings them together.
package explain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Resource is how users name the whole file, as the reference has it.
const Resource = "installconfig"

//go:embed installconfig.schema.json
var embedded []byte

// JSONSchema is the schema of install-config.yaml, draft 2020-12, as text.
func JSONSchema() []byte { return slices.Clone(embedded) }

// Load returns the schema of install-config.yaml.
func Load() (*Schema, error) {
	s := &Schema{}
	if err := json.Unmarshal(embedded, s); err != nil {
		return nil, fmt.Errorf("read the embedded schema: %w", err)
	}
	return s, nil
}

// Schema is the part of JSON Schema (draft 2020-12) that describing an
// install-config takes.
type Schema struct {
	Dialect     string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        Types  `json:"type,omitempty"`
	Format      string `json:"format,omitempty"`
	Pattern     string `json:"pattern,omitempty"`
	Enum        []any  `json:"enum,omitempty"`
	Default     any    `json:"default,omitempty"`
	// Deprecated names still work; the description says what to write instead.
	Deprecated bool `json:"deprecated,omitempty"`
	// WriteOnly values are secrets: no command shows them.
	WriteOnly bool `json:"writeOnly,omitempty"`

	// Not is set where a field has to be left out: nothing is allowed there.
	Not *struct{} `json:"not,omitempty"`

	Minimum       *int64 `json:"minimum,omitempty"`
	Maximum       *int64 `json:"maximum,omitempty"`
	MaxLength     *int64 `json:"maxLength,omitempty"`
	MinItems      *int64 `json:"minItems,omitempty"`
	MaxItems      *int64 `json:"maxItems,omitempty"`
	MinProperties *int64 `json:"minProperties,omitempty"`
	MaxProperties *int64 `json:"maxProperties,omitempty"`

	Required []string `json:"required,omitempty"`
	// AllOf holds one alternative for each required field that has an old name,
	// since either will do.
	AllOf      []Alternative      `json:"allOf,omitempty"`
	Properties map[string]*Schema `json:"properties,omitempty"`
	// Additional is false for objects of known fields, and otherwise what the
	// values of any key must be.
	Additional any     `json:"additionalProperties,omitempty"`
	Items      *Schema `json:"items,omitempty"`
}

// Alternative requires one of several fields. The first is the current name.
type Alternative struct {
	AnyOf []Names `json:"anyOf"`
}

// Names are required fields.
type Names struct {
	Required []string `json:"required"`
}

// Types are the JSON types that a value may have, nearly always one.
type Types []string

// MarshalJSON writes a single type as the plain word that it usually is.
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

// Object is where the fields of s are: s itself, or the items of the list s.
func (s *Schema) Object() *Schema {
	if s.Items != nil {
		return s.Items.Object()
	}
	return s
}

// Fields are the names of the fields of s in alphabetical order.
func (s *Schema) Fields() []string { return slices.Sorted(maps.Keys(s.Object().Properties)) }

// Requires says whether a field has to be there, under this or an older name.
func (s *Schema) Requires(field string) bool {
	o := s.Object()
	return slices.Contains(o.Required, field) || slices.ContainsFunc(o.AllOf, func(a Alternative) bool {
		return slices.Contains(a.AnyOf[0].Required, field)
	})
}

// TypeName is the type as people write it, as in []object.
func (s *Schema) TypeName() string {
	if s.Items != nil {
		return "[]" + s.Items.TypeName()
	}
	if len(s.Type) == 0 {
		return "any"
	}
	return s.Type[0]
}
