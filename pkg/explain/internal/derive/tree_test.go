package derive

import "testing"

func TestTrees(t *testing.T) {
	const doc = `{"a":{"b":1},"l":[{"x":1},{"x":2}]}`
	for _, tt := range []struct {
		name string
		got  any
		want string
	}{
		{"set", with(parse([]byte(doc)), path{"a", "b"}, 7), `{"a":{"b":7},"l":[{"x":1},{"x":2}]}`},
		{"set in a list", with(parse([]byte(doc)), path{"l", "[]", "x"}, 7), `{"a":{"b":1},"l":[{"x":7},{"x":2}]}`},
		{"make what is around", with(parse([]byte(doc)), path{"n", "[]", "x"}, "v"), `{"a":{"b":1},"l":[{"x":1},{"x":2}],"n":[{"x":"v"}]}`},
		{"only make", with(parse([]byte(doc)), path{"a"}, nil), doc},
		{"make an object", with(parse([]byte(doc)), path{"n"}, nil), `{"a":{"b":1},"l":[{"x":1},{"x":2}],"n":{}}`},
		{"take away", without(parse([]byte(doc)), path{"a", "b"}), `{"a":{},"l":[{"x":1},{"x":2}]}`},
		{"take away in a list", without(parse([]byte(doc)), path{"l", "[]", "x"}), `{"a":{"b":1},"l":[{},{"x":2}]}`},
		{"take away nothing", without(parse([]byte(doc)), path{"n", "x"}), doc},
		{"merge", merged(parse([]byte(doc)), parse([]byte(`{"a":{"c":2},"l":[1]}`))), `{"a":{"b":1,"c":2},"l":[1]}`},
	} {
		if got := string(encode(tt.got)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	tree := parse([]byte(doc))
	if !(path{"l", "[]", "x"}).in(tree) || (path{"l", "[]", "y"}).in(tree) || (path{"a", "b", "c"}).in(tree) {
		t.Error("what is there and what is not")
	}
	if !within("a.b", "a") || !within("a[0].b", "a") || !within("a", "a") || within("ab", "a") || within("a", "a.b") {
		t.Error("what is within what")
	}
}
