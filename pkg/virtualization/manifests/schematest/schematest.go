// Package schematest checks objects as the API servers of clusters with the operators of the virtualization stack
// would: by facts that were written down from the definitions of their kinds, and by Go types where modules have them.
package schematest

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/release/versions"
)

// Facts are what the API server accepts of a kind, as a file of schemas has it. A field is
//
//	text [/pattern/], bool, int [from..to], quantity, enum A B, any
//	{type}, [type]  a mapping or a list of these, in quotes
//	a mapping       an object with these fields and no others
//	a list          a list of its one item
//
// "int|text" takes both. A key that ends with ! is required. Before it can be the versions that have
// the field: 1.16, 1.16+, or 1.14-1.16.
type Facts struct {
	Group    string
	Kind     string
	Versions []string
	Name     string
	Cluster  bool
	ByUsers  bool           `yaml:"-"` // we make no such objects; pages show them
	Fields   map[string]any `yaml:",inline"`
}

//go:embed schemas
var schemas embed.FS

// Read reads the facts of all kinds, by apiVersion and kind.
func Read(t testing.TB) map[string]Facts {
	t.Helper()
	files, err := fs.Glob(schemas, "schemas/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no facts: %v", err)
	}
	all := map[string]Facts{}
	for _, file := range files {
		text, err := schemas.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(text))
		for {
			one := Facts{ByUsers: file == users}
			if err := dec.Decode(&one); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[one.Group+" "+one.Kind] = one
		}
	}
	return all
}

// users has the kinds of which only users make objects.
const users = "schemas/users.yaml"

// Check returns what is wrong with an object, for a version of its operator.
func (f Facts) Check(o map[string]any, version string) []string {
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
