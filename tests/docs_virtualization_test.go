package tests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests/schematest"
)

// virtualizationPages are about virtualization: all their YAML is checked.
var virtualizationPages = []string{
	"docs/user/virtualization.md", "docs/user/virtualization-storage.md", "docs/user/virtualization-networking.md",
	"docs/user/virtualization-migration.md", "docs/user/virtualization-backup.md", "docs/user/virtualization-test.md",
}

// ordinary is the cluster that an example is for unless a comment before it says otherwise, as in
//
//	<!-- cluster: release 4.20.0, masters 1, workers 0, virtual, mirrors -->
var ordinary = virtualization.Cluster{Release: "4.21.0-okd-scos.3", Masters: 3, Workers: 3}

var clusterComment = regexp.MustCompile(`^\s*<!-- cluster: (.*) -->\s*$`)

// clusterFor reads the comment that stands two lines before the first line of a block.
func clusterFor(b block) (virtualization.Cluster, error) {
	k := ordinary
	text, err := os.ReadFile(filepath.Join(repository, b.page))
	lines := strings.Split(string(text), "\n")
	if err != nil || b.line < 3 {
		return k, err
	}
	m := clusterComment.FindStringSubmatch(lines[b.line-3])
	if m == nil {
		return k, nil
	}
	for _, part := range strings.Split(m[1], ", ") {
		name, value, _ := strings.Cut(part, " ")
		var err error
		switch name {
		case "release":
			k.Release = value
		case "masters":
			k.Masters, err = strconv.Atoi(value)
		case "workers":
			k.Workers, err = strconv.Atoi(value)
		case "virtual":
			k.Virtual = true
		case "mirrors":
			k.Mirrors = []virtualization.Mirror{
				{Source: "quay.io", Mirrors: []string{"registry.example.org/quay"}},
				{Source: "registry.access.redhat.com/redhat", Mirrors: []string{"registry.example.org/redhat"}},
			}
		default:
			err = errors.New("there is no such property of a cluster")
		}
		if err != nil {
			return k, fmt.Errorf("%s: %w", part, err)
		}
	}
	return k, nil
}

// TestDocsVirtualization reads every example on the pages about virtualization as its reader does: configurations are
// fitted to a cluster and rendered, and what is rendered, like all other manifests, is what an API server accepts.
func TestDocsVirtualization(t *testing.T) {
	known := schematest.Read(t)
	count := map[string]int{}
	for _, b := range virtualizationBlocks(t) {
		k, err := clusterFor(b)
		if err != nil {
			t.Errorf("%s: %v", b.at(), err)
			continue
		}
		objects, err := schematest.Objects(b.text)
		if err != nil || len(objects) == 0 {
			t.Errorf("%s: no objects: %v", b.at(), err)
		}
		for _, o := range objects {
			count[fmt.Sprint(o["kind"])]++
			if o["kind"] != virtualization.Kind {
				acceptable(t, known, b.at(), o, k)
				continue
			}
			for _, m := range renderExample(t, b, k) {
				acceptable(t, known, b.at()+": "+m.Path, m.Object, k)
			}
		}
	}
	const example = "docs/user/examples/virtualization/vm.yaml"
	text, err := os.ReadFile(filepath.Join(repository, example))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := schematest.Objects(string(text))
	if err != nil || len(objects) == 0 {
		t.Errorf("%s: no objects: %v", example, err)
	}
	for _, o := range objects {
		acceptable(t, known, example, o, ordinary)
	}
	for _, kind := range []string{
		virtualization.Kind, "VirtualMachine", "HyperConverged", "StorageProfile", "NodeNetworkConfigurationPolicy",
		"NetworkAttachmentDefinition", "DataProtectionApplication", "Backup", "Restore", "Provider", "Plan",
	} {
		if count[kind] == 0 {
			t.Errorf("no page shows a %s", kind)
		}
	}
}

func virtualizationBlocks(t *testing.T) (out []block) {
	t.Helper()
	found := map[string]bool{} // pages, and whether they are about virtualization
	for _, b := range blocksOf(t, "yaml") {
		about := slices.Contains(virtualizationPages, b.page)
		if about || strings.Contains(b.text, "\nkind: "+virtualization.Kind+"\n") {
			found[b.page] = found[b.page] || about
			out = append(out, b)
		}
	}
	for _, p := range virtualizationPages[:len(virtualizationPages)-1] { // the page about the test has none
		if !found[p] {
			t.Errorf("%s has no example", p)
		}
	}
	return out
}

// acceptable checks an object as the API server of a cluster would.
func acceptable(
	t *testing.T, known map[string]schematest.Facts, at string, o map[string]any, k virtualization.Cluster,
) {
	t.Helper()
	if wrong, typed := schematest.Typed(o); typed {
		for _, w := range wrong {
			t.Errorf("%s: %v: %s", at, o["kind"], w)
		}
		return
	}
	f, is := known[fmt.Sprintf("%v %v", o["apiVersion"], o["kind"])]
	if !is {
		t.Errorf("%s: no facts of %v %v: write them down in pkg/virtualization/manifests/schematest/schemas", at,
			o["apiVersion"], o["kind"])
		return
	}
	version := k.Release
	if o["kind"] == "HyperConverged" {
		version = manifests.PairingOf(k.Release).HyperConverged
	}
	for _, w := range f.Check(o, version) {
		t.Errorf("%s: %v: %s", at, o["kind"], w)
	}
}

// renderExample makes the manifests of a configuration. The files that it names have something in them.
func renderExample(t *testing.T, b block, k virtualization.Cluster) []manifests.Manifest {
	t.Helper()
	c, r := virtualization.Load(b.at(), []byte(b.text))
	if c == nil {
		t.Errorf("%s: the example is not a valid %s:\n%v", b.at(), virtualization.File, r.Err())
		return nil
	}
	r = c.ReadFiles(func(path string) ([]byte, error) {
		switch {
		case strings.HasSuffix(path, ".yaml"):
			return []byte("{apiVersion: v1, kind: Namespace, metadata: {name: example}}"), nil
		case strings.Contains(path, "s3"):
			return []byte("[default]\naws_access_key_id=id\naws_secret_access_key=key\n"), nil
		}
		return []byte("password\n"), nil
	})
	if r.Failed() {
		t.Errorf("%s: %v", b.at(), r.Err())
		return nil
	}
	fitted, r := c.Fit(b.at(), k)
	if fitted == nil {
		t.Errorf("%s: the example does not fit its cluster:\n%v", b.at(), r.Err())
		return nil
	}
	list, err := manifests.Render(fitted, k)
	if err != nil {
		t.Errorf("%s: %v", b.at(), err)
	}
	return list
}
