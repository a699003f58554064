package derive

import (
	"embed"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/explain"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// The files of base/ are small install-configs, one for each platform, and
// named <platform>-<what>.yaml what is merged with them: full, with the optional
// objects that can be together, and others that cannot be part of it.
//
//go:embed base/*.yaml
var baseFiles embed.FS

// prober asks types.Load what it says about an install-config with a change.
type prober struct {
	kinds []types.PlatformKind
	small map[string][]byte   // by platform: what has to be there and no more
	full  map[string][]byte   // by platform: with optional objects, each with what it has to have
	all   map[string][][]byte // by platform: both, and others
}

func newProber(kinds []types.PlatformKind) (*prober, error) {
	p := &prober{kinds: kinds, small: map[string][]byte{}, full: map[string][]byte{}, all: map[string][][]byte{}}
	for _, platform := range p.platforms(nil) {
		small, err := readBase(platform + ".yaml")
		if err != nil {
			return nil, err
		}
		p.small[platform] = encode(small)
		p.all[platform] = [][]byte{p.small[platform]}
		more, err := fs.Glob(baseFiles, "base/"+platform+"-*.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range more {
			change, err := readBase(filepath.Base(name))
			if err != nil {
				return nil, err
			}
			doc := encode(merged(parse(p.small[platform]), change))
			p.all[platform] = append(p.all[platform], doc)
			if filepath.Base(name) == platform+"-full.yaml" {
				p.full[platform] = doc
			}
		}
		for _, doc := range p.all[platform] {
			if _, r := p.load(doc); r.Failed() {
				return nil, fmt.Errorf("a base of platform %s is not accepted:\n%w\n%s", platform, r.Err(), doc)
			}
		}
	}
	return p, nil
}

func readBase(name string) (doc any, err error) {
	b, err := baseFiles.ReadFile("base/" + name)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return doc, nil
}

// load reads an install-config on a host that finds the names of the cluster in
// DNS.
func (p *prober) load(doc []byte) (*types.InstallConfig, *report.Report) {
	return types.Options{Platforms: p.kinds, Lookup: func(host string) []netip.Addr {
		if strings.HasPrefix(host, "api.") {
			return []netip.Addr{netip.MustParseAddr("10.0.0.2")}
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.3")}
	}}.Load("probe.yaml", doc)
}

// ask returns what is found about an install-config after a change.
func (p *prober) ask(doc []byte, change func(doc any) any) []report.Finding {
	_, r := p.load(encode(change(parse(doc))))
	return r.Findings()
}

// odd are values that no choice has.
var odd = map[string]any{"string": "no-such-value", "integer": -7}

// sameAs are fields that must be the same as another one, so that both have to
// be changed to see what is allowed.
var sameAs = map[string]path{
	"compute[0].architecture": {"controlPlane", "architecture"},
	"arbiter.architecture":    {"controlPlane", "architecture"},
}

// accepts says whether Load takes a value at a path, with any of the bases.
// Empty objects may lack something; that is no fault of theirs.
func (p *prober) accepts(at path, value any) bool {
	for _, platform := range p.platforms(at) {
		for _, base := range p.all[platform] {
			findings := p.ask(base, func(doc any) any {
				if other, ok := sameAs[at.String()]; ok {
					doc = with(doc, other, value)
				}
				return with(doc, at, value)
			})
			if !slices.ContainsFunc(findings, func(f report.Finding) bool {
				return !f.Warning && f.Type != report.Required && f.Path.String() != "" && within(at.String(), f.Path.String())
			}) {
				return true
			}
		}
	}
	return false
}

// refused says whether a field must be left out on every platform: no base has
// it, and Load takes none of the values that fields have.
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

// samples are values of all forms that a field of this type may want.
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
			"text", "/dev/sda", "172.22.0.20,172.22.0.90", "52:54:00:aa:bb:cc", "qemu:///system", "http://a.example.com:3128", "0:0:0:0",
			"https://a.example.com/a.qcow2.gz?sha256=" + strings.Repeat("0a", 32), "0a000000-0000-4000-8000-00000000000f",
			"compute", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY", certificate,
		},
	}[s.Type[0]]
}

func typed(text, kind string) any {
	if n, err := strconv.ParseInt(text, 10, 64); kind == "integer" && err == nil {
		return n
	}
	return text
}

// required says whether something is missing without the field, wherever what
// the field is in may be used. It is not known where that is in no base.
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

// needs says whether an install-config lacks something without the field, and
// whether what the field is in can be used there.
func (p *prober) needs(base []byte, at path) (needed, usable bool) {
	parent := at[:len(at)-1]
	inList := len(parent) > 0 && parent[len(parent)-1] == "[]" // then the item may be what lacks something
	usable = true
	for _, f := range p.ask(base, func(doc any) any { return without(with(doc, parent, nil), at) }) {
		switch path := f.Path.String(); {
		case f.Warning:
		case f.Type == report.Forbidden && path != "" && within(parent.String(), path):
			usable = false
		case f.Type == report.Required && (within(path, at.String()) || inList && path == parent.String()),
			f.Type == report.Invalid && path == at.String(),     // as of a number that must not be zero
			f.Type == report.Unsupported && path == at.String(): // as of a choice that must be made
			needed = true
		}
	}
	return needed, usable
}

// certificate is for a field that wants one; nothing has its key.
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
