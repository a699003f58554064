package explain_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// within reports whether the path inner is outer or below it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// with sets the value at a path and adds missing objects and lists around it. A nil
// value keeps an existing value and otherwise adds an empty mapping.
func with(node any, at path, value any) any {
	switch {
	case len(at) == 0 && value != nil:
		return value
	case len(at) == 0 && node != nil:
		return node
	case len(at) == 0:
		return map[string]any{}
	case at[0] == "[]":
		list, _ := node.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = with(list[0], at[1:], value)
		return list
	}
	m, _ := node.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[at[0]] = with(m[at[0]], at[1:], value)
	return m
}

// in reports whether a document has a value at the path.
func (p path) in(node any) bool {
	for _, name := range p {
		switch n := node.(type) {
		case map[string]any:
			node = n[name]
		case []any:
			if len(n) == 0 {
				return false
			}
			node = n[0]
		default:
			return false
		}
	}
	return node != nil
}

// without removes the value at a path.
func without(node any, at path) any {
	switch n := node.(type) {
	case map[string]any:
		if len(at) == 1 {
			delete(n, at[0])
		} else if inner, there := n[at[0]]; there {
			n[at[0]] = without(inner, at[1:])
		}
	case []any:
		if len(n) > 0 {
			n[0] = without(n[0], at[1:])
		}
	}
	return node
}

// merged merges b into a.
func merged(a, b any) any {
	am, aok := a.(map[string]any)
	bm, bok := b.(map[string]any)
	if !aok || !bok {
		if b == nil {
			return a
		}
		return b
	}
	for k, v := range bm {
		am[k] = merged(am[k], v)
	}
	return am
}

// encode writes JSON, which is YAML.
func encode(doc any) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic("derive: encode an install-config: " + err.Error()) // plain data always encodes
	}
	return b
}

func parse(b []byte) any {
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		panic("derive: decode what encode wrote: " + err.Error())
	}
	return doc
}

func TestTrees(t *testing.T) {
	const doc = `{"a":{"b":1},"l":[{"x":1},{"x":2}]}`
	for _, tt := range []struct {
		name string
		got  any
		want string
	}{
		{"set", with(parse([]byte(doc)), path{"a", "b"}, 7), `{"a":{"b":7},"l":[{"x":1},{"x":2}]}`},
		{"set in a list", with(parse([]byte(doc)), path{"l", "[]", "x"}, 7), `{"a":{"b":1},"l":[{"x":7},{"x":2}]}`},
		{
			"set in a new list", with(parse([]byte(doc)), path{"n", "[]", "x"}, "v"),
			`{"a":{"b":1},"l":[{"x":1},{"x":2}],"n":[{"x":"v"}]}`,
		},
		{"keep an object", with(parse([]byte(doc)), path{"a"}, nil), doc},
		{"add an object", with(parse([]byte(doc)), path{"n"}, nil), `{"a":{"b":1},"l":[{"x":1},{"x":2}],"n":{}}`},
		{"remove", without(parse([]byte(doc)), path{"a", "b"}), `{"a":{},"l":[{"x":1},{"x":2}]}`},
		{"remove in a list", without(parse([]byte(doc)), path{"l", "[]", "x"}), `{"a":{"b":1},"l":[{},{"x":2}]}`},
		{"remove nothing", without(parse([]byte(doc)), path{"n", "x"}), doc},
		{"merge", merged(parse([]byte(doc)), parse([]byte(`{"a":{"c":2},"l":[1]}`))), `{"a":{"b":1,"c":2},"l":[1]}`},
	} {
		if got := string(encode(tt.got)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	tree := parse([]byte(doc))
	if !(path{"l", "[]", "x"}).in(tree) || (path{"l", "[]", "y"}).in(tree) || (path{"a", "b", "c"}).in(tree) {
		t.Error("in is wrong")
	}
	if !within("a.b", "a") || !within("a[0].b", "a") || !within("a", "a") || within("ab", "a") || within("a", "a.b") {
		t.Error("within is wrong")
	}
}
