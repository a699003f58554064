package types

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
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
	report *report.Report
	values int
}

// maxValues stops documents that grow without bounds through aliases.
const maxValues = 100_000

func (d *decoder) decode(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	for n.Kind == yaml.AliasNode && depth < maxDepth {
		n, depth = n.Alias, depth+1
	}
	d.values++
	if depth >= maxDepth || d.values > maxValues {
		if d.values <= maxValues+1 {
			d.report.Invalid(at, "...", "nested too deeply")
		}
		return
	}
	if isNull(n) {
		return // as in Kubernetes, null is the same as absent
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
		if text, ok := d.text(n, at, false); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.report.Invalid(at, text, "%s", meaning(v.Type(), err))
			}
		}
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
		var value any
		if err := n.Decode(&value); err != nil {
			d.report.Invalid(at, "...", "%s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
		if value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.scalar(n, v, at)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.MappingNode {
		d.report.Invalid(at, brief(n), "must be a mapping of keys to values")
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		child := at.Child(key.Value)
		if seen[key.Value] {
			d.report.Add(report.Finding{Path: child, Type: report.Duplicate, Detail: "the key is there twice",
				At: report.Position{Line: key.Line, Column: key.Column}})
			continue
		}
		seen[key.Value] = true
		index, known := fields[key.Value]
		if !known {
			d.report.Add(report.Finding{Path: child, Type: report.Invalid, Value: strconv.Quote(key.Value),
				Detail: "unknown key" + guess(key.Value, fields), At: report.Position{Line: key.Line, Column: key.Column}})
			continue
		}
		place := key // of a list or mapping, the value begins at its first item
		if value.Kind == yaml.ScalarNode && !isNull(value) {
			place = value
		}
		d.report.Place(child, place.Line, place.Column)
		d.decode(value, v.Field(index), child, depth+1)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.report.Invalid(at, brief(n), "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.report.Place(at.Index(i), item.Line, item.Column)
		d.decode(item, out.Index(i), at.Index(i), depth+1)
	}
	v.Set(out)
}

func (d *decoder) dict(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	if n.Kind != yaml.MappingNode {
		d.report.Invalid(at, brief(n), "must be a mapping of keys to values")
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], item, at.Child(n.Content[i].Value), depth+1)
		out.SetMapIndex(reflect.ValueOf(n.Content[i].Value), item)
	}
	v.Set(out)
}

// text returns a scalar as text. Values that YAML takes for something else than
// text are refused unless quoted, since 1e3 and 0755 would not stay what they are.
func (d *decoder) text(n *yaml.Node, at report.Path, hide bool) (string, bool) {
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp") {
		return n.Value, true
	}
	shown := brief(n)
	if hide {
		shown = "(hidden)"
	}
	hint := ""
	if n.Kind == yaml.ScalarNode {
		hint = "; put it in quotes"
	}
	d.report.Invalid(at, shown, "must be text%s", hint)
	return "", false
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, at report.Path) {
	switch v.Kind() {
	case reflect.String:
		if text, ok := d.text(n, at, false); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || err != nil {
			d.report.Invalid(at, brief(n), "must be true or false")
			return
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
			d.report.Invalid(at, brief(n), "must be a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Uint32:
		i, err := strconv.ParseUint(n.Value, 10, 32)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil {
			d.report.Invalid(at, brief(n), "must be a whole number that is not negative")
			return
		}
		v.SetUint(i)
	default:
		panic("types: no rule to decode " + v.Type().String())
	}
}

// brief shows a node in a message.
func brief(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "{...}"
	case yaml.SequenceNode:
		return "[...]"
	}
	return n.Value
}

// meaning says what a typed text has to look like.
func meaning(t reflect.Type, err error) string {
	switch t.String() {
	case "netip.Prefix":
		return "must be a network in CIDR notation, like 10.0.0.0/16"
	case "netip.Addr":
		return "must be an IP address"
	}
	return err.Error()
}

// fieldsOf maps the names of a struct's fields in YAML to their indexes.
func fieldsOf(t reflect.Type) map[string]int {
	out := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out[name] = i
	}
	return out
}

// guess proposes the known key that is closest to an unknown one.
func guess(key string, known map[string]int) string {
	best, bestDistance := "", max(len(key)/3, 2)+1
	for k := range known {
		d := distance(strings.ToLower(key), strings.ToLower(k))
		if d < bestDistance || d == bestDistance && best != "" && k < best {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := 1; j <= len(b); j++ {
			if i == 0 {
				rows[i][j] = j
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
