package crds

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"os"

	"sigs.k8s.io/yaml"
)

type definition struct {
	Metadata struct{ Name string }
	Spec     struct {
		Scope string
		Names struct {
			Kind, ListKind, Plural, Singular string
			ShortNames                       []string
		}
		Versions []struct {
			Name         string
			Subresources map[string]any
		}
	}
}

// TestKindsAreOpenShifts compares the table with the definitions that come
// with the API modules.
func TestKindsAreOpenShifts(t *testing.T) {
	official := map[string]definition{}
	files := definitionsOf(t, "github.com/openshift/api", "*", "v*", "zz_generated.crd-manifests")
	if len(files) < 100 {
		t.Fatalf("found %d definitions", len(files))
	}
	files = append(files, definitionsOf(t, "github.com/operator-framework/api", "crds")...)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var d definition
		if err := yaml.Unmarshal(data, &d); err != nil {
			t.Fatal(err)
		}
		official[d.Metadata.Name] = d
	}
	for _, k := range All() {
		elsewhere := []string{
			"cloudcredential.openshift.io", "metal3.io", "k8s.cni.cncf.io", "whereabouts.cni.cncf.io",
			"image.openshift.io", // an API of its own, without definitions
		}
		if slices.Contains(elsewhere, k.Group) {
			continue // their definitions are in the repositories of their operators
		}
		want, ok := official[k.Name()]
		if !ok {
			t.Errorf("OpenShift has no kind %s", k.Name())
			continue
		}
		data, err := k.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		var got definition
		if err := yaml.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		g, w := got.Spec.Names, want.Spec.Names
		if g.Kind != w.Kind || g.Plural != w.Plural || g.Singular != w.Singular || g.ListKind != w.ListKind ||
			got.Spec.Scope != want.Spec.Scope {
			t.Errorf("%s: got %+v %s, OpenShift has %+v %s", k.Name(), g, got.Spec.Scope, w, want.Spec.Scope)
		}
		for _, s := range w.ShortNames {
			if !slices.Contains(g.ShortNames, s) {
				t.Errorf("%s: short name %s is missing", k.Name(), s)
			}
		}
		_, gotStatus := got.Spec.Versions[0].Subresources["status"]
		i := slices.IndexFunc(want.Spec.Versions, func(v struct {
			Name         string
			Subresources map[string]any
		}) bool {
			return v.Name == k.Version
		})
		if i < 0 {
			t.Errorf("%s: OpenShift has no version %s", k.Name(), k.Version)
			continue
		}
		if _, wantStatus := want.Spec.Versions[i].Subresources["status"]; gotStatus != wantStatus {
			t.Errorf("%s: status subresource %v, OpenShift %v", k.Name(), gotStatus, wantStatus)
		}
	}
}

// definitionsOf are the YAML files in directories of a module.
func definitionsOf(t *testing.T, module string, dirs ...string) []string {
	t.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), filepath.Join(dirs...), "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFilesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, k := range All() {
		if other, twice := seen[k.File()]; twice {
			t.Errorf("%s and %s share the file %s", other, k.Name(), k.File())
		}
		seen[k.File()] = k.Name()
	}
}
