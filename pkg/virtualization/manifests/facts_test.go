package manifests_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// facts is what the API server accepts of a kind, as testdata/schemas has it. A field is
//
//	text [/pattern/], bool, int [from..to], quantity, enum A B, any
//	{type}, [type]  a mapping or a list of these, in quotes
//	a mapping       an object with these fields and no others
//	a list          a list of its one item
//
// "int|text" takes both. A key that ends with ! is required. Before it can be the versions that have
// the field: 1.16, 1.16+, or 1.14-1.16.
type facts struct {
	Group    string
	Kind     string
	Versions []string
	Name     string
	Cluster  bool
	Fields   map[string]any `yaml:",inline"`
}

func readFacts(t *testing.T) map[string]facts {
	t.Helper()
	files, err := filepath.Glob("testdata/schemas/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no facts: %v", err)
	}
	all := map[string]facts{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(f)
		for {
			var one facts
			if err := dec.Decode(&one); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[one.Group+" "+one.Kind] = one
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// check returns what is wrong with an object, for a version of its operator.
func (f facts) check(o map[string]any, version string) []string {
	c := checker{version: version}
	meta, _ := o["metadata"].(map[string]any)
	if f.Name != "" {
		c.value("metadata.name", meta["name"], "text "+f.Name)
	}
	if namespaced := meta["namespace"] != nil; namespaced == f.Cluster {
		c.bad("metadata.namespace", "is set: %v", namespaced)
	}
	rest := maps.Clone(o)
	for _, key := range []string{"apiVersion", "kind", "metadata"} {
		delete(rest, key)
	}
	c.fields("", rest, f.Fields)
	return c.wrong
}

type checker struct {
	version string
	wrong   []string
}

func (c *checker) bad(at, format string, args ...any) {
	c.wrong = append(c.wrong, at+": "+fmt.Sprintf(format, args...))
}

var keyForm = regexp.MustCompile(`^(?:(\d+\.\d+)(\+|-\d+\.\d+)? )?([^ !]+)(!?)$`)

// covers reports whether a key is for the version.
func covers(version, from, to string) bool {
	v, _ := versions.MinorOf(version)
	low, ok := versions.ParseMinor(from)
	if !ok {
		return true
	}
	high := low
	if to == "+" {
		return v.Since(low)
	} else if to != "" {
		high, _ = versions.ParseMinor(to[1:])
	}
	return v.Since(low) && high.Since(v)
}

func (c *checker) fields(at string, o, known map[string]any) {
	types := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		part := keyForm.FindStringSubmatch(key)
		if part == nil {
			c.bad(at, "the facts have a key %q", key)
			continue
		}
		if !covers(c.version, part[1], part[2]) {
			continue
		}
		types[part[3]] = known[key]
		if _, is := o[part[3]]; !is && part[4] != "" {
			c.bad(at+"."+part[3], "is required")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if types[key] == nil {
			c.bad(at+"."+key, "version %s has no such field", c.version)
			continue
		}
		c.value(at+"."+key, o[key], types[key])
	}
}

func (c *checker) value(at string, v, kind any) {
	switch kind := kind.(type) {
	case map[string]any:
		if o, ok := v.(map[string]any); ok {
			c.fields(at, o, kind)
		} else {
			c.bad(at, "is %T, not an object", v)
		}
	case []any:
		c.items(at, v, kind[0])
	case string:
		c.typed(at, v, kind)
	default:
		c.bad(at, "the facts have %T", kind)
	}
}

func (c *checker) items(at string, v, kind any) {
	list, ok := v.([]any)
	if !ok {
		c.bad(at, "is %T, not a list", v)
	}
	for i, item := range list {
		c.value(fmt.Sprintf("%s[%d]", at, i), item, kind)
	}
}

func (c *checker) typed(at string, v any, kind string) {
	word, rest, _ := strings.Cut(kind, " ")
	switch {
	case word == "any":
	case strings.HasPrefix(kind, "["):
		c.items(at, v, strings.Trim(kind, "[]"))
	case strings.HasPrefix(kind, "{"):
		o, ok := v.(map[string]any)
		if !ok {
			c.bad(at, "is %T, not a mapping", v)
		}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			c.value(at+"."+key, o[key], strings.Trim(kind, "{}"))
		}
	case word == "bool":
		if _, ok := v.(bool); !ok {
			c.bad(at, "is %T, not a boolean", v)
		}
	case word == "int", word == "int|text" && isInt(v):
		n, ok := v.(int64)
		from, to, bounded := strings.Cut(rest, "..")
		low, _ := strconv.ParseInt(from, 10, 64)
		high, err := strconv.ParseInt(to, 10, 64)
		if !ok {
			c.bad(at, "is %T, not a whole number", v)
		} else if word == "int" && bounded && (n < low || err == nil && n > high) {
			c.bad(at, "%d is not in %s", n, rest)
		}
	case word == "quantity":
		if text, ok := v.(string); !ok {
			c.bad(at, "is %T, not text", v)
		} else if _, err := resource.ParseQuantity(text); err != nil {
			c.bad(at, "%q: %v", text, err)
		}
	case word == "text", word == "int|text":
		text, ok := v.(string)
		if !ok {
			c.bad(at, "is %T, not text", v)
		} else if rest != "" && !regexp.MustCompile(strings.Trim(rest, "/")).MatchString(text) {
			c.bad(at, "%q does not match %s", text, rest)
		}
	case word == "enum":
		if text, ok := v.(string); !ok || !slices.Contains(strings.Fields(rest), text) {
			c.bad(at, "%v is none of %s", v, rest)
		}
	default:
		c.bad(at, "the facts have %q", kind)
	}
}

func isInt(v any) bool { _, ok := v.(int64); return ok }

// The checker finds what it is for.
func TestFacts(t *testing.T) {
	f := facts{Name: "/^it$/", Fields: map[string]any{
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
		got := strings.Join(f.check(o, c.version), "\n")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s in %s: %q, want %q", c.spec, c.version, got, c.want)
		}
	}
	other := map[string]any{"metadata": map[string]any{"name": "other"}, "spec": decoded(t, "{name: a}")}
	if got := f.check(other, "1.16"); len(got) != 2 {
		t.Errorf("name and namespace: %q", got)
	}
}

// decoded is YAML with the numbers that manifests have.
func decoded(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return numbers(v)
}

func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case int:
		return int64(v)
	}
	return v
}
