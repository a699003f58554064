// Package decode reads YAML into Go structs. Unlike the libraries' decoders it
// goes on after an error, remembers where every field is, refuses unknown keys
// with a guess, and is bounded in size, depth and number of values.
//
// A struct is the schema of a mapping: the json tag of a field is its key, and
// FieldFacts lists the other tags that the decoder obeys.
package decode

import (
	"encoding"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Options are what reading depends on besides the file.
type Options struct {
	// AllowUnknown makes unknown keys warnings; they are ignored then.
	AllowUnknown bool
	// Facts returns what is known about a field; default FieldFacts.
	Facts func(reflect.StructField) Facts
	// Keyed are the types that stand for a mapping whose keys are not known to Go.
	Keyed map[reflect.Type]Keyed
	// Elsewhere is asked about every unknown key, with the type that it is in, and
	// reports whether it has dealt with it. Nil deals with none.
	Elsewhere func(in reflect.Type, key string, at report.Path, place report.Position) bool
}

// Keyed is a mapping of which each key has a type of its own.
type Keyed struct {
	// Types are those of the values, by key. They are pointers.
	Types map[string]reflect.Type
	// Set puts a value that was read into a value of the type that is keyed.
	Set func(into any, key string, value any)
}

// maxDepth is far above what a schema needs. It stops aliases that contain themselves.
const maxDepth = 40

// decoder fills Go values from YAML nodes.
type decoder struct {
	Options
	report  *report.Report
	fields  map[reflect.Type]map[string]field
	once    bool // no node is read again
	left    int  // values and keys that may still be decoded
	spent   bool // there were more
	guesses int  // unknown keys for which a known one was looked for
}

// maxValues is how many values and keys a file may hold, counting aliases at each use: one
// for every byte, which no file without aliases reaches, and some more for small files.
func maxValues(size int) int { return min(100_000+size, 3_000_000) }

func (d *decoder) decode(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	for n.Kind == yaml.AliasNode && depth < maxDepth {
		n, depth = n.Alias, depth+1
	}
	if !d.afford(at, depth) || isNull(n) { // as in Kubernetes, null is the same as absent
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.decode(n, v.Elem(), at, depth+1)
		return
	}
	if s, ok := v.Addr().Interface().(*secret.String); ok {
		if text, ok := d.text(n, at, true); ok {
			*s = secret.New(text)
		}
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.typedText(n, u, at)
		return
	}
	if k, ok := d.Keyed[v.Type()]; ok {
		d.keyed(n, v, k, at, depth)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, at, depth)
	case reflect.Slice:
		d.list(n, v, at, depth)
	case reflect.Map:
		d.dict(n, v, at, depth)
	case reflect.Interface:
		d.anything(n, v, at, depth)
	default:
		d.scalar(n, v, at)
	}
}

// afford reports whether there is room for another value or key.
func (d *decoder) afford(at report.Path, depth int) bool {
	switch {
	case d.spent:
		return false
	case d.left <= 0:
		d.spent = true
		d.invalid(at, "...", "the file has too many values; aliases (*name) may refer to each other")
		return false
	case depth >= maxDepth:
		d.invalid(at, "...", "is nested too deeply")
		return false
	}
	d.left--
	return true
}

// invalid adds a finding about a value that cannot be read.
func (d *decoder) invalid(at report.Path, shown, format string, args ...any) {
	f := d.report.Field(at)
	f.Invalid(shown, format, args...)
	f.Break()
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	fields := d.fieldsOf(v.Type())
	var current []string // keys of old forms are not proposed
	for name, f := range fields {
		if !f.deprecated {
			current = append(current, name)
		}
	}
	d.each(n, v.Type(), current, at, depth, func(p pair, child report.Path) bool {
		f, known := fields[p.key.Value]
		if !known {
			return false
		}
		d.decode(p.value, v.Field(f.index), child, depth+1)
		if f.enum != nil {
			d.choice(v.Field(f.index), child, f)
		}
		return true
	})
}

func (d *decoder) keyed(n *yaml.Node, v reflect.Value, k Keyed, at report.Path, depth int) {
	known := slices.Collect(maps.Keys(k.Types))
	d.each(n, v.Type(), known, at, depth, func(p pair, child report.Path) bool {
		t, known := k.Types[p.key.Value]
		if !known {
			return false
		}
		value := reflect.New(t).Elem()
		d.decode(p.value, value, child, depth+1)
		if !value.IsNil() {
			k.Set(v.Addr().Interface(), p.key.Value, value.Interface())
		}
		return true
	})
}

// each decodes the pairs of a mapping; fill reports whether it knows the key.
func (d *decoder) each(
	n *yaml.Node, t reflect.Type, known []string, at report.Path, depth int, fill func(pair, report.Path) bool,
) {
	if n.Kind != yaml.MappingNode {
		d.invalid(at, d.brief(n, t), "must be a mapping of keys to values")
		return
	}
	present := map[string]bool{}
	pairs := d.pairs(n, at, depth)
	for _, p := range pairs {
		present[p.key.Value] = true
	}
	for _, p := range pairs {
		place := p.key // of a list or mapping, the value begins at its first item
		if p.value.Kind == yaml.AliasNode || p.value.Kind == yaml.ScalarNode && !isNull(p.value) {
			place = p.value
		}
		child := at.Child(p.key.Value)
		d.report.Place(child, place.Line, place.Column)
		if !fill(p, child) {
			d.unknown(p, t, known, present, at)
		}
	}
}

type pair struct{ key, value *yaml.Node }

// pairs are the keys and values of a mapping, those of merged mappings (<<)
// after its own.
func (d *decoder) pairs(n *yaml.Node, at report.Path, depth int) []pair {
	var own, merged []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && d.afford(at, 0); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		child := at.Child(printable(key.Value))
		place := report.Position{Line: n.Content[i].Line, Column: n.Content[i].Column}
		switch {
		case key.Kind != yaml.ScalarNode:
			d.report.Add(report.Finding{Path: at, Type: report.Invalid, Detail: "a key must be text", At: place})
		case key.Tag == "!!merge":
			merged = append(merged, d.merge(value, child, depth+1)...)
		case seen[key.Value]:
			d.report.Add(report.Finding{Path: child, Type: report.Duplicate, Detail: "the key is there twice", At: place})
		default:
			seen[key.Value] = true
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if !seen[p.key.Value] {
			seen[p.key.Value] = true
			own = append(own, p)
		}
	}
	return own
}

// merge are the pairs of a merge key: those of one mapping, or of several, where the
// first wins.
func (d *decoder) merge(n *yaml.Node, at report.Path, depth int) []pair {
	for n.Kind == yaml.AliasNode && depth < maxDepth {
		n, depth = n.Alias, depth+1
	}
	if !d.afford(at, depth) {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, at, depth)
	case yaml.SequenceNode:
		var out []pair
		for _, item := range n.Content {
			out = append(out, d.merge(item, at, depth+1)...)
			if d.spent {
				break
			}
		}
		return out
	}
	d.report.Add(report.Finding{Path: at, Type: report.Invalid, Detail: "must be a mapping, or a list of mappings",
		At: report.Position{Line: n.Line, Column: n.Column}})
	return nil
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.invalid(at, d.brief(n, v.Type()), "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		if d.spent {
			break
		}
		d.report.Place(at.Index(i), item.Line, item.Column)
		d.decode(item, out.Index(i), at.Index(i), depth+1)
		if d.once {
			n.Content[i] = nil
		}
	}
	v.Set(out)
}

func (d *decoder) dict(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.MappingNode {
		d.invalid(at, d.brief(n, v.Type()), "must be a mapping of keys to values")
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, p := range d.pairs(n, at, depth) {
		child := at.Child(printable(p.key.Value))
		d.report.Place(child, p.value.Line, p.value.Column)
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(p.value, item, child, depth+1)
		out.SetMapIndex(reflect.ValueOf(p.key.Value), item)
	}
	v.Set(out)
}

// typedText fills a type that reads text, such as an address or a network.
func (d *decoder) typedText(n *yaml.Node, u encoding.TextUnmarshaler, at report.Path) {
	text, ok := d.text(n, at, false)
	if !ok {
		return
	}
	err := u.UnmarshalText([]byte(text))
	switch v := u.(type) {
	case *netip.Prefix:
		if err != nil || v.Addr().Is4In6() {
			*v = netip.Prefix{}
			d.invalid(at, text, "must be a network in CIDR notation, like 10.0.0.0/16")
		}
	case *netip.Addr:
		if err != nil || v.Zone() != "" || v.Is4In6() {
			*v = netip.Addr{}
			d.invalid(at, text, "must be an IP address")
		}
	default:
		if err != nil {
			d.invalid(at, text, "%v", err)
		}
	}
}

// choice refuses values that the schema does not allow.
func (d *decoder) choice(v reflect.Value, at report.Path, f field) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			d.choice(v.Index(i), at.Index(i), f)
		}
		return
	}
	if v.IsZero() || d.report.Broken(at) {
		return
	}
	value := fmt.Sprint(v.Interface())
	if slices.Contains(f.enum, value) {
		return
	}
	shown := v.Interface()
	if v.Kind() == reflect.String { // of whatever type
		shown = value
	}
	here := d.report.Field(at)
	if f.refuseAsInvalid {
		here.Invalid(shown, "must be one of %s", strings.Join(f.enum, ", "))
	} else {
		here.Unsupported(shown, f.enum...)
	}
	here.Break()
	v.SetZero()
}
