package virtualization

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// checkTags applies the rules that are in the tags of the fields: required, min, max, maxlength and pattern.
// Labels of nodes, which are all that is a map of text here, have no tag.
func checkTags(c *Config, k report.Field) {
	decode.Walk(c, func(part any, at report.Path) {
		v := reflect.ValueOf(part).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "" {
				facts := decode.FieldFacts(f)
				checkField(within(k, at).Child(facts.Name), v.Field(i), facts)
			}
		}
	})
}

// within is the field at a path below another one.
func within(k report.Field, at report.Path) report.Field {
	if at.IsRoot() {
		return k
	}
	return k.Child(at.String())
}

func checkField(at report.Field, v reflect.Value, facts decode.Facts) {
	if facts.Required && v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 && facts.Required {
		at.Required("`okd-install explain %s.%s` describes it", Resource, index.ReplaceAllString(at.Path().String(), ""))
		return
	}
	switch v.Kind() {
	case reflect.Int:
		checkBounds(at, v.Int(), facts)
	case reflect.String:
		checkText(at, v.String(), facts)
	case reflect.Slice:
		for i := range v.Len() {
			if item := v.Index(i); item.Kind() == reflect.String {
				if item.Len() == 0 {
					at.Index(i).Required("an item of a list must not be empty")
				}
				checkText(at.Index(i), item.String(), facts)
			}
		}
	case reflect.Map:
		if labels, ok := v.Interface().(map[string]string); ok {
			checkLabels(at, labels)
		}
	}
}

func checkBounds(at report.Field, n int64, facts decode.Facts) {
	low, high := facts.Min, facts.Max
	switch {
	case n == 0 && !at.Present():
	case low != nil && high != nil && (n < *low || n > *high):
		at.Invalid(n, "must be between %d and %d", *low, *high)
	case low != nil && n < *low:
		at.Invalid(n, "must be at least %d", *low)
	}
}

func checkText(at report.Field, text string, facts decode.Facts) {
	if text == "" || at.Broken() {
		return
	}
	if most := facts.MaxLength; most != nil && int64(len(text)) > *most {
		at.Invalid(text, "must have at most %d characters", *most)
		return
	}
	if facts.Pattern != "" {
		forms[facts.Pattern](at, text)
	}
}

// fillDefaults sets fields without value that always have the same default, from their tags.
func fillDefaults(c *Config) {
	decode.Walk(c, func(part any, _ report.Path) {
		v := reflect.ValueOf(part).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if text := f.Tag.Get("default"); text != "" && f.IsExported() && v.Field(i).IsZero() {
				if err := fill(v.Field(i), text); err != nil {
					panic(fmt.Sprintf("virtualization: default of %s: %v", f.Name, err)) // the tests fill all
				}
			}
		}
	})
}

func fill(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), text)
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
		return err
	default:
		return fmt.Errorf("no rule for %s", v.Type())
	}
	return nil
}

// clone copies a value with everything that it points to. Unexported fields are shared.
func clone[T any](v T) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	copyInto(out, reflect.ValueOf(v))
	return out.Interface().(T)
}

func copyInto(out, v reflect.Value) {
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			copyInto(out.Elem(), v.Elem())
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				copyInto(out.Index(i), v.Index(i))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				item := reflect.New(v.Type().Elem()).Elem()
				copyInto(item, v.MapIndex(key))
				out.SetMapIndex(key, item)
			}
		}
	case reflect.Interface:
		if !v.IsNil() {
			item := reflect.New(v.Elem().Type()).Elem()
			copyInto(item, v.Elem())
			out.Set(item)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && strings.Contains(string(f.Tag), "json:") {
				copyInto(out.Field(i), v.Field(i))
			}
		}
	}
}
