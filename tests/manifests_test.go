package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/crds"
)

// TestLabKnowsTheManifests checks that the lab's API server has every kind that an
// installation in the lab creates. cluster-bootstrap would try for twenty minutes to
// create objects of another kind.
func TestLabKnowsTheManifests(t *testing.T) {
	known := map[string]bool{"v1 Secret": true, "v1 ConfigMap": true}
	for _, k := range crds.All() {
		known[k.Group+"/"+k.Version+" "+k.Kind] = true
	}
	found := 0
	for _, platform := range []string{"none", "ovirt"} {
		root := filepath.Join(repository, "pkg/assets/testdata/golden", platform)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(filepath.Ext(path), ".y") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var head struct{ APIVersion, Kind string }
			if err := yaml.Unmarshal(text, &head); err != nil {
				return err
			}
			found++
			if kind := head.APIVersion + " " + head.Kind; !known[kind] {
				t.Errorf("%s: the lab has no %s", path, kind)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 100 {
		t.Errorf("only %d manifests were found", found)
	}
}
