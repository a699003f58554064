package schematest_test

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/virtualization/manifests/schematest"
)

// The checker finds what it is for.
func TestFacts(t *testing.T) {
	f := schematest.Facts{Name: "/^it$/", Fields: map[string]any{
		"spec!": map[string]any{
			"name!": "text /^a+$/", "1.16+ gate": "bool", "1.14-1.15 old": "bool", "share": "int|text /^[0-9]+%$/",
			"many": []any{"enum a b"}, "count": "int 1..5", "marks": "{text}", "size": "quantity", "free": "any",
		},
	}}
	for _, c := range []struct{ spec, version, want string }{
		{`{name: aa, gate: true, share: 50%, many: [a], count: 5, marks: {a: b}, size: 1Gi, free: [1]}`, "1.16", ""},
		{`{name: aa, old: true, share: 2}`, "1.15", ""},
		{`{name: aa, gate: true}`, "1.15", ".spec.gate: version 1.15 has no such field"},
		{`{name: aa, old: true}`, "1.16", ".spec.old: version 1.16 has no such field"},
		{`{}`, "1.16", ".spec.name: is required"},
		{`{name: b}`, "1.16", `.spec.name: "b" does not match /^a+$/`},
		{`{name: a, gate: "true"}`, "1.16", ".spec.gate: is string, not a boolean"},
		{`{name: a, share: half}`, "1.16", `.spec.share: "half" does not match /^[0-9]+%$/`},
		{`{name: a, many: [a, c]}`, "1.16", ".spec.many[1]: c is none of a b"},
		{`{name: a, count: 6}`, "1.16", ".spec.count: 6 is not in 1..5"},
		{`{name: a, count: "3"}`, "1.16", ".spec.count: is string, not a whole number"},
		{`{name: a, marks: {a: 1}}`, "1.16", ".spec.marks.a: is int64, not text"},
		{`{name: a, size: big}`, "1.16", ".spec.size: "},
		{`{name: a, other: 1}`, "1.16", ".spec.other: version 1.16 has no such field"},
	} {
		o := map[string]any{"metadata": map[string]any{"name": "it", "namespace": "x"}, "spec": decoded(t, c.spec)}
		got := strings.Join(f.Check(o, c.version), "\n")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s in %s: %q, want %q", c.spec, c.version, got, c.want)
		}
	}
	other := map[string]any{"metadata": map[string]any{"name": "other"}, "spec": decoded(t, "{name: a}")}
	if got := f.Check(other, "1.16"); len(got) != 2 {
		t.Errorf("name and namespace: %q", got)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	list, err := schematest.Objects("it: " + text)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]["it"]
}
