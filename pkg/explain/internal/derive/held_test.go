package derive

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
)

// held is the schema beside what Load does.
type held struct {
	t        *testing.T
	root     *explain.Schema
	compiled *jsonschema.Schema
	probe    *prober
}

func newHeld(t *testing.T) *held {
	t.Helper()
	root, err := Schema("../../../..", platforms.All().Kinds())
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

// each visits every field of the current form of the file, with what it is in.
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

// both checks that Load and the schema accept or refuse a value at a path.
func (h *held) both(at path, platform string, value any, good bool) {
	h.t.Helper()
	doc := with(parse(h.probe.full[platform]), at, value)
	minds := false
	for _, f := range h.probe.ask(encode(doc), func(doc any) any { return doc }) {
		outer := f.Type == report.Required && within(finding(at), f.Path.String())
		minds = minds || !f.Warning && (within(f.Path.String(), finding(at)) || outer)
	}
	if minds == good {
		h.t.Errorf("%s on %s: Load minds %v: %v", at, platform, value, minds)
	}
	err := h.compiled.Validate(generic(h.t, doc))
	if minds := err != nil && strings.Contains(err.Error(), "at '/"+pointer(at)); minds == good {
		h.t.Errorf("%s on %s: the schema minds %v: %v, %v", at, platform, value, minds, err)
	}
}

// pointer is a path as the validator writes it.
func pointer(at path) string { return strings.ReplaceAll(strings.Join(at, "/"), "[]", "0") }

// TestRequired: without the machine API there are no hosts to register, so hosts
// are required or not by what is in other fields.
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

// TestChoices: Load takes every value that the schema lists, and no other.
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
				t.Errorf("%s: Load refuses %v", at, v)
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

// TestRefused: Load takes no value of a field that the schema refuses, and some
// value of every other.
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

// computed are fields whose default depends on others, so that the schema has none.
var computed = []string{
	"platform.baremetal.bootstrapProvisioningIP", "platform.baremetal.clusterProvisioningIP",
	"platform.baremetal.provisioningDHCPRange", "platform.baremetal.apiVIPs", "platform.baremetal.ingressVIPs",
}

// TestDefaults: Load fills in the schema's defaults, and nothing else.
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
			t.Errorf("%s: Load fills in %v, the schema says %v", at, got, want)
		}
	})
	if compared < 30 {
		t.Errorf("only %d defaults were compared", compared)
	}
}

// TestProberSees keeps the comparisons from passing because they see nothing.
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
		t.Error("what must be left out")
	}
}

// TestShorten shows what becomes of the sentences of comments.
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
