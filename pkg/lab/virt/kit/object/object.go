// Package object is what the lab's virtualization operators do to objects of kinds that they have no Go types of.
package object

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is one object, or a part of one.
type Object = map[string]any

// Get is what lies at a dotted path, nil if nothing does.
func Get(o Object, path string) any {
	var at any = o
	for _, name := range strings.Split(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[name]
	}
	return at
}

// String is a text at a path.
func String(o Object, path string) string {
	s, _ := Get(o, path).(string)
	return s
}

// Bool is a truth value at a path, or what counts if there is none.
func Bool(o Object, path string, without bool) bool {
	if b, ok := Get(o, path).(bool); ok {
		return b
	}
	return without
}

// List is a list at a path.
func List(o Object, path string) []any {
	l, _ := Get(o, path).([]any)
	return l
}

// Map is an object at a path.
func Map(o Object, path string) Object {
	m, _ := Get(o, path).(map[string]any)
	return m
}

// Set puts a value at a path; nil is left out.
func Set(o Object, path string, value any) {
	if value == nil {
		return
	}
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		next, ok := o[name].(map[string]any)
		if !ok {
			next = Object{}
			o[name] = next
		}
		o = next
	}
	o[names[len(names)-1]] = value
}

// Copy gives to the value that from has at another path.
func Copy(from Object, path string, to Object, place string) {
	Set(to, place, runtime.DeepCopyJSONValue(Get(from, path)))
}

// Remove takes away what lies at a path.
func Remove(o Object, path string) {
	parent, name := o, path
	if i := strings.LastIndex(path, "."); i >= 0 {
		parent, name = Map(o, path[:i]), path[i+1:]
	}
	delete(parent, name)
}

// Plain is a value in JSON's types, which comparisons need.
func Plain(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // of values that have a JSON form
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return numbers(out)
}

// numbers makes whole numbers integers, as unstructured objects have them.
func numbers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	}
	return v
}

// From is a typed value as an object.
func From(v any) Object {
	m, _ := Plain(v).(map[string]any)
	return m
}

// To reads an object into a type.
func To[T any](o Object) (T, error) {
	var out T
	raw, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return out, fmt.Errorf("read %T: %w", out, err)
	}
	return out, nil
}

// Owner is the reference by which an object goes with its owner.
func Owner(o *unstructured.Unstructured, controller bool) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName(), UID: o.GetUID(),
		Controller: &controller, BlockOwnerDeletion: &controller,
	}
}

// Finalizer adds or takes away a finalizer and reports whether that changed anything.
func Finalizer(o metav1.Object, name string, want bool) bool {
	all := o.GetFinalizers()
	has := slices.Contains(all, name)
	switch {
	case has == want:
		return false
	case want:
		all = append(all, name)
	default:
		all = slices.DeleteFunc(slices.Clone(all), func(f string) bool { return f == name })
	}
	o.SetFinalizers(all)
	return true
}
