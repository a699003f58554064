// Package schema makes custom resource definitions from Go types, so that what the lab's
// operators accept and what their API server prunes is what the types say.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Schema is a structural schema, as in openAPIV3Schema of a definition.
type Schema map[string]any

// known are types whose JSON form is not that of their fields.
var known = map[reflect.Type]Schema{
	reflect.TypeFor[resource.Quantity](): {
		"anyOf": []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}},
		"pattern": `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))` +
			`(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`,
		"x-kubernetes-int-or-string": true,
	},
	reflect.TypeFor[intstr.IntOrString](): {
		"anyOf":                      []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}},
		"x-kubernetes-int-or-string": true,
	},
	reflect.TypeFor[metav1.Time]():          {"type": "string", "format": "date-time"},
	reflect.TypeFor[metav1.MicroTime]():     {"type": "string", "format": "date-time"},
	reflect.TypeFor[metav1.Duration]():      {"type": "string"},
	reflect.TypeFor[time.Time]():            {"type": "string", "format": "date-time"},
	reflect.TypeFor[runtime.RawExtension](): {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
	reflect.TypeFor[metav1.ObjectMeta]():    metadata,
}

// metadata is that of an object within another one; the rest is pruned.
var metadata = Schema{"type": "object", "properties": map[string]any{
	"name": Schema{"type": "string"}, "namespace": Schema{"type": "string"},
	"labels":      Schema{"type": "object", "additionalProperties": Schema{"type": "string"}},
	"annotations": Schema{"type": "object", "additionalProperties": Schema{"type": "string"}},
	"finalizers":  Schema{"type": "array", "items": Schema{"type": "string"}},
}}

// Of is the schema of a type. Fields may have tags: enum:"a,b", default:"JSON", minimum:"1", maxItems:"1",
// pattern:"RE", rule:"CEL" with message:"text"; required:"false" for a field without omitempty.
func Of[T any]() Schema { return of(reflect.TypeFor[T]()) }

func of(t reflect.Type) Schema {
	if s, ok := known[t]; ok {
		return clone(s)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return of(t.Elem())
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Uint, reflect.Uint8, reflect.Uint16:
		return Schema{"type": "integer"}
	case reflect.Int32, reflect.Uint32:
		return Schema{"type": "integer", "format": "int32"}
	case reflect.Int64, reflect.Uint64:
		return Schema{"type": "integer", "format": "int64"}
	case reflect.Float32, reflect.Float64:
		return Schema{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return Schema{"type": "string", "format": "byte"}
		}
		return Schema{"type": "array", "items": of(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": of(t.Elem())}
	case reflect.Struct:
		s := Schema{"type": "object"}
		fields := map[string]any{}
		required := structure(t, fields, nil)
		if len(fields) > 0 {
			s["properties"] = fields
		}
		if len(required) > 0 {
			s["required"] = required
		}
		return s
	}
	return Schema{"x-kubernetes-preserve-unknown-fields": true}
}

// structure adds the fields of a struct, with those of embedded ones.
func structure(t reflect.Type, fields map[string]any, required []any) []any {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if f.Anonymous && name == "" {
			inner := f.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			required = structure(inner, fields, required)
			continue
		}
		if name == "" {
			name = f.Name
		}
		s := of(f.Type)
		tags(s, f.Tag)
		fields[name] = s
		omit := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if !omit && f.Tag.Get("required") != "false" {
			required = append(required, name)
		}
	}
	return required
}

func tags(s Schema, tag reflect.StructTag) {
	if v := tag.Get("enum"); v != "" {
		var all []any
		for _, e := range strings.Split(v, ",") {
			all = append(all, e)
		}
		s["enum"] = all
	}
	if v := tag.Get("default"); v != "" {
		s["default"] = value(v)
	}
	for _, n := range []string{"minimum", "maxItems"} {
		if v := tag.Get(n); v != "" {
			number, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				panic(err) // compiled in
			}
			s[n] = number
		}
	}
	if v := tag.Get("pattern"); v != "" {
		s["pattern"] = v
	}
	if v := tag.Get("rule"); v != "" {
		s["x-kubernetes-validations"] = []any{map[string]any{"rule": v, "message": tag.Get("message")}}
	}
}

func value(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(fmt.Errorf("default %s: %w", text, err)) // compiled in
	}
	return v
}

// clone copies a schema, because tags are written into it.
func clone(s Schema) Schema {
	out := Schema{}
	for k, v := range s {
		out[k] = v
	}
	return out
}

// At is the schema of a field by its path, nil if there is none.
func (s Schema) At(path string) Schema {
	for _, name := range strings.Split(path, ".") {
		fields, _ := s["properties"].(map[string]any)
		next, ok := fields[name].(Schema)
		if !ok {
			return nil
		}
		s = next
	}
	return s
}
