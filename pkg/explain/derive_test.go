package explain_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// deriveSchema makes the JSON Schema of a file from its Go type and the
// platforms. Names and types come from the Go types, descriptions from their doc
// comments in the source below the directory root, and defaults, allowed values,
// limits and patterns from the struct tags that decode.Facts describes. What a tag
// cannot say is in exceptions_test.go.
func deriveSchema(
	root string, d explain.Document, of any, platforms []types.PlatformKind,
) (*explain.Schema, error) {
	w := &walker{docs: comments{root: root, texts: map[string]map[string]string{}}, platforms: platforms}
	schema := w.object(reflect.TypeOf(of), nil)
	schema.Dialect = "https://json-schema.org/draft/2020-12/schema"
	schema.Title = d.File
	text := w.comment(reflect.TypeOf(of), "", "")
	schema.Description, _, _ = strings.Cut(text, "\n") // the rest is for programmers
	return schema, errors.Join(w.errs...)
}

// walker walks through the types.
type walker struct {
	docs      comments
	platforms []types.PlatformKind
	old       int // how many deprecated fields we are in
	errs      []error
}

// object is the schema of a struct at a path.
func (w *walker) object(t reflect.Type, at path) *explain.Schema {
	s := &explain.Schema{Type: explain.Types{"object"}, Additional: false, Properties: map[string]*explain.Schema{}}
	renamed := map[string][]explain.Names{} // by the current name, the old ones
	for f := range fields(t) {
		facts := types.FieldFacts(f)
		child := at.child(facts.Name)
		required := facts.Required || slices.Contains(alsoRequired, child.String())
		s.Properties[facts.Name] = w.field(f.Type, facts, required, w.comment(t, f.Name, facts.Name), child)
		if facts.RenamedTo != "" {
			renamed[facts.RenamedTo] = append(renamed[facts.RenamedTo], explain.Names{Required: []string{facts.Name}})
		}
		if required {
			s.Required = append(s.Required, facts.Name)
		}
	}
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool {
		old := renamed[name]
		if len(old) > 0 {
			current := explain.Names{Required: []string{name}}
			s.AllOf = append(s.AllOf, explain.Alternative{AnyOf: append([]explain.Names{current}, old...)})
		}
		return len(old) > 0
	})
	return s
}

// settings is the schema of an object with a field per platform.
func (w *walker) settings(at path, of func(types.PlatformKind) (any, string)) *explain.Schema {
	s := &explain.Schema{Type: explain.Types{"object"}, Additional: false, Properties: map[string]*explain.Schema{}}
	for _, kind := range w.platforms {
		settings, help := of(kind)
		if settings == nil {
			continue
		}
		facts := decode.Facts{Name: kind.Name, Refused: at[0] == "arbiter" && !kind.Arbiters}
		s.Properties[kind.Name] = w.field(reflect.TypeOf(settings), facts, false, kind.Name+" "+help, at.child(kind.Name))
	}
	return s
}

// field is the schema of a field of type t.
func (w *walker) field(t reflect.Type, facts decode.Facts, required bool, text string, at path) *explain.Schema {
	if facts.Refused || slices.Contains(alsoRefused, at.String()) {
		return w.refused(t, text, at)
	}
	if facts.Deprecated {
		w.old++
		defer func() { w.old-- }()
	}
	s := w.value(t, at)
	s.Deprecated, s.WriteOnly, s.Description = facts.Deprecated, facts.Secret, text
	limit(s, facts)
	if set := exceptions[at.String()]; set != nil {
		set(s)
	}
	if required { // a required field has no default
		s.Description = cut(s.Description, defaultSentence.FindString(s.Description))
	} else {
		w.assume(s, facts, at)
	}
	w.shorten(s, at)
	return s
}

// refused is the schema of a field that must be omitted.
func (w *walker) refused(t reflect.Type, text string, at path) *explain.Schema {
	s := w.value(t, at)
	out := &explain.Schema{Description: text, Type: s.Type, Not: &struct{}{}}
	if s.Items != nil {
		out.Items = &explain.Schema{Type: s.Items.Type}
	}
	w.shorten(out, at)
	return out
}

// limit sets the limits and allowed values of the tags.
func limit(s *explain.Schema, facts decode.Facts) {
	each := s
	if s.Items != nil {
		each = s.Items
	}
	for _, v := range facts.Enum {
		each.Enum = append(each.Enum, typed(v, each.Type[0]))
	}
	if facts.OrEmpty {
		each.Enum = append(each.Enum, "")
	}
	if facts.Pattern != "" {
		each.Pattern = patterns[facts.Pattern]
	}
	if facts.Nullable {
		s.Type = append(s.Type, "null")
	}
	if facts.Min != nil {
		s.Minimum = facts.Min
	}
	s.Maximum, s.MaxLength, s.MaxItems = facts.Max, facts.MaxLength, facts.MaxItems
}

// assume sets the default, except for defaultMachinePlatform, whose defaults are
// those of the pools.
func (w *walker) assume(s *explain.Schema, facts decode.Facts, at path) {
	if w.old > 0 || slices.Contains(at, "defaultMachinePlatform") {
		return
	}
	if facts.Default != "" && facts.Default != "false" && s.Default == nil {
		s.Default = typed(facts.Default, s.Type[0])
	}
	for _, kind := range w.platforms {
		if v, ok := kind.Defaults[at.String()]; ok {
			s.Default = plain(v)
		}
	}
}

// plain converts a value to the types of JSON.
func plain(v any) (out any) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic("derive: a default: " + err.Error())
	}
	return out
}

// typed parses a value in a tag.
func typed(text, kind string) any {
	switch kind {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic("derive: a tag of an integer: " + err.Error())
		}
		return n
	case "boolean":
		return text == "true"
	}
	return text
}

// value is the schema of a type at a path.
func (w *walker) value(t reflect.Type, at path) *explain.Schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &explain.Schema{}
	switch {
	case t == reflect.TypeFor[secret.String]():
		s.Type = explain.Types{"string"}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		s.Type = explain.Types{"string"}
		if f, known := formats[t.String()]; known {
			s.Format, s.Pattern = f.name, f.pattern
		} else {
			w.errs = append(w.errs, fmt.Errorf("%s: no format for Go type %s", at, t))
		}
	case t == reflect.TypeFor[types.Platform]():
		s = w.settings(at, func(k types.PlatformKind) (any, string) { return k.New(), k.Help })
		one := int64(1)
		s.MinProperties, s.MaxProperties = &one, &one
	case t == reflect.TypeFor[types.MachinePoolPlatform]():
		return w.settings(at, func(k types.PlatformKind) (any, string) {
			if k.NewPool == nil {
				return nil, ""
			}
			return k.NewPool(), k.PoolHelp
		})
	case t.Kind() == reflect.Struct:
		return w.object(t, at)
	case t.Kind() == reflect.Slice:
		s.Type, s.Items = explain.Types{"array"}, w.value(t.Elem(), at.child("[]"))
	case t.Kind() == reflect.Interface: // anything
	case t.Kind() == reflect.Map:
		s.Type, s.Additional = explain.Types{"object"}, true
		if t.Elem().Kind() != reflect.Interface {
			s.Additional = map[string]any{"type": jsonType(t.Elem().Kind())}
		}
	default:
		kind := jsonType(t.Kind())
		if kind == "" {
			w.errs = append(w.errs, fmt.Errorf("%s: no JSON type for Go type %s", at, t))
		}
		s.Type = explain.Types{kind}
	}
	return s
}

// formats has the formats of Go types that are strings in YAML, with the names of
// the reference.
var formats = map[string]struct{ name, pattern string }{
	"netip.Addr":   {"ip", `^[0-9a-fA-F:.]+$`},
	"netip.Prefix": {"cidr", `^[0-9a-fA-F:.]+/[0-9]{1,3}$`},
	// JSON Schema has a format of durations, but another one.
	"virtualization.Duration": {"", `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`},
}

func jsonType(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return "integer"
	}
	return ""
}

// fields yields the fields of a struct that are keys in YAML.
func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if name := types.FieldFacts(f).Name; f.IsExported() && name != "" && name != "-" && !yield(f) {
				return
			}
		}
	}
}

// path is the path of a value: names of fields, and [] for the items of a list.
type path []string

func (p path) child(name string) path { return append(slices.Clone(p), name) }

// String is the path in the documentation, such as compute[].name.
func (p path) String() string { return strings.ReplaceAll(strings.Join(p, "."), ".[]", "[]") }
