package explain_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const vmExample = "../../docs/user/examples/virtualization/virtualization.yaml"

// virtual is what is needed to compare the schema of virtualization.yaml with Load.
type virtual struct {
	*testing.T
	compiled *jsonschema.Schema
	schema   *explain.Schema
	// examples are the example, and the example with each group of commented fields. There are several of each, with other
	// items at the beginning of lists, because paths are about the first item.
	examples []any
}

func newVirtual(t *testing.T) *virtual {
	t.Helper()
	v := &virtual{T: t, schema: loadOf(t, explain.Virtualization())}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(explain.Virtualization().JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("virtualization.json", doc); err != nil {
		t.Fatal(err)
	}
	if v.compiled, err = c.Compile("virtualization.json"); err != nil {
		t.Fatal(err)
	}
	text, groups, _ := uncommented(t, vmExample)
	for _, g := range append(groups, text) {
		var node any
		if err := yaml.Unmarshal([]byte(g), &node); err != nil {
			t.Fatal(err)
		}
		for first := range 4 {
			v.examples = append(v.examples, rotated(clone(node), first))
		}
	}
	return v
}

// rotated is a document with other items at the beginning of lists.
func rotated(node any, first int) any {
	switch n := node.(type) {
	case map[string]any:
		for k, e := range n {
			n[k] = rotated(e, first)
		}
	case []any:
		for i, e := range n {
			n[i] = rotated(e, first)
		}
		if len(n) > 0 {
			first %= len(n)
			return slices.Concat(n[first:], n[:first])
		}
	}
	return node
}

// valid reports whether the schema takes a document.
func (v *virtual) valid(doc any) bool { return v.compiled.Validate(generic(v.T, doc)) == nil }

// findings are those of Load about a field.
func (v *virtual) findings(doc any, at path) []report.Finding {
	_, r := virtualization.Load(virtualization.File, encode(doc))
	return slices.DeleteFunc(r.Findings(), func(f report.Finding) bool {
		return f.Warning || !within(f.Path.String(), finding(at))
	})
}

// each visits every field of the schema with an example that has it.
func (v *virtual) each(visit func(at path, s *explain.Schema, in *explain.Schema, example any)) {
	var walk func(at path, in *explain.Schema)
	walk = func(at path, in *explain.Schema) {
		for _, name := range in.Fields() {
			s, below := in.Object().Properties[name], at.child(name)
			i := slices.IndexFunc(v.examples, func(e any) bool { return below.in(e) })
			if i < 0 {
				if !notShown.MatchString(below.String()) {
					v.Errorf("the example does not show %s", below)
				}
				continue
			}
			visit(below, s, in, v.examples[i])
			if s.Items != nil {
				below = below.child("[]")
			}
			walk(below, s)
		}
	}
	walk(nil, v.schema)
}

// notShown are fields of the same struct as others, and certificates, which would be read as some that mean something.
var notShown = regexp.MustCompile(`^hyperConverged\.infra\.|caCertificate$`)

// vmSamples has values of all forms. For each field with a form or a limit the schema must refuse at least one.
var vmSamples = []any{
	"text", "Text", "a b", "a/b", "/a/", "10Gi", "big", "5m", "soon", "50%", "0", "200%", "0.055", "2", "quay.io/a/b:c", "0 3 * * *",
	"https://a.test", "ftp://a.test", "r.test:5000", "/var/a", "/dev/sdb", "8086", "10DE:2236", "0000:3b:00.0", "a.com/b", "192.0.2.0/24",
	"-----BEGIN", strings.Repeat("a", 300), 0, 1, 5, 9, 10, 90, 4095, 70000, -1, true, map[string]any{}, map[string]any{"x": 1},
	[]any{}, []any{"text"}, []any{"a b"}, []any{"LiveMigrate"}, []any{"/dev/sdb"}, []any{"192.0.2.0/24"}, []any{"x", "x"},
}

// TestVirtualizationSchemaIsObeyed puts many values into every field. What the schema refuses, Load must refuse, so that no
// editor complains about a file that is right; and Load must find the field of which the schema complains. An empty text is
// the same as none for Load only.
func TestVirtualizationSchemaIsObeyed(t *testing.T) {
	v, count := newVirtual(t), 0
	for _, e := range v.examples {
		if !v.valid(e) {
			t.Errorf("the schema refuses an example: %v", v.compiled.Validate(generic(t, e)))
		}
	}
	v.each(func(at path, s, in *explain.Schema, example any) {
		count++
		refused := 0
		for _, value := range vmSamples {
			doc := with(clone(example), at, value)
			if v.valid(doc) {
				continue
			}
			if refused++; len(v.findings(doc, at)) == 0 {
				t.Errorf("%s: Load takes %v, the schema does not", at, value)
			}
		}
		o := s.Object()
		limited := o.Pattern != "" || o.Minimum != nil || o.Maximum != nil || o.MaxLength != nil || len(o.Enum) > 0
		if refused == 0 && len(s.Type) > 0 || limited && refused < 3 {
			t.Errorf("%s: only %d values are refused", at, refused)
		}
		for _, value := range o.Enum {
			if s.Items != nil {
				value = []any{value}
			}
			for _, f := range v.findings(with(clone(example), at, value), at) {
				if f.Type == report.Unsupported {
					t.Errorf("%s: Load does not know %v", at, value)
				}
			}
		}
		needed := slices.ContainsFunc(v.findings(without(clone(example), at), at), func(f report.Finding) bool {
			return f.Type == report.Required
		})
		if required := in.Requires(at[len(at)-1]); required != needed && !oneOfSeveral.MatchString(at.String()) {
			t.Errorf("%s: required is %v in the schema, %v in Load", at, required, needed)
		}
	})
	if count < 130 {
		t.Errorf("only %d fields", count)
	}
}

// oneOfSeveral are fields that are required only because the example has no other that could be in their place.
var oneOfSeveral = regexp.MustCompile(`^(backup\.(region|credentials\..*)|migration\.providers\[\]\.(credentials\.|ca).*|` +
	`networks\[\]\.(bridge|localnet|sriov|macvlan)|hyperConverged\.\w+\.tolerations\[\]\.key)$`)

func clone(doc any) any { return parse(encode(doc)) }

// TestVirtualizationExampleTellsDefaults compares the values of the example with the defaults in the schema.
func TestVirtualizationExampleTellsDefaults(t *testing.T) {
	text, _, _ := uncommented(t, vmExample)
	v, compared := newVirtual(t), 0
	v.each(func(at path, s, _ *explain.Schema, _ any) {
		if s.Default == nil || strings.HasPrefix(at.String(), "networks") {
			return
		}
		compared++
		name := at[len(at)-1]
		if !regexp.MustCompile(`\b` + name + `: "?` + regexp.QuoteMeta(strings.Trim(s.DefaultText(), `"`))).MatchString(text) {
			t.Errorf("%s: the example does not show the default %v", at, s.Default)
		}
	})
	if compared < 30 {
		t.Errorf("only %d defaults were compared", compared)
	}
}
