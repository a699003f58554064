package types_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// What is wrong with the text itself, or with its keys.
func TestTexts(t *testing.T) {
	good := bases[none]
	with := func(old, replacement string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("no %q in the config", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	tests := []struct{ name, text, want string }{
		{"empty", "", "c.yaml: Required value: the file is empty"},
		{"comment only", "# nothing\n", "c.yaml: Required value: the file is empty"},
		{"null only", "~\n", "c.yaml: Required value: the file is empty"},
		{"a list", "- a\n", "c.yaml:1:1: Invalid value: the file must hold a mapping of keys to values"},
		{"a word", "hello\n", "c.yaml:1:1: Invalid value: the file must hold a mapping of keys to values"},
		{"broken", "a: b\n c: [\n", "c.yaml:2:1: Invalid value: not YAML: mapping values are not allowed in this context"},
		{"tabs", "metadata:\n\tname: demo\n", "c.yaml:2:1: Invalid value: not YAML: found character that cannot start any " +
			"token"},
		{"not text", "\x00\x01\x02", "c.yaml: Invalid value: not YAML: control characters are not allowed"},
		{"UTF-16", "\xff\xfea\x00", "c.yaml:1:1: Invalid value: the file must hold a mapping of keys to values"},
		{"two documents", good + "---\na: b\n", "c.yaml:8:1: Too many: the file must hold one YAML document"},
		{"a broken second document", good + "---\na: [\n",
			"c.yaml:9:1: Invalid value: not YAML: did not find expected node content"},
		{"an end marker", good + "...\n", ""},
		{"a start marker", "---\n" + good, ""},
		{"an empty second document", good + "---\n", ""},
		{"misspelt key", with("baseDomain:", "baseDomian:"),
			`c.yaml:4:1: baseDomian: Invalid value: "baseDomian": unknown key; did you mean "baseDomain"?`},
		{"key in lower case", with("baseDomain:", "basedomain:"),
			`c.yaml:4:1: basedomain: Invalid value: "basedomain": unknown key; did you mean "baseDomain"?`},
		{"misspelt key beside the right one", with("baseDomain:", "baseDomian: a\nbaseDomain:"),
			`c.yaml:4:1: baseDomian: Invalid value: "baseDomian": unknown key; did you mean "baseDomain"?`},
		{"nested misspelt key", good + "networking:\n  clusterNetwork:\n  - cidr: 10.128.0.0/14\n    hostPrefixx: 23\n",
			`c.yaml:11:5: networking.clusterNetwork[0].hostPrefixx: Invalid value: "hostPrefixx": unknown key; did you mean ` +
				`"hostPrefix"?`},
		{"key like no other", good + "zzzzzzz: 1\n", `c.yaml:8:1: zzzzzzz: Invalid value: "zzzzzzz": unknown key`},
		{"key with a line break", good + "\"a\\nb\": 1\n", `c.yaml:8:1: "a\nb": Invalid value: "\"a\\nb\"": unknown key`},
		{"endless key", good + strings.Repeat("k", 500) + ": 1\n", `c.yaml:8:1: ` + strings.Repeat("k", 64) +
			`...: Invalid value: "` + strings.Repeat("k", 64) + `...": unknown key`},
		{"empty key", good + "\"\": 1\n", `c.yaml:8:1: "": Invalid value: "\"\"": unknown key`},
		{"key that is a list", good + "? [a]\n: 1\n", "c.yaml:8:3: Invalid value: a key must be text"},
		{"key twice", good + "baseDomain: other.test\n", "c.yaml:8:1: baseDomain: Duplicate value: the key is there twice"},
		{"key of a mapping twice", good + "controlPlane: {name: master, name: master}\n",
			"c.yaml:8:30: controlPlane.name: Duplicate value: the key is there twice"},
		{"label twice", with("name: demo", "name: demo\n    labels: {a: b, a: c}"),
			"c.yaml:4:20: metadata.labels.a: Duplicate value: the key is there twice"},
		{"unknown anchor", with("name: demo", "name: *hunter2"),
			"c.yaml:3:11: Invalid value: not YAML: an alias to an anchor that does not exist; put a value that begins with * " +
				"in quotes"},
		{"anchor", with("name: demo", "name: &n demo") + "controlPlane: {name: master, platform: {}}\ncredentialsMode: *n\n",
			`c.yaml:9:18: credentialsMode: Invalid value: "demo": cannot be set on platform none; remove it`},
		{"merged mapping", good + "compute:\n- &w {name: worker, replicas: 2}\narbiter: {<<: *w, name: arbiter}\n",
			"c.yaml:10:1: arbiter.platform: Unsupported value: \"none\": supported values: \"baremetal\""},
		{"merged list", good + "controlPlane: {<<: [{name: master}, {name: other, replicas: 1}]}\n", ""},
		{"merged word", good + "controlPlane: {<<: word}\n",
			"c.yaml:8:20: controlPlane.<<: Invalid value: must be a mapping, or a list of mappings"},
		{"unknown tag", with("okd.test", "!!secret hunter2"),
			`c.yaml:4:13: baseDomain: Invalid value: "hunter2": must be text; put it in quotes`},
		{"self reference", "a: &a [*a, *a]\n", "c.yaml:1:1: a: Invalid value: \"a\": unknown key"},
		{"recursive hosts", "platform:\n  baremetal:\n    hosts: &h [*h]\n",
			`c.yaml:3:16: platform.baremetal.hosts[0]: Invalid value: "[...]": must be a mapping`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, r := platforms.All().Load("c.yaml", []byte(tt.text))
			if tt.want == "" {
				if c == nil {
					t.Error(r.Err())
				}
				return
			}
			if c != nil {
				t.Fatal("was accepted")
			}
			checkTexts(t, r, tt.want)
		})
	}
}

func checkTexts(t *testing.T, r *report.Report, want string) {
	t.Helper()
	got := r.Err().Error()
	for _, w := range strings.Split(want, "\n") {
		if !strings.Contains(got, w) {
			t.Errorf("got\n%s\nwithout\n%s", got, w)
		}
	}
	if strings.Contains(got, "hunter2") && !strings.Contains(want, "hunter2") {
		t.Errorf("shows a secret: %s", got)
	}
}

// One line of a large file must not hide the others.
func TestAllFindingsAtOnce(t *testing.T) {
	r := row{"", baremetal, `
		baseDomian = x
		drop baseDomain
		compute[0].replicas = many
		platform.baremetal.ingressVIPs[0] = 10.9.0.1
		platform.baremetal.hosts[1].bmc = {}
		publish = Internal
		networking.serviceNetwork = [172.30.0.0/8]`, ""}
	text := r.text(t)
	_, found := platforms.All().Load("c.yaml", []byte(text))
	checkFindings(t, text, found, lines(`
		baseDomian: Invalid value @ baseDomian
		compute[0].replicas: Invalid value @ many
		platform.baremetal.ingressVIPs: Invalid value @ 10.9.0.1
		platform.baremetal.hosts[1].bmc.address: Required value @ bmc
		platform.baremetal.hosts[1].bmc.username: Required value @ bmc
		platform.baremetal.hosts[1].bmc.password: Required value @ bmc
		publish: Invalid value @ Internal
		networking.serviceNetwork[0]: Invalid value @ 172.30.0.0/8`))
}

func TestSizeIsBounded(t *testing.T) {
	_, r := platforms.All().Load("c.yaml", append([]byte(bases[none]+"# "), make([]byte, decode.MaxSize)...))
	if r.Err() == nil || !strings.Contains(r.Err().Error(), "must be at most 16777216 bytes") {
		t.Error(r.Err())
	}
	// Nine levels of nine aliases are 387 million values.
	var bomb strings.Builder
	bomb.WriteString(bases[none] + "x0: &x0 [a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 9; i++ {
		prev := "*x" + string(rune('0'+i-1))
		bomb.WriteString("x" + string(rune('0'+i)) + ": &x" + string(rune('0'+i)) + " [" + strings.Repeat(prev+", ", 8) +
			prev + "]\n")
	}
	bomb.WriteString("metadata:\n    ownerReferences: *x8\n")
	text := strings.Replace(bomb.String(), "metadata:\n    name: demo\n", "", 1)
	if _, r := platforms.All().Load("c.yaml", []byte(text)); r.Err() == nil ||
		!strings.Contains(r.Err().Error(), "the file has too many values") {
		t.Error(r.Err())
	}
	// A mapping of many keys, merged into many others.
	var merged strings.Builder
	merged.WriteString(bases[none] + "zoo: &m\n")
	for i := range 2000 {
		fmt.Fprintf(&merged, "  k%d: 1\n", i)
	}
	merged.WriteString("imageDigestSources:\n" + strings.Repeat("- {<<: *m}\n", 2000))
	if _, r := platforms.All().Load("c.yaml", []byte(merged.String())); r.Err() == nil ||
		!strings.Contains(r.Err().Error(), "imageDigestSources") {
		t.Error("was accepted")
	}
	deep := bases[none] + "networking: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n"
	if _, r := platforms.All().Load("c.yaml", []byte(deep)); r.Err() == nil ||
		!strings.Contains(r.Err().Error(), "networking: Invalid value") {
		t.Error(r.Err())
	}
	deep = strings.Replace(bases[none], "name: demo",
		"name: demo\n    managedFields: "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000), 1)
	if _, r := platforms.All().Load("c.yaml", []byte(deep)); r.Err() == nil ||
		!strings.Contains(r.Err().Error(), "is nested too deeply") {
		t.Error(r.Err())
	}
}

func TestExampleIsGood(t *testing.T) {
	data, err := os.ReadFile("../../install-config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, r := platforms.All().Load("install-config.example.yaml", data); r.Failed() {
		t.Error(r.Err())
	}
}

// The decoder panics on kinds of fields that it has no rule for; every field is
// tried here, so that a new one cannot surprise a user.
func TestEveryFieldIsDecodable(t *testing.T) {
	eachField(reflect.TypeFor[types.InstallConfig](), "", func(path string, f reflect.StructField) {
		if types.FieldFacts(f).Name == "" {
			t.Errorf("%s.%s has no name", path, f.Name)
		}
		typ := f.Type
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() == reflect.Struct && typ.NumField() > 0 && typ.Field(0).IsExported() {
			return // its fields are tried
		}
		holder := reflect.StructOf([]reflect.StructField{{Name: "F", Type: f.Type, Tag: `json:"f"`}})
		for _, text := range []string{"f: x", "f: []", "f: {}", "f: [x]"} {
			decode.Into(reflect.New(holder).Interface(), []byte(text), decode.Options{}, report.New("t"))
		}
	})
}
