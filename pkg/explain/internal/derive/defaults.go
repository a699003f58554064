package derive

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/okd-install/okd-install/pkg/explain"
)

// applyDefaults notes what Load fills in where an install-config says nothing.
// The small bases tell the defaults of whole lists, the full ones those inside
// of optional objects.
func applyDefaults(root *explain.Schema, p *prober) error {
	var errs []error
	for _, platform := range p.platforms(nil) {
		for _, doc := range p.all[platform] {
			c, r := p.load(doc)
			if c == nil {
				return r.Err()
			}
			loaded, err := json.Marshal(c)
			if err != nil {
				return err
			}
			note(root, nil, parse(doc), parse(loaded), &errs)
		}
	}
	return errors.Join(errs...)
}

// note compares what was written at a path with what Load made of it.
func note(s *explain.Schema, at path, written, loaded any, errs *[]error) {
	switch l := loaded.(type) {
	case map[string]any:
		w, _ := written.(map[string]any)
		for name, p := range s.Properties {
			if v, there := l[name]; there {
				note(p, at.child(name), w[name], v, errs)
			}
		}
	case []any:
		w, _ := written.([]any)
		if len(w) > 0 && len(l) > 0 {
			note(s.Items, at.child("[]"), w[0], l[0], errs)
			return
		}
		assume(s, at, loaded, errs)
	default:
		if written == nil {
			assume(s, at, loaded, errs)
		}
	}
}

// assume notes a default. Zero values are none: they say that nothing is set.
func assume(s *explain.Schema, at path, value any, errs *[]error) {
	value = pruned(value)
	if list, ok := value.([]any); ok {
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				delete(m, "platform") // the machines of a pool, which have their own defaults
			}
		}
	}
	if value == nil || s.WriteOnly || s.Deprecated {
		return
	}
	switch {
	case s.Default == nil:
		s.Default = value
	case !reflect.DeepEqual(s.Default, value):
		*errs = append(*errs, fmt.Errorf("%s has several defaults, %v and %v: rules.go has to say which to show", at, s.Default, value))
	}
}

// pruned leaves out what is empty.
func pruned(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e = pruned(e); e != nil {
				out[k] = e
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			if e = pruned(e); e != nil {
				out = append(out, e)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case string, float64, bool, nil:
		if v == nil || reflect.ValueOf(v).IsZero() {
			return nil
		}
	}
	return value
}
