package manifests_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests/schematest"
)

// files are those that configurations of the tests name.
var files = map[string]string{
	"tasks.yaml": `apiVersion: tekton.dev/v1
kind: Task
metadata: {name: create-vm}
spec: {steps: []}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: create-vm}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: create-vm}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: create-vm}
subjects: [{kind: ServiceAccount, name: create-vm}]
`,
	"tekton.yaml": `apiVersion: v1
kind: Namespace
metadata: {name: tekton-pipelines}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: controller, namespace: tekton-pipelines}
`,
}

var mirrors = []virtualization.Mirror{
	{Source: "registry.access.redhat.com/redhat", Mirrors: []string{"mirror.example.com/redhat"}},
	{Source: "quay.io", Mirrors: []string{"mirror.example.com/quay", "other.example.com"}},
	{Source: "quay.io/containerdisks", Mirrors: []string{"mirror.example.com/disks"}},
}

// cases are configurations with clusters that they fit.
var cases = map[string]struct {
	file    string // of testdata/input; without one there is no virtualization.yaml
	text    string // instead of a file
	cluster virtualization.Cluster
}{
	"single":       {cluster: virtualization.Cluster{Release: "4.21.0-okd-scos.3", Masters: 1}},
	"ovirt":        {cluster: virtualization.Cluster{Release: "4.20.0-okd-scos.1", Masters: 3, Workers: 2, Virtual: true}},
	"everything":   {"everything.yaml", "", virtualization.Cluster{Release: "4.21.0-okd-scos.3", Masters: 3, Workers: 3}},
	"disconnected": {cluster: virtualization.Cluster{Release: "4.22.0", Masters: 3, Mirrors: mirrors}},
	"existing":     {"existing.yaml", "", virtualization.Cluster{Release: "4.19.0", Masters: 3, Workers: 3}},
}

const head = "apiVersion: virtualization.okd-install.io/v1alpha1\nkind: Virtualization\n"

// fit reads a configuration and fits it to a cluster. It is nil if they do not fit.
func fit(t *testing.T, text string, k virtualization.Cluster) (*virtualization.Config, error) {
	t.Helper()
	var c *virtualization.Config
	if text != "" {
		read, findings := virtualization.Load(virtualization.File, []byte(text))
		if read == nil {
			t.Fatal(findings.Err())
		}
		err := read.ReadFiles(func(path string) ([]byte, error) {
			if files[path] == "" {
				return nil, errors.New("not there")
			}
			return []byte(files[path]), nil
		}).Err()
		if err != nil {
			t.Fatal(err)
		}
		c = read
	}
	fitted, findings := c.Fit(virtualization.File, k)
	return fitted, findings.Err()
}

func render(t *testing.T, text string, k virtualization.Cluster) []manifests.Manifest {
	t.Helper()
	c, err := fit(t, text, k)
	if err != nil {
		t.Fatal(err)
	}
	list, err := manifests.Render(c, k)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func input(t *testing.T, name string) string {
	t.Helper()
	c := cases[name]
	if c.file == "" {
		return c.text
	}
	text, err := os.ReadFile(filepath.Join("testdata/input", c.file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every manifest is the one that a reviewer accepted.
func TestGolden(t *testing.T) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := input(t, name)
			list := render(t, text, c.cluster)
			if d := cmp.Diff(list, render(t, text, c.cluster)); d != "" {
				t.Errorf("rendered again (-first +second):\n%s", d)
			}
			dir := filepath.Join("testdata/golden", name)
			if golden.Updating() {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
			got := map[string]bool{}
			for i, m := range list {
				data, err := m.YAML()
				if err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, filepath.Join(dir, m.Path), data)
				got[filepath.Join(dir, m.Path)] = true
				if i > 0 && list[i-1].Path >= m.Path {
					t.Errorf("%s comes after %s", m.Path, list[i-1].Path)
				}
			}
			accepted, err := filepath.Glob(filepath.Join(dir, "*/*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range accepted {
				if !got[file] {
					t.Errorf("%s was accepted and is not rendered", file)
				}
			}
		})
	}
}

var releases = []string{"4.18.0", "4.19.0", "4.20.0", "4.21.0", "4.22.0"}

// What is rendered is valid by the schemas of the operators of each release.
func TestSchemas(t *testing.T) {
	known := schematest.Read(t)
	used := map[string]bool{}
	for name, c := range cases {
		for _, release := range releases {
			k := c.cluster
			k.Release = release
			// A catalog of the user's has what others lack for the release.
			text := strings.Replace(input(t, name), "operator:\n  approval", "operator:\n  addOns: {name: more}\n  approval", 1)
			list := render(t, text, k)
			hco := manifests.PairingOf(release).HyperConverged
			for _, m := range list {
				at := fmt.Sprintf("%s, %s: %s", name, release, m.Path)
				kind := m.APIVersion() + " " + m.Kind()
				used[kind] = true
				if wrong, typed := schematest.Typed(m.Object); typed {
					for _, w := range wrong {
						t.Errorf("%s: %s", at, w)
					}
					continue
				}
				f, ok := known[kind]
				if !ok {
					if m.Kind() != "Task" { // the user's
						t.Errorf("%s: no facts of %s", at, kind)
					}
					continue
				}
				version := release
				if m.Kind() == "HyperConverged" {
					version = hco
				}
				for _, wrong := range f.Check(m.Object, version) {
					t.Errorf("%s: %s", at, wrong)
				}
			}
		}
	}
	for kind, f := range known {
		if !used[kind] && !f.ByUsers {
			t.Errorf("no case has a %s", kind)
		}
	}
}

// All objects say that they are ours, or that they are somebody else's.
func TestOwned(t *testing.T) {
	for name, c := range cases {
		for _, m := range render(t, input(t, name), c.cluster) {
			meta := m.Object["metadata"].(map[string]any)
			labels, _ := meta["labels"].(map[string]any)
			annotations, _ := meta["annotations"].(map[string]any)
			if (labels[manifests.Label] == manifests.Manager) == (annotations[manifests.PartAnnotation] == "true") {
				t.Errorf("%s: %s: %v", name, m.Path, meta)
			}
		}
	}
}

// What is written can be read again.
func TestParseRendered(t *testing.T) {
	for name, c := range cases {
		list := render(t, input(t, name), c.cluster)
		written := map[string][]byte{}
		for _, m := range list {
			data, err := m.YAML()
			if err != nil {
				t.Fatal(err)
			}
			written[manifests.Dir+"/"+m.Path] = data
		}
		read, err := manifests.ParseAll(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(list, read); d != "" {
			t.Errorf("%s (-rendered +read):\n%s", name, d)
		}
	}
}

// A catalog that takes the place of a broken one is the one that a mirror would have.
func TestAddedCatalog(t *testing.T) {
	c := cases["disconnected"]
	list := render(t, "", c.cluster)
	m := manifests.AddedCatalog("4.22.3")
	if m.Path != list[0].Path || m.Name() != manifests.AddedCatalogName || m.Namespace() != manifests.Marketplace {
		t.Errorf("%s, of the mirror %s", m.Path, list[0].Path)
	}
	image := m.Object["spec"].(map[string]any)["image"]
	if image != "registry.access.redhat.com/redhat/community-operator-index:v4.22" {
		t.Errorf("image %v", image)
	}
}

// at is a value by its path.
func at(o map[string]any, path string) any {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		o, _ = o[key].(map[string]any)
	}
	return o[keys[len(keys)-1]]
}

func find(t *testing.T, list []manifests.Manifest, kind, name string) map[string]any {
	t.Helper()
	i := slices.IndexFunc(list, func(m manifests.Manifest) bool { return m.Kind() == kind && m.Name() == name })
	if i < 0 {
		t.Fatalf("no %s %s", kind, name)
	}
	return list[i].Object
}

// Settings are where the operator of the release has them.
func TestSettingsByRelease(t *testing.T) {
	for _, c := range []struct{ release, want string }{
		{"4.18.0", "spec.featureGates.enableCommonBootImageImport"},
		{"4.19.0", "spec.enableCommonBootImageImport"},
		{"4.22.0", "spec.enableCommonBootImageImport"},
		{"5.0.0", "spec.enableCommonBootImageImport"},
		{"", "spec.enableCommonBootImageImport"},
	} {
		k := virtualization.Cluster{Release: c.release, Masters: 1}
		hc := find(t, render(t, head+"goldenImages: {enabled: false}\n", k), "HyperConverged", manifests.HyperConvergedName)
		if got := at(hc, c.want); got != false {
			t.Errorf("release %s: %s is %v", c.release, c.want, got)
		}
	}
}

// What Fit allows of feature gates, the operator of the release has.
func TestGates(t *testing.T) {
	facts := schematest.Read(t)["hco.kubevirt.io/v1beta1 HyperConverged"]
	names := slices.Collect(maps.Keys(facts.Fields["spec"].(map[string]any)["featureGates"].(map[string]any)))
	allowed := 0
	for _, key := range names {
		fields := strings.Fields(key)
		name := fields[len(fields)-1]
		for _, release := range releases {
			k := virtualization.Cluster{Release: release, Masters: 1}
			c, r := virtualization.Load("f", []byte(head+"hyperConverged: {featureGates: {"+name+": true}}\n"))
			if r.Failed() {
				continue
			}
			fitted, r := c.Fit("f", k)
			if r.Failed() {
				continue
			}
			allowed++
			list, err := manifests.Render(fitted, k)
			if err != nil {
				t.Errorf("release %s: %v", release, err)
				continue
			}
			hc := find(t, list, "HyperConverged", manifests.HyperConvergedName)
			for _, wrong := range facts.Check(hc, manifests.PairingOf(release).HyperConverged) {
				t.Errorf("release %s: %s", release, wrong)
			}
		}
	}
	if allowed < 40 {
		t.Errorf("only %d were allowed", allowed)
	}
}

func TestPairing(t *testing.T) {
	for _, c := range []struct {
		release, row, hco string
		newer             bool
	}{
		{"4.17.3", "4.17", "1.14.0", false},
		{"4.18.0", "4.18", "1.14.0", false},
		{"4.20.0-okd-scos.1", "4.20", "1.16.0", false},
		{"4.22.1", "4.22", "1.18.1", false},
		{"5.0.0-okd-scos.0", "5.0", "1.18.1", true},
		{"", "4.22", "1.18.1", false},
	} {
		p := manifests.PairingOf(c.release)
		if p.Release != c.row || p.HyperConverged != c.hco || p.Newer != c.newer {
			t.Errorf("%q: %+v", c.release, p)
		}
	}
}

// Without a release nobody knows the catalog of a release.
func TestUnknownRelease(t *testing.T) {
	k := virtualization.Cluster{Masters: 3, Workers: 2}
	c, err := fit(t, head+"availability: {descheduler: {}}\n", k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifests.Render(c, k); err == nil || !strings.Contains(err.Error(), "operator.addOns.image") {
		t.Errorf("%v", err)
	}
	render(t, head+"operator: {addOns: {name: mine}}\navailability: {descheduler: {}}\n", k)
}
