// Package derive makes the JSON Schema of install-config.yaml out of pkg/types,
// so that there is one source for what a field is and what it may hold:
//
//   - names and types from the Go types, by reflection;
//   - descriptions from their doc comments, by parsing the source;
//   - defaults, required fields and allowed values from types.Load, by asking it
//     about small variations of install-configs that it accepts;
//   - patterns and bounds, which nobody can ask for, from the table in rules.go;
//     a test puts values on both sides of each of them into types.Load.
//
// It runs when the schema is written and tested, never in the installer.
package derive

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Schema derives the schema of install-configs for some platforms. The source of
// the program is in the directory root.
func Schema(root string, platforms []types.PlatformKind) (*explain.Schema, error) {
	w, err := newWalker(root, platforms)
	if err != nil {
		return nil, err
	}
	schema := w.root()
	for key := range rules {
		if w.used[key] == nil {
			w.errs = append(w.errs, fmt.Errorf("rules.go has %s, which is no field", key))
		}
	}
	return schema, errors.Join(w.errs...)
}

// root is the schema of the whole file.
func (w *walker) root() *explain.Schema {
	root := w.object(reflect.TypeFor[types.InstallConfig](), nil)
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "install-config.yaml"
	text, err := w.docs.of(reflect.TypeFor[types.InstallConfig](), "", "")
	if err != nil {
		w.errs = append(w.errs, err)
	}
	root.Description, _, _ = strings.Cut(text, "\n") // the rest is for programmers
	if err := applyDefaults(root, w.probe); err != nil {
		w.errs = append(w.errs, err)
	}
	w.settle(root, nil)
	return root
}

// walker goes through the types, with what it looks things up in.
type walker struct {
	docs  comments
	probe *prober
	kinds []types.PlatformKind
	used  map[string][]path          // by key of rules, where they apply
	tags  map[*explain.Schema]string // the defaults of the struct tags
	old   int                        // how many deprecated fields we are in: the bases have none
	errs  []error
}

func newWalker(root string, platforms []types.PlatformKind) (*walker, error) {
	probe, err := newProber(platforms)
	if err != nil {
		return nil, err
	}
	return &walker{
		docs: comments{root: root, texts: map[string]map[string]string{}}, probe: probe, kinds: platforms,
		used: map[string][]path{}, tags: map[*explain.Schema]string{},
	}, nil
}

// object is the schema of a struct at a path.
func (w *walker) object(t reflect.Type, at path) *explain.Schema {
	s := &explain.Schema{Type: explain.Types{"object"}, Additional: false, Properties: map[string]*explain.Schema{}}
	renamed := map[string][]explain.Names{} // by the current name, the old ones
	for f := range fields(t) {
		facts := types.FieldFacts(f)
		child := at.child(facts.Name)
		text, err := w.docs.of(t, f.Name, facts.Name)
		if err != nil || text == "" {
			w.errs = append(w.errs, fmt.Errorf("%s (%s.%s) has no doc comment: %w", child, t, f.Name, err))
		}
		s.Properties[facts.Name] = w.field(typeName(t), f.Type, facts, text, child)
		if facts.RenamedTo != "" {
			renamed[facts.RenamedTo] = append(renamed[facts.RenamedTo], explain.Names{Required: []string{facts.Name}})
		}
		required, known := w.probe.required(child)
		if facts.Required && known && !required && w.old == 0 {
			w.errs = append(w.errs, fmt.Errorf("%s: the tag says that it is required, Load does without", child))
		}
		if (required || facts.Required) && !slices.Contains(sometimes, child.String()) {
			s.Required = append(s.Required, facts.Name)
		}
	}
	s.Required = slices.DeleteFunc(s.Required, func(name string) bool {
		old := renamed[name]
		if len(old) > 0 {
			s.AllOf = append(s.AllOf, explain.Alternative{AnyOf: append([]explain.Names{{Required: []string{name}}}, old...)})
		}
		return len(old) > 0
	})
	return s
}

// platforms is the schema of settings by the names of platforms.
func (w *walker) platforms(at path, of func(types.PlatformKind) (any, string)) *explain.Schema {
	s := &explain.Schema{Type: explain.Types{"object"}, Additional: false, Properties: map[string]*explain.Schema{}}
	for _, kind := range w.kinds {
		if settings, help := of(kind); settings != nil {
			facts := decode.Facts{Name: kind.Name}
			s.Properties[kind.Name] = w.field("", reflect.TypeOf(settings), facts, kind.Name+" "+help, at.child(kind.Name))
		}
	}
	return s
}

// typeName is how rules.go calls a type: those of platforms have the name of the
// platform in front.
func typeName(t reflect.Type) string {
	if _, below, ok := strings.Cut(t.PkgPath(), "/pkg/platforms/"); ok {
		platform, _, _ := strings.Cut(below, "/")
		return platform + "." + t.Name()
	}
	return t.Name()
}

// sometimes are fields that are required or not by what is in others.
var sometimes = []string{"platform.baremetal.hosts"} // without the machine API there are no hosts to register

// field is the schema of a field of type t in a struct.
func (w *walker) field(in string, t reflect.Type, facts decode.Facts, text string, at path) *explain.Schema {
	if facts.Deprecated {
		w.old++
		defer func() { w.old-- }()
	}
	before := len(w.errs)
	s := w.value(t, at)
	w.tags[s] = facts.Default
	s.Deprecated, s.WriteOnly, s.Description = facts.Deprecated, facts.Secret, text
	if len(facts.Enum) > 0 {
		w.choice(s, facts.Enum, at)
	}
	if !facts.Deprecated && w.probe.refused(at, s) {
		w.forget(at, before)
		none := &explain.Schema{Description: s.Description, Type: s.Type, Not: &struct{}{}}
		if s.Items != nil {
			none.Items = &explain.Schema{Type: s.Items.Type}
		}
		return none
	}
	for _, key := range []string{in + "." + facts.Name, strings.ReplaceAll(strings.Join(at, "."), ".[]", "[]")} {
		if rules[key].set != nil {
			w.used[key] = append(w.used[key], at)
			rules[key].set(s)
		}
	}
	return s
}

// forget drops what was noted below a field that must be left out.
func (w *walker) forget(at path, errs int) {
	w.errs = w.errs[:errs]
	for key, list := range w.used {
		w.used[key] = slices.DeleteFunc(list, func(p path) bool { return within(p.String(), at.String()) })
	}
}

// choice notes the values that a field may have: those of its tag that Load
// takes on any platform. It has to refuse all others.
func (w *walker) choice(s *explain.Schema, tag []string, at path) {
	if s.Items != nil {
		s, at = s.Items, at.child("[]")
	}
	for _, text := range tag {
		if v := typed(text, s.Type[0]); w.probe.accepts(at, v) {
			s.Enum = append(s.Enum, v)
		}
	}
	if v := odd[s.Type[0]]; w.probe.accepts(at, v) {
		w.errs = append(w.errs, fmt.Errorf("%s: Load accepts %v, which is not in the tag's %q", at, v, tag))
	}
}

// value is the schema of anything at a path.
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
		return w.platforms(at, func(k types.PlatformKind) (any, string) { return k.New(), k.Help })
	case t == reflect.TypeFor[types.MachinePoolPlatform]():
		return w.platforms(at, func(k types.PlatformKind) (any, string) {
			if k.NewPool == nil {
				return nil, ""
			}
			return k.NewPool(), k.PoolHelp
		})
	case t.Kind() == reflect.Struct:
		return w.object(t, at)
	case t.Kind() == reflect.Slice:
		s.Type, s.Items = explain.Types{"array"}, w.value(t.Elem(), at.child("[]"))
		return s
	case t.Kind() == reflect.Interface: // anything
	case t.Kind() == reflect.Map:
		s.Type = explain.Types{"object"}
		s.Additional = true
		if t.Elem().Kind() != reflect.Interface {
			s.Additional = map[string]any{"type": jsonType(t.Elem().Kind())}
		}
		return s
	default:
		kind := jsonType(t.Kind())
		if kind == "" {
			w.errs = append(w.errs, fmt.Errorf("%s: no JSON type for Go type %s", at, t))
		}
		s.Type = explain.Types{kind}
		if strings.HasPrefix(t.Kind().String(), "uint") {
			s.Minimum = new(int64)
		}
	}
	return s
}

// formats are the Go types whose text has a form of its own. The names are what
// the reference prints.
var formats = map[string]struct{ name, pattern string }{
	"netip.Addr":   {"ip", `^[0-9a-fA-F:.]+$`},
	"netip.Prefix": {"cidr", `^[0-9a-fA-F:.]+/[0-9]{1,3}$`},
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

// path is where a value is: names of fields, and [] for the items of a list.
type path []string

func (p path) child(name string) path { return append(slices.Clone(p), name) }

// String is the path as a finding about the first item would have it.
func (p path) String() string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(p, "."), ".[]", "[0]"), "[]", "[0]")
}

var platformPart = regexp.MustCompile(`(?:^|\.)platform\.([a-z]+)`)

// platforms are those with which a field at the path can be used.
func (p *prober) platforms(at path) []string {
	if m := platformPart.FindStringSubmatch(at.String()); m != nil {
		return []string{m[1]}
	}
	return types.Names(p.kinds, func(types.PlatformKind) bool { return true })
}
