package types

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// maxDepth is far above what the schema needs. It stops documents whose aliases
// refer to themselves.
const maxDepth = 40

// decoder fills Go values from YAML nodes. Unlike the libraries' decoders it
// goes on after an error and remembers where every field is.
type decoder struct {
	report       *report.Report
	allowUnknown bool
	fields       map[reflect.Type]map[string]field
	left         int       // values and keys that may still be decoded
	spent        bool      // there were more
	guesses      int       // unknown keys for which a known one was looked for
	foreign      []finding // pools' settings for platforms that are not ours
	elsewhere    bool      // the cluster's platform is not ours
}

type finding = report.Finding

// maxValues is how many values and keys a file may hold, aliases counted as often
// as they are used: one for every byte, which no file without aliases reaches,
// and some for small ones.
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
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, at, depth)
	case reflect.Slice:
		d.list(n, v, at, depth)
	case reflect.Map:
		d.dict(n, v, at, depth)
	case reflect.Interface:
		if value := d.plain(n, at, depth); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.scalar(n, v, at)
	}
}

// afford says whether there is room for another value or key.
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
	d.report.Invalid(at, shown, format, args...)
	d.report.Break(at)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.MappingNode {
		d.invalid(at, brief(n, v.Type()), "must be a mapping of keys to values")
		return
	}
	fields := d.fieldsOf(v.Type())
	keys := map[string]bool{}
	pairs := d.pairs(n, at, depth)
	for _, p := range pairs {
		keys[p.key.Value] = true
	}
	for _, p := range pairs {
		f, known := fields[p.key.Value]
		if !known {
			d.unknown(p, v.Type(), fields, keys, at)
			continue
		}
		child := at.Child(p.key.Value)
		place := p.key // of a list or mapping, the value begins at its first item
		if p.value.Kind == yaml.AliasNode || p.value.Kind == yaml.ScalarNode && !isNull(p.value) {
			place = p.value
		}
		d.report.Place(child, place.Line, place.Column)
		d.decode(p.value, v.Field(f.index), child, depth+1)
		if f.enum != nil {
			d.choice(v.Field(f.index), child, f)
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
			d.report.Add(finding{Path: at, Type: report.Invalid, Detail: "a key must be text", At: place})
		case key.Tag == "!!merge":
			merged = append(merged, d.merge(value, child, depth+1)...)
		case seen[key.Value]:
			d.report.Add(finding{Path: child, Type: report.Duplicate, Detail: "the key is there twice", At: place})
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

// merge are the pairs that a merge key brings: those of a mapping, or of several
// of which the first wins.
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
	d.report.Add(finding{Path: at, Type: report.Invalid, Detail: "must be a mapping, or a list of mappings", At: report.Position{Line: n.Line, Column: n.Column}})
	return nil
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.invalid(at, brief(n, v.Type()), "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		if d.spent {
			break
		}
		d.report.Place(at.Index(i), item.Line, item.Column)
		d.decode(item, out.Index(i), at.Index(i), depth+1)
	}
	v.Set(out)
}

func (d *decoder) dict(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.MappingNode {
		d.invalid(at, brief(n, v.Type()), "must be a mapping of keys to values")
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

// typedText fills a type that reads text, which here are addresses and networks.
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

// choice refuses a value that is none of those that the schema allows.
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
	if f.refuseAsInvalid {
		d.report.Invalid(at, shown, "must be one of %s", strings.Join(f.enum, ", "))
	} else {
		d.report.Unsupported(at, shown, f.enum...)
	}
	d.report.Break(at)
	v.SetZero()
}
