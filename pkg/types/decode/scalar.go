package decode

import (
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// text returns a scalar as text. Values that YAML takes for something else than
// text are refused unless quoted, since 1e3 and 0755 would not stay what they are.
func (d *decoder) text(n *yaml.Node, at report.Path, hide bool) (string, bool) {
	if n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp") {
		return n.Value, true
	}
	shown := d.brief(n, reflect.TypeFor[string]())
	if hide {
		shown = hidden
	}
	hint := ""
	if n.Kind == yaml.ScalarNode {
		hint = "; put it in quotes"
	}
	d.invalid(at, shown, "must be text%s", hint)
	return "", false
}

// Words of YAML 1.1 that the reference's parser still takes for booleans.
var (
	yes = []string{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}
	no  = []string{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}
)

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, at report.Path) {
	switch v.Kind() {
	case reflect.String:
		if text, ok := d.text(n, at, false); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		plain := n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
		switch {
		case plain && slices.Contains(yes, n.Value):
			v.SetBool(true)
		case plain && slices.Contains(no, n.Value):
			v.SetBool(false)
		default:
			d.invalid(at, d.brief(n, v.Type()), "must be true or false")
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if d.whole(n, v, at, err) {
			v.SetInt(i)
		}
	case reflect.Uint32:
		i, err := strconv.ParseUint(n.Value, 10, 32)
		if d.whole(n, v, at, err) {
			v.SetUint(i)
		}
	default:
		panic("decode: no rule to decode " + v.Type().String())
	}
}

// leadingZero is a number that one version of YAML takes for octal and another
// does not.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9]`)

// whole reports whether a node is a whole number that fits, given how parsing went.
func (d *decoder) whole(n *yaml.Node, v reflect.Value, at report.Path, err error) bool {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!int" && leadingZero.MatchString(n.Value):
		d.invalid(at, n.Value, "must be a whole number without leading zeros")
	case n.Kind == yaml.ScalarNode && errors.Is(err, strconv.ErrRange):
		d.invalid(at, n.Value, "is too large a number")
	case n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil:
		what := "a whole number"
		if v.Kind() == reflect.Uint32 {
			what += " that is not negative"
		}
		d.invalid(at, d.brief(n, v.Type()), "must be %s", what)
	default:
		return true
	}
	return false
}

// anything fills an interface with the plain data that JSON has.
func (d *decoder) anything(n *yaml.Node, v reflect.Value, at report.Path, depth int) {
	switch n.Kind {
	case yaml.MappingNode:
		object := reflect.ValueOf(&map[string]any{}).Elem()
		d.dict(n, object, at, depth)
		v.Set(object)
	case yaml.SequenceNode:
		list := reflect.ValueOf(&[]any{}).Elem()
		d.list(n, list, at, depth)
		v.Set(list)
	default:
		if value := d.plain(n, at); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	}
}

// plain returns a scalar as the plain data that JSON has.
func (d *decoder) plain(n *yaml.Node, at report.Path) any {
	switch n.Tag {
	case "!!bool":
		return slices.Contains(yes, n.Value)
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(n.Value, 0, 64); err == nil {
			return u
		}
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f
		}
	case "!!str", "!!timestamp", "!!binary":
		return n.Value
	}
	d.invalid(at, "...", "is neither text nor a number; put it in quotes if it is text")
	return nil
}

const hidden = "(hidden)"

// brief shows a node that is not of the type it should be. Where the type holds
// secrets the user may have put one in the wrong place.
func (d *decoder) brief(n *yaml.Node, t reflect.Type) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "{...}"
	case n.Kind == yaml.SequenceNode:
		return "[...]"
	case d.holdsSecret(t, 0):
		return hidden
	}
	return n.Value
}

// holdsSecret reports whether values of a type have secrets in them, or anything
// at all.
func (d *decoder) holdsSecret(t reflect.Type, depth int) bool {
	if depth > 8 {
		return false
	}
	if k, ok := d.Keyed[t]; ok {
		for _, value := range k.Types {
			if d.holdsSecret(value, depth+1) {
				return true
			}
		}
		return false
	}
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return d.holdsSecret(t.Elem(), depth)
	case reflect.Struct:
		if t == reflect.TypeFor[secret.String]() {
			return true
		}
		for i := range t.NumField() {
			if t.Field(i).IsExported() && d.holdsSecret(t.Field(i).Type, depth+1) {
				return true
			}
		}
	}
	return false
}
