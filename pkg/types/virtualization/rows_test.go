package virtualization_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// A row is a case: a file below apiVersion and kind, and the cluster that it is for.
//
// What it gives is a line for each finding, `path: Type` or `warns path`, with `@ text` behind it if the finding must
// point to a line with this text and `~ text` if its detail must have it. A line `path = JSON` is a value of the
// result; null if there is none.
type row struct {
	name    string
	cluster virtualization.Cluster
	config  string
	gives   string
}

const head = "apiVersion: virtualization.okd-install.io/v1alpha1\nkind: Virtualization\n"

const release = "4.21.0-okd-scos.3"

var (
	single  = virtualization.Cluster{Release: release, Masters: 1}
	compact = virtualization.Cluster{Release: release, Masters: 3}
	two     = virtualization.Cluster{Release: release, Masters: 3, Workers: 2}
	three   = virtualization.Cluster{Release: release, Masters: 3, Workers: 3}
	lone    = virtualization.Cluster{Release: release, Masters: 3, Workers: 1}
	bare    = virtualization.Cluster{Release: release, Masters: 3, Workers: 2, NoOperators: true}
	weak    = virtualization.Cluster{Release: release, Masters: 3, Workers: 2, Virtual: true, NoKVM: "vmType server"}
	nested  = virtualization.Cluster{Release: release, Masters: 3, Workers: 2, Virtual: true}
)

// at is a cluster of another release.
func at(release string) virtualization.Cluster {
	k := two
	k.Release = release
	return k
}

// mirrored is a cluster with mirrors of sources, which are on mirror.test below their own paths.
func mirrored(sources ...string) virtualization.Cluster {
	k := two
	for _, s := range sources {
		_, path, _ := strings.Cut(s, "/")
		k.Mirrors = append(k.Mirrors, virtualization.Mirror{Source: s, Mirrors: []string{
			strings.TrimSuffix("mirror.test:5000/"+path, "/"), "second.test/" + path,
		}})
	}
	return k
}

// nearer has mirrors of a registry and of a part of it.
var nearer = virtualization.Cluster{Release: release, Masters: 3, Workers: 2, Mirrors: []virtualization.Mirror{
	{Source: "quay.io/containerdisks", Mirrors: []string{"quay.io.mirror.test/containerdisks"}},
	{Source: "quay.io", Mirrors: []string{"other.test"}}, {Source: "quay.io/containerdisks/fedora"},
}}

// rwx is a storage that spares the rows the warning about disks that stay on their node.
const rwx = "storage: {class: shared}\n"

func run(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { r.run(t) })
	}
}

func (r row) run(t *testing.T) {
	t.Helper()
	text := r.config
	if !strings.HasPrefix(text, "!") {
		text = head + text
	}
	text = strings.TrimPrefix(text, "!")
	config, found := virtualization.Load(virtualization.File, []byte(text))
	if config != nil {
		loaded := found
		config, found = config.Fit(virtualization.File, r.cluster)
		found.Include(loaded)
	}
	var want []string
	for line := range strings.Lines(r.gives) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	for _, f := range found.Findings() {
		i := slices.IndexFunc(want, func(w string) bool { return matches(f, text, w) })
		if i < 0 {
			t.Errorf("unexpected finding of:\n%s", strings.Join(append(found.Lines(false), found.Lines(true)...), "\n"))
			continue
		}
		want = slices.Delete(want, i, i+1)
	}
	for _, w := range want {
		path, value, isValue := strings.Cut(w, " = ")
		switch {
		case !isValue:
			t.Errorf("missing %q; there are:\n%s", w, strings.Join(append(found.Lines(false), found.Lines(true)...), "\n"))
		case config == nil:
			t.Errorf("no result:\n%v", found.Err())
		default:
			if got := lookup(t, config, path); got != value {
				t.Errorf("%s is %s, want %s", path, got, value)
			}
		}
	}
	checkLines(t, found)
	if lines := strings.Join(append(found.Lines(false), found.Lines(true)...), "\n"); strings.Contains(lines, "s3cr3t") {
		t.Errorf("a secret is shown in\n%s", lines)
	}
}

// matches reports whether a finding is what a line says.
func matches(f report.Finding, text, line string) bool {
	line, detail, _ := strings.Cut(line, " ~ ")
	line, on, placed := strings.Cut(line, " @ ")
	want := f.Path.String() + ": " + string(f.Type)
	if f.Warning {
		want = "warns " + f.Path.String()
	}
	if line != want || !strings.Contains(f.Detail, detail) {
		return false
	}
	if f.At.Line < 1 {
		return !placed
	}
	return strings.Contains(strings.Split(text, "\n")[f.At.Line-1], on)
}

var step = regexp.MustCompile(`[^.\[\]]+`)

// lookup is the JSON of a value of a config.
func lookup(t *testing.T, c *virtualization.Config, path string) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var node any
	if err := json.Unmarshal(b, &node); err != nil {
		t.Fatal(err)
	}
	for _, name := range step.FindAllString(path, -1) {
		switch n := node.(type) {
		case map[string]any:
			node = n[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(n) {
				t.Fatalf("%s: no %s among %d", path, name, len(n))
			}
			node = n[i]
		default:
			return "null"
		}
	}
	out, err := json.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// checkLines checks what every message must be: one line that begins with its file.
func checkLines(t *testing.T, found *report.Report) {
	t.Helper()
	for _, l := range append(found.Lines(false), found.Lines(true)...) {
		if strings.ContainsAny(l, "\n\r") || !strings.HasPrefix(l, virtualization.File) {
			t.Errorf("message %q", l)
		}
	}
}

// indented is a text in a block of YAML.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// certificate is one whose key does not exist.
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
