package decode

import (
	"iter"
	"reflect"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// Walk calls visit with a pointer to every struct in the one that top points to, and its
// path. It visits outer structs first, in the order of the fields.
func Walk(top any, visit func(part any, at report.Path)) {
	walk(reflect.ValueOf(top), report.Path{}, visit)
}

// Parts is implemented by values whose type is Keyed: it yields what is in them.
type Parts interface{ All() iter.Seq2[string, any] }

func walk(v reflect.Value, at report.Path, visit func(any, report.Path)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), at, visit)
		}
	case reflect.Slice:
		if holdsStructs(v.Type().Elem()) {
			for i := range v.Len() {
				walk(v.Index(i), at.Index(i), visit)
			}
		}
	case reflect.Struct:
		visit(v.Addr().Interface(), at)
		if parts, ok := v.Interface().(Parts); ok {
			for key, part := range parts.All() {
				walk(reflect.ValueOf(part), at.Child(key), visit)
			}
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && holdsStructs(f.Type) {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				walk(v.Field(i), at.Child(name), visit)
			}
		}
	}
}

func holdsStructs(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}
