package derive

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
)

// TestRules puts values on both sides of every bound and form of rules.go where
// they belong, and asks both types.Load and the schema.
func TestRules(t *testing.T) {
	w, root := derived(t)
	schema := compile(t, root)
	probe := w.probe
	tried := 0
	for key, r := range rules {
		for _, at := range w.used[key] {
			if isOld(root, at) {
				continue // the bases have the new form, and a file may have only one
			}
			for _, platform := range probe.platforms(at) {
				doc := func(v any) any { return with(parse(probe.full[platform]), at, v) }
				loadMinds := func(v any) bool {
					for _, f := range probe.ask(probe.full[platform], func(any) any { return doc(v) }) {
						if !f.Warning && (within(f.Path.String(), at.String()) || f.Type == report.Required && within(at.String(), f.Path.String())) {
							return true
						}
					}
					return false
				}
				for _, v := range r.good {
					if tried++; loadMinds(v) {
						t.Errorf("%s on %s: Load refuses %v", at, platform, v)
					}
					if err := schema.Validate(plain(t, doc(v))); err != nil && strings.Contains(err.Error(), "at '"+pointer(at)) {
						t.Errorf("%s on %s: the schema refuses %v: %v", at, platform, v, err)
					}
				}
				for _, v := range r.bad {
					if tried++; !loadMinds(v) {
						t.Errorf("%s on %s: Load accepts %v", at, platform, v)
					}
					if err := schema.Validate(plain(t, doc(v))); err == nil || !strings.Contains(err.Error(), "at '"+pointer(at)) {
						t.Errorf("%s on %s: the schema accepts %v: %v", at, platform, v, err)
					}
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d values were tried", tried)
	}
}

// derived is the schema and what it was derived with, for all tests.
func derived(t *testing.T) (*walker, *explain.Schema) {
	t.Helper()
	d, err := derivation()
	if err != nil {
		t.Fatal(err)
	}
	return d.walker, d.root
}

var derivation = sync.OnceValues(func() (derivedSchema, error) {
	w, err := newWalker("../../../..", platforms.All().Kinds())
	if err != nil {
		return derivedSchema{}, err
	}
	return derivedSchema{w, w.root()}, nil
})

type derivedSchema struct {
	walker *walker
	root   *explain.Schema
}

// isOld says whether a field, or what it is in, is of an old form of the file.
func isOld(s *explain.Schema, at path) bool {
	for _, name := range at {
		if name == "[]" {
			continue
		}
		if s = s.Object().Properties[name]; s.Deprecated {
			return true
		}
	}
	return false
}

// pointer is a path as the validator writes it.
func pointer(at path) string {
	return "/" + strings.ReplaceAll(strings.Join(at, "/"), "[]", "0")
}

func compile(t *testing.T, s *explain.Schema) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", plain(t, s)); err != nil {
		t.Fatal(err)
	}
	out, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func plain(t *testing.T, v any) any {
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

// TestSettle shows what becomes of the sentences of comments.
func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		comment, tag string
		value        any
		want, err    string
	}{
		{"x is a. Default: none.", "", nil, "x is a.", ""},
		{"x is a. Default: one that fits. It stays.", "", nil, "x is a. Default: one that fits. It stays.", ""},
		{"x is a. Default: External. It stays.", "External", "External", "x is a. It stays.", ""},
		{"x is a. Default: 10.0.0.0/16.", "", []any{map[string]any{"cidr": "10.0.0.0/16"}}, "x is a.", ""},
		{"x is a. Default: 4.", "", 3.0, "", `the comment says "Default: 4.", Load fills in 3`},
		{"x is a.", "4", 3.0, "", "the tag says default 4, Load fills in 3"},
		{"x is a.", "4", nil, "", "the tag says default 4, Load fills in nothing"},
	} {
		s := &explain.Schema{Description: tt.comment, Default: tt.value}
		w := walker{tags: map[*explain.Schema]string{s: tt.tag}}
		w.settleField(s, path{"x"})
		switch {
		case tt.err == "" && len(w.errs) > 0, tt.err != "" && (len(w.errs) != 1 || !strings.HasSuffix(w.errs[0].Error(), tt.err)):
			t.Errorf("%s: errors %v", tt.comment, w.errs)
		case tt.err == "" && s.Description != tt.want:
			t.Errorf("%s: became %q", tt.comment, s.Description)
		}
	}
}

// TestProberSees keeps the checks from passing because they see nothing.
func TestProberSees(t *testing.T) {
	p, err := newProber(platforms.All().Kinds())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"baseDomain": true, "metadata": true, "metadata.name": true, "pullSecret": true, "sshKey": false, "networking": false,
		"networking.clusterNetwork.[].cidr": true, "networking.clusterNetwork.[].hostPrefix": false,
		"imageDigestSources.[].source": true, "platform.ovirt.ovirt_cluster_id": true, "platform.ovirt": false, "platform": true,
	} {
		if got, known := p.required(path(strings.Split(at, "."))); got != want || !known {
			t.Errorf("%s: required %v, known %v", at, got, known)
		}
	}
	if !p.accepts(path{"publish"}, "External") || p.accepts(path{"publish"}, "no-such-value") {
		t.Error("values of publish")
	}
	if !p.refused(path{"credentialsMode"}, &explain.Schema{Type: explain.Types{"string"}}) || p.refused(path{"baseDomain"}, &explain.Schema{Type: explain.Types{"string"}}) {
		t.Error("what must be left out")
	}
}

// TestRefusedFields lists the fields that have to be left out, so that one that
// Load refuses for want of a fitting sample does not slip in.
func TestRefusedFields(t *testing.T) {
	_, root := derived(t)
	var got []string
	var walk func(at path, s *explain.Schema)
	walk = func(at path, s *explain.Schema) {
		for _, name := range s.Fields() {
			p := s.Object().Properties[name]
			if p.Not != nil {
				got = append(got, strings.Join(at.child(name), "."))
			}
			walk(at.child(name), p)
		}
	}
	walk(nil, root)
	want := []string{
		"arbiter.diskSetup", "arbiter.fencing", "arbiter.osImageStream", "arbiter.platform.ovirt",
		"compute.diskSetup", "compute.fencing", "compute.osImageStream",
		"controlPlane.diskSetup", "controlPlane.osImageStream",
		"credentialsMode", "networking.clusterNetworkMTU", "operatorPublishingStrategy", "pki",
	}
	if !slices.Equal(got, want) {
		t.Errorf("refused are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
