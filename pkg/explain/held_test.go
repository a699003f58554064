package explain_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// held compares the schema with Load.
type held struct {
	t        *testing.T
	root     *explain.Schema
	compiled *jsonschema.Schema
	probe    *prober
}

func newHeld(t *testing.T) *held {
	t.Helper()
	root, err := deriveSchema("../..", explain.InstallConfig(), types.InstallConfig{}, platforms.All().Kinds())
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", generic(t, root)); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	return &held{t, root, compiled, newProber(t, platforms.All().Kinds())}
}

func generic(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// each visits every field of the current form of the file, with its enclosing one.
func (h *held) each(visit func(at path, s, in *explain.Schema)) {
	var walk func(at path, in *explain.Schema)
	walk = func(at path, in *explain.Schema) {
		for _, name := range in.Fields() {
			s := in.Object().Properties[name]
			if s.Deprecated {
				continue // the bases have the new form, and a file may have only one
			}
			visit(at.child(name), s, in)
			if s.Not == nil {
				inner := at.child(name)
				if s.Items != nil {
					inner = inner.child("[]")
				}
				walk(inner, s)
			}
		}
	}
	walk(nil, h.root)
}

// both checks that Load and the schema accept or reject a value at a path.
func (h *held) both(at path, platform string, value any, good bool) {
	h.t.Helper()
	doc := with(parse(h.probe.full[platform]), at, value)
	rejected := false
	for _, f := range h.probe.ask(encode(doc), func(doc any) any { return doc }) {
		outer := f.Type == report.Required && within(finding(at), f.Path.String())
		rejected = rejected || !f.Warning && (within(f.Path.String(), finding(at)) || outer)
	}
	if rejected == good {
		h.t.Errorf("%s on %s: Load rejects %v: %v", at, platform, value, rejected)
	}
	err := h.compiled.Validate(generic(h.t, doc))
	if rejected := err != nil && strings.Contains(err.Error(), "at '/"+pointer(at)); rejected == good {
		h.t.Errorf("%s on %s: the schema rejects %v: %v, %v", at, platform, value, rejected, err)
	}
}

// pointer is a path in the validator's messages.
func pointer(at path) string { return strings.ReplaceAll(strings.Join(at, "/"), "[]", "0") }

// TestRequired compares the required fields, except hosts, which are required only
// with the machine API.
func TestRequired(t *testing.T) {
	h, compared := newHeld(t), 0
	h.each(func(at path, s, in *explain.Schema) {
		required, known := h.probe.required(at)
		if !known || s.Not != nil || at.String() == "platform.baremetal.hosts" {
			return
		}
		if compared++; required != in.Requires(at[len(at)-1]) {
			t.Errorf("%s: Load requires it: %v", at, required)
		}
	})
	if compared < 100 {
		t.Errorf("only %d fields were compared", compared)
	}
}

// TestChoices checks that Load accepts every value that the schema lists, and no
// other.
func TestChoices(t *testing.T) {
	h, compared := newHeld(t), 0
	h.each(func(at path, s, _ *explain.Schema) {
		if s.Items != nil {
			at = at.child("[]")
		}
		choice := s.Object()
		if len(choice.Enum) == 0 || len(choice.Properties) > 0 {
			return
		}
		compared++
		for _, v := range choice.Enum {
			if !h.probe.accepts(at, v) {
				t.Errorf("%s: Load rejects %v", at, v)
			}
		}
		if v := odd[choice.Type[0]]; h.probe.accepts(at, v) {
			t.Errorf("%s: Load accepts %v", at, v)
		}
	})
	if compared < 20 {
		t.Errorf("only %d choices were compared", compared)
	}
}

// TestRefused checks that Load accepts no value of a field that the schema refuses,
// and some value of every other field.
func TestRefused(t *testing.T) {
	h, refused := newHeld(t), 0
	h.each(func(at path, s, _ *explain.Schema) {
		if s.Not != nil {
			refused++
		}
		if got := h.probe.refused(at, s); got != (s.Not != nil) {
			t.Errorf("%s: Load refuses it: %v", at, got)
		}
	})
	if refused != 13 {
		t.Errorf("%d fields are refused", refused)
	}
}

// computed are fields whose default depends on others; the schema has none.
var computed = []string{
	"platform.baremetal.bootstrapProvisioningIP", "platform.baremetal.clusterProvisioningIP",
	"platform.baremetal.provisioningDHCPRange", "platform.baremetal.apiVIPs", "platform.baremetal.ingressVIPs",
}

// TestDefaults checks that Load sets the schema's defaults, and nothing else.
func TestDefaults(t *testing.T) {
	h := newHeld(t)
	filled := h.probe.defaults(t)
	compared := 0
	h.each(func(at path, s, in *explain.Schema) {
		got := filled[at.String()]
		if in.Requires(at[len(at)-1]) || s.WriteOnly || slices.Contains(computed, at.String()) {
			return
		}
		if got != nil || s.Default != nil {
			compared++
		}
		want := plain(s.Default)
		if got != nil && !reflect.DeepEqual(got, want) || got == nil && want != nil {
			t.Errorf("%s: Load sets %v, the schema says %v", at, got, want)
		}
	})
	if compared < 30 {
		t.Errorf("only %d defaults were compared", compared)
	}
}

// TestProberSees checks the prober itself, so that the comparisons cannot pass
// because it finds nothing.
func TestProberSees(t *testing.T) {
	p := newProber(t, platforms.All().Kinds())
	for at, want := range map[string]bool{
		"baseDomain": true, "metadata": true, "metadata.name": true, "pullSecret": true, "sshKey": false,
		"networking": false, "networking.clusterNetwork.[].cidr": true, "networking.clusterNetwork.[].hostPrefix": false,
		"imageDigestSources.[].source": true, "platform.ovirt.ovirt_cluster_id": true, "platform.ovirt": false,
		"platform": true,
	} {
		if got, known := p.required(path(strings.Split(at, "."))); got != want || !known {
			t.Errorf("%s: required %v, known %v", at, got, known)
		}
	}
	if !p.accepts(path{"publish"}, "External") || p.accepts(path{"publish"}, "no-such-value") {
		t.Error("values of publish")
	}
	text := &explain.Schema{Type: explain.Types{"string"}}
	if !p.refused(path{"credentialsMode"}, text) || p.refused(path{"baseDomain"}, text) {
		t.Error("refused fields")
	}
}

// TestShorten shows which sentences of comments are removed.
func TestShorten(t *testing.T) {
	networks := []any{map[string]any{"cidr": "10.0.0.0/16"}}
	for _, tt := range []struct {
		comment string
		value   any
		want    string // empty: it contradicts the tag
	}{
		{"x is a. Default: none.", nil, "x is a."},
		{"x is a. Default: one that fits. It stays.", nil, "x is a. Default: one that fits. It stays."},
		{"x is a. Default: External. It stays.", "External", "x is a. It stays."},
		{"x is a. Default: 10.0.0.0/16.", networks, "x is a."},
		{"x is a. Default: 4.", 3, ""},
	} {
		s := &explain.Schema{Description: tt.comment, Default: tt.value}
		w := walker{}
		w.shorten(s, path{"x"})
		if (len(w.errs) > 0) != (tt.want == "") || tt.want != "" && s.Description != tt.want {
			t.Errorf("%s: became %q, %v", tt.comment, s.Description, w.errs)
		}
	}
}
