package explain_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// prober loads install-configs with a change. testdata/base/ has a small install-config for
// each platform and, as <platform>-<name>.yaml, files to be merged into it: full,
// with all optional objects that can be combined, and others that cannot.
type prober struct {
	kinds []types.PlatformKind
	full  map[string][]byte   // by platform: with optional objects and their required fields
	all   map[string][][]byte // by platform: small, full and others
}

func newProber(t *testing.T, kinds []types.PlatformKind) *prober {
	t.Helper()
	p := &prober{kinds: kinds, full: map[string][]byte{}, all: map[string][][]byte{}}
	for _, platform := range p.platforms(nil) {
		small := encode(readBase(t, "testdata/base/"+platform+".yaml"))
		p.all[platform] = [][]byte{small}
		more, err := filepath.Glob("testdata/base/" + platform + "-*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range more {
			doc := encode(merged(parse(small), readBase(t, name)))
			p.all[platform] = append(p.all[platform], doc)
			if filepath.Base(name) == platform+"-full.yaml" {
				p.full[platform] = doc
			}
		}
		for _, doc := range p.all[platform] {
			if _, r := p.load(doc); r.Failed() {
				t.Fatalf("a base of platform %s is not accepted:\n%v\n%s", platform, r.Err(), doc)
			}
		}
	}
	return p
}

func readBase(t *testing.T, name string) (doc any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

var platformPart = regexp.MustCompile(`(?:^|\.)platform\.([a-z]+)`)

// platforms lists the platforms with which a field at the path can be used.
func (p *prober) platforms(at path) []string {
	if m := platformPart.FindStringSubmatch(at.String()); m != nil {
		return []string{m[1]}
	}
	return types.Names(p.kinds, func(types.PlatformKind) bool { return true })
}

// finding is a path in findings about the first items of lists.
func finding(at path) string { return strings.ReplaceAll(at.String(), "[]", "[0]") }

// load reads an install-config with DNS records for the names of the cluster.
func (p *prober) load(doc []byte) (*types.InstallConfig, *report.Report) {
	return types.Options{Platforms: p.kinds, Lookup: func(host string) []netip.Addr {
		if strings.HasPrefix(host, "api.") {
			return []netip.Addr{netip.MustParseAddr("10.0.0.2")}
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.3")}
	}}.Load("probe.yaml", doc)
}

// ask returns the findings about an install-config after a change.
func (p *prober) ask(doc []byte, change func(doc any) any) []report.Finding {
	_, r := p.load(encode(change(parse(doc))))
	return r.Findings()
}

// odd has values that are never allowed.
var odd = map[string]any{"string": "no-such-value", "integer": -7}

// sameAs are fields that must equal another one, so that both have to be changed.
var sameAs = map[string]path{
	"compute[0].architecture": {"controlPlane", "architecture"},
	"arbiter.architecture":    {"controlPlane", "architecture"},
}

// accepts reports whether Load accepts a value at a path, with any of the bases.
// Missing required fields in empty objects do not count.
func (p *prober) accepts(at path, value any) bool {
	for _, platform := range p.platforms(at) {
		for _, base := range p.all[platform] {
			findings := p.ask(base, func(doc any) any {
				if other, ok := sameAs[finding(at)]; ok {
					doc = with(doc, other, value)
				}
				return with(doc, at, value)
			})
			if !slices.ContainsFunc(findings, func(f report.Finding) bool {
				return !f.Warning && f.Type != report.Required && f.Path.String() != "" && within(finding(at), f.Path.String())
			}) {
				return true
			}
		}
	}
	return false
}

// refused reports whether a field must be omitted on every platform: no base has it,
// and Load accepts no sample value.
func (p *prober) refused(at path, s *explain.Schema) bool {
	for _, platform := range p.platforms(at) {
		for _, base := range p.all[platform] {
			if at.in(parse(base)) {
				return false
			}
		}
	}
	return !slices.ContainsFunc(samples(s), func(v any) bool { return p.accepts(at, v) })
}

// samples returns values in all formats that a field of this type may need.
func samples(s *explain.Schema) (out []any) {
	switch {
	case len(s.Enum) > 0:
		return s.Enum
	case s.Items != nil:
		for _, v := range samples(s.Items) {
			out = append(out, []any{v})
		}
		return out
	case s.Format == "ip":
		return []any{"10.0.0.9", "172.22.0.9"}
	case s.Format == "cidr":
		return []any{"10.0.0.0/16", "10.200.0.0/16"}
	case len(s.Type) == 0:
		return []any{"text"}
	}
	return map[string][]any{
		"integer": {1, 24, 1400},
		"boolean": {true},
		"object":  {map[string]any{}},
		"string": {
			"text", "/dev/sda", "172.22.0.20,172.22.0.90", "52:54:00:aa:bb:cc", "qemu:///system",
			"http://a.example.com:3128", "0:0:0:0",
			"https://a.example.com/a.qcow2.gz?sha256=" + strings.Repeat("0a", 32), "0a000000-0000-4000-8000-00000000000f",
			"compute", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY", certificate,
		},
	}[s.Type[0]]
}

// required reports whether the field is required wherever its enclosing field can be
// used. It is not known if no base has that.
func (p *prober) required(at path) (required, known bool) {
	for _, platform := range p.platforms(at) {
		for _, base := range p.all[platform] {
			needed, usable := p.needs(base, at)
			if usable && !needed {
				return false, true
			}
			known = known || usable
		}
	}
	return known, known
}

// needs reports whether an install-config needs the field, and whether the enclosing
// field can be used in it.
func (p *prober) needs(base []byte, at path) (needed, usable bool) {
	parent := at[:len(at)-1]
	inList := len(parent) > 0 && parent[len(parent)-1] == "[]" // the finding may be about the item
	usable = true
	for _, f := range p.ask(base, func(doc any) any { return without(with(doc, parent, nil), at) }) {
		switch path := f.Path.String(); {
		case f.Warning:
		case f.Type == report.Forbidden && path != "" && within(finding(parent), path):
			usable = false
		case f.Type == report.Required && (within(path, finding(at)) || inList && path == finding(parent)),
			f.Type == report.Invalid && path == finding(at),     // a number that must not be zero
			f.Type == report.Unsupported && path == finding(at): // a choice without a default
			needed = true
		}
	}
	return needed, usable
}

// certificate is a sample. Its key does not exist.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUPu5FxQwK9EynMJVGf2ibyn2UFfkwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFcHJvYmUwHhcNMjYxMTIxMDk0NzQwWhcNMzYxMTE4MDk0NzQw
WjAQMQ4wDAYDVQQDDAVwcm9iZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG7B
LfVJakjggAzDwYWrIlAdDZXcR/JEbqJaooheJVuJEMUG+7g6r8OX52Bfx4lCxHLv
SRlC/Xx+aZ3ymUy/HbOjUzBRMB0GA1UdDgQWBBQ1JiGERuQV9QWEIHnp/Ea+3rAR
+TAfBgNVHSMEGDAWgBQ1JiGERuQV9QWEIHnp/Ea+3rAR+TAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIEySmZf19Pm1ulV71dKmzDxHGAn+FtiG+Lum
l6m7kH3UAiALM5PyXuOR8WZxqaMLh2/GXfw6GYYV0A44R1Jgyk4S0Q==
-----END CERTIFICATE-----
`

// defaults returns the values that Load sets where a base has none, by the path of
// the field.
func (p *prober) defaults(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, platform := range p.platforms(nil) {
		for _, doc := range p.all[platform] {
			c, r := p.load(doc)
			if c == nil {
				t.Fatal(r.Err())
			}
			note(t, out, nil, parse(doc), plain(c))
		}
	}
	return out
}

// note records values at a path that Load has set.
func note(t *testing.T, out map[string]any, at path, written, loaded any) {
	t.Helper()
	switch l := loaded.(type) {
	case map[string]any:
		w, _ := written.(map[string]any)
		for name, v := range l {
			note(t, out, at.child(name), w[name], v)
		}
		return
	case []any:
		if w, _ := written.([]any); len(w) > 0 && len(l) > 0 {
			note(t, out, at.child("[]"), w[0], l[0])
			return
		}
	}
	value := pruned(loaded)
	if value == nil || written != nil {
		return
	}
	if known, ok := out[at.String()]; ok && !reflect.DeepEqual(known, value) {
		t.Errorf("%s has several defaults, %v and %v", at, known, value)
	}
	out[at.String()] = value
}

// pruned removes empty values, and the machines of pools, which have their own
// defaults.
func pruned(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e = pruned(e); e != nil && k != "platform" {
				out[k] = e
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
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
