package types_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// A row is a case: the smallest install-config of a platform with a few edits.
//
// An edit is a line, `path = YAML value`, or `drop path`. What a refused config
// gives is one line per finding, `path: Type`, with `@ text` behind it if the
// finding must point to a line that has this text. There must be no other
// findings. What an accepted config gives is lines `path = JSON value`,
// `path absent`, or `warns path`.
type row struct {
	name  string
	base  string
	edits string
	gives string
}

// bases are the smallest configs.
var bases = map[string]string{
	none:     common + "platform:\n    none: {}\n",
	external: common + "platform:\n    external: {}\n",
	ovirt: common + `platform:
    ovirt:
        ovirt_cluster_id: 6b2b1c7e-0000-4000-8000-000000000001
        ovirt_storage_domain_id: 6b2b1c7e-0000-4000-8000-000000000002
        api_vips:
            - 10.0.0.10
        ingress_vips:
            - 10.0.0.11
`,
	baremetal: common + `compute:
    - name: worker
      replicas: 2
platform:
    baremetal:
        apiVIPs:
            - 10.0.0.10
        ingressVIPs:
            - 10.0.0.11
        provisioningNetwork: Disabled
        hosts:` + hostYAML(1) + hostYAML(2) + hostYAML(3) + hostYAML(4) + hostYAML(5) + "\n",
}

const (
	none      = "none"
	external  = "external"
	ovirt     = "ovirt"
	baremetal = "baremetal"

	common = `apiVersion: v1
metadata:
    name: demo
baseDomain: okd.test
pullSecret: '{"auths":{"registry.test:5000":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
`
	// What no message may show.
	loginSecret = "dXNlcjpwYXNzd29yZA"
	bmcSecret   = "hunter2-hunter2"
)

func hostYAML(n int) string {
	return fmt.Sprintf(`
            - name: host-%d
              bootMACAddress: 52:54:00:00:00:0%d
              bmc:
                address: redfish-virtualmedia+https://10.0.0.5%d/redfish/v1/Systems/1
                username: admin
                password: %s`, n, n, n, bmcSecret)
}

// given are values that rows name with a $.
var given = func() map[string]string {
	public, _, _ := ed25519.GenerateKey(rand.Reader)
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	modulus := new(big.Int).SetBit(big.NewInt(12345), 2047, 1)
	authorized := func(key any) string {
		k, err := ssh.NewPublicKey(key)
		if err != nil {
			panic(err)
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
	}
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "a company"}, time.Hour)
	if err != nil {
		panic(err)
	}
	cert, private := string(ca.Cert), string(ca.Key)
	sum := strings.Repeat("0123456789abcdef", 4)
	return map[string]string{
		"$ED25519": authorized(public), "$ECDSA": authorized(curve.Public()),
		"$RSA":  authorized(&rsa.PublicKey{N: modulus, E: 65537}),
		"$CERT": strconv.Quote(cert), "$TWOCERTS": strconv.Quote("# comment\n" + cert + cert),
		"$PRIVATE": strconv.Quote(cert + private),
		"$OTHER":   strconv.Quote(cert + "what is this"),
		"$SUM":     sum, "$LONG": strings.Repeat("a", 55), "$LABELS": strings.Repeat(strings.Repeat("a", 60)+".", 4) + "test",
	}
}()

// text renders the config of a row.
func (r row) text(t testing.TB) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(bases[r.base]), &doc); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(r.edits) {
		if path, ok := strings.CutPrefix(line, "drop "); ok {
			edit(t, doc.Content[0], steps(path), nil)
			continue
		}
		path, value, ok := strings.Cut(line, " = ")
		if !ok {
			t.Fatalf("edit %q is neither drop nor path = value", line)
		}
		for name, v := range given {
			value = strings.ReplaceAll(value, name, v)
		}
		var v yaml.Node
		if err := yaml.Unmarshal([]byte(value), &v); err != nil {
			t.Fatalf("value of %s: %v", path, err)
		}
		edit(t, doc.Content[0], steps(path), v.Content[0])
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func lines(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// steps are the keys and indexes of a path.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' })
}

// edit sets a value below a node, or removes it if the value is nil.
func edit(t testing.TB, n *yaml.Node, path []string, value *yaml.Node) {
	t.Helper()
	if n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(path[0])
		if err != nil || i > len(n.Content) {
			t.Fatalf("no item %s", path[0])
		}
		if i == len(n.Content) {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.MappingNode})
		}
		switch {
		case len(path) > 1:
			edit(t, n.Content[i], path[1:], value)
		case value == nil:
			n.Content = slices.Delete(n.Content, i, i+1)
		default:
			n.Content[i] = value
		}
		return
	}
	i := 0
	for i < len(n.Content) && n.Content[i].Value != path[0] {
		i += 2
	}
	if i == len(n.Content) {
		if value == nil {
			t.Fatalf("nothing to drop at %s", path[0])
		}
		next := &yaml.Node{Kind: yaml.MappingNode}
		if len(path) > 1 && path[1] == "0" {
			next.Kind = yaml.SequenceNode
		}
		n.Style = 0
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}, next)
	}
	switch {
	case len(path) > 1:
		edit(t, n.Content[i+1], path[1:], value)
	case value == nil:
		n.Content = slices.Delete(n.Content, i, i+2)
	default:
		n.Content[i+1] = value
	}
}

// load reads an install-config for any of the platforms.
func load(o types.Options, text string) (*types.InstallConfig, *report.Report) {
	o.Platforms = platforms.All().Kinds()
	return o.Load("c.yaml", []byte(text))
}

// testRefused checks rows that must not be accepted.
func testRefused(t *testing.T, o types.Options, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.base+"/"+r.name, func(t *testing.T) {
			text := r.text(t)
			c, found := load(o, text)
			if c != nil {
				t.Fatalf("was accepted:\n%s", text)
			}
			checkFindings(t, text, found, lines(r.gives))
		})
	}
}

// checkFindings compares all errors of a report with those wanted.
func checkFindings(t *testing.T, text string, found *report.Report, want []string) {
	t.Helper()
	var errs []report.Finding
	for _, f := range found.Findings() {
		if !f.Warning {
			errs = append(errs, f)
		}
	}
	checkMessages(t, found)
	left := slices.Clone(errs)
	for _, w := range want {
		head, on, place := strings.Cut(w, " @ ")
		i := slices.IndexFunc(left, func(f report.Finding) bool {
			return strings.TrimPrefix(f.Path.String()+": "+string(f.Type), ": ") == head
		})
		if i < 0 {
			t.Errorf("no finding %q", head)
			continue
		}
		if at := left[i].At; place && (at.Line < 1 || !strings.Contains(strings.Split(text, "\n")[at.Line-1], on)) {
			t.Errorf("%s points to line %d, not to the one with %q", head, at.Line, on)
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 || t.Failed() {
		t.Errorf("findings:\n%s\nof:\n%s", strings.Join(found.Lines(false), "\n"), text)
	}
}

// checkMessages checks what every message must be: one line, and no secret.
func checkMessages(t *testing.T, found *report.Report) {
	t.Helper()
	for _, l := range append(found.Lines(false), found.Lines(true)...) {
		if strings.ContainsAny(l, "\n\r") || !strings.HasPrefix(l, "c.yaml") {
			t.Errorf("message %q", l)
		}
		for _, s := range []string{loginSecret, bmcSecret, "hunter2"} {
			if strings.Contains(l, s) {
				t.Errorf("message shows a secret: %s", l)
			}
		}
	}
}

// testAccepted checks rows that must be accepted, and what they become.
func testAccepted(t *testing.T, o types.Options, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.base+"/"+r.name, func(t *testing.T) {
			text := r.text(t)
			c, found := load(o, text)
			if c == nil {
				t.Fatalf("%v\nof:\n%s", found.Err(), text)
			}
			checkMessages(t, found)
			if !o.AllowUnknown && !o.Agent {
				editorAccepts(t, text)
			}
			warned := map[string]bool{}
			for _, f := range found.Findings() {
				warned[f.Path.String()] = true
			}
			tree := plainTree(t, c)
			for _, w := range lines(r.gives) {
				if path, ok := strings.CutPrefix(w, "warns "); ok {
					if !warned[path] {
						t.Errorf("no warning about %s", path)
					}
					delete(warned, path)
					continue
				}
				if path, ok := strings.CutSuffix(w, " absent"); ok {
					if v, there := lookup(tree, steps(path)); there {
						t.Errorf("%s is %v", path, v)
					}
					continue
				}
				path, want, _ := strings.Cut(w, " = ")
				v, there := lookup(tree, steps(path))
				got, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				if !there || string(got) != want {
					t.Errorf("%s is %s, want %s", path, got, want)
				}
			}
			for path := range warned {
				t.Errorf("unexpected warning about %s", path)
			}
		})
	}
}

func plainTree(t *testing.T, c *types.InstallConfig) any {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func lookup(v any, path []string) (any, bool) {
	for _, step := range path {
		switch node := v.(type) {
		case map[string]any:
			child, ok := node[step]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil, false
			}
			v = node[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// allRows are the tables of all topics.
var allRows = [][]row{
	nameRefused, nameAccepted, networkRefused, networkAccepted, familyRefused, familyAccepted, vipRefused, vipAccepted,
	poolRefused, poolAccepted, ovirtRefused, ovirtAccepted, bareMetalRefused, bareMetalAccepted, hostRefused, hostAccepted,
	accessRefused, accessAccepted, imageRefused, imageAccepted, featureRefused, featureAccepted, legacyRefused,
	legacyAccepted,
	platformRefused, platformAccepted, fipsRefused, fipsAccepted, agentRefused, agentAccepted,
	lookupRefused, lookupAccepted,
	unknownAccepted,
}

func TestThereAreEnoughCases(t *testing.T) {
	n, byPlatform := 0, map[string]int{}
	seen := map[string]bool{}
	for _, rows := range allRows {
		for _, r := range rows {
			n++
			byPlatform[r.base]++
			if key := r.base + "/" + r.name + "\n" + r.edits; seen[key] {
				t.Errorf("%s/%s is there twice", r.base, r.name)
			} else {
				seen[key] = true
			}
		}
	}
	t.Logf("%d cases: %v", n, byPlatform)
	if n < 250 || len(byPlatform) != 4 {
		t.Errorf("%d cases over %v", n, byPlatform)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
