package catalog_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/okd-install/okd-install/pkg/lab/catalog"
	"github.com/okd-install/okd-install/pkg/lab/images"
)

// content has the files of an image by path.
func content(t *testing.T, img v1.Image) map[string]string {
	t.Helper()
	r := tar.NewReader(mutate.Extract(img))
	out := map[string]string{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out["/"+strings.Trim(h.Name, "/")] = string(data)
	}
}

func opm(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "opm")
	if err := os.WriteFile(path, []byte("opm"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBundleImage(t *testing.T) {
	b, err := catalog.Example("registry.example.test/pod@sha256:0")
	if err != nil {
		t.Fatal(err)
	}
	img, err := b.Image()
	if err != nil {
		t.Fatal(err)
	}
	files := content(t, img)
	if !strings.Contains(files["/manifests/example.csv.yaml"], "image: registry.example.test/pod@sha256:0\n") {
		t.Errorf("CSV: %s", files["/manifests/example.csv.yaml"])
	}
	const label = "operators.operatorframework.io.bundle.package.v1: example-operator\n"
	if !strings.Contains(files["/metadata/annotations.yaml"], label) {
		t.Errorf("annotations: %s", files["/metadata/annotations.yaml"])
	}
	if len(files) != 5 { // nothing that could run
		t.Errorf("files %v", files)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Labels["operators.operatorframework.io.bundle.channel.default.v1"] != "stable" {
		t.Errorf("labels %v", config.Config.Labels)
	}
}

func TestBundleNeedsOneCSV(t *testing.T) {
	b, err := catalog.Example("x")
	if err != nil {
		t.Fatal(err)
	}
	b.Manifests = os.DirFS(t.TempDir())
	if _, err := b.Image(); err == nil {
		t.Error("a bundle without CSV was made")
	}
}

func TestCatalogImage(t *testing.T) {
	b, err := catalog.Example("x")
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.One(b, "quay.io/okd-lab/bundle@sha256:1")
	if err != nil {
		t.Fatal(err)
	}
	img, err := catalog.Image([]catalog.Package{p}, opm(t))
	if err != nil {
		t.Fatal(err)
	}
	files := content(t, img)
	d := json.NewDecoder(bytes.NewReader([]byte(files["/configs/example-operator/catalog.json"])))
	var schemas []string
	for {
		var o struct{ Schema, Name, Image string }
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		schemas = append(schemas, o.Schema+" "+o.Name+" "+o.Image)
	}
	want := []string{
		"olm.package example-operator ", "olm.channel stable ",
		"olm.bundle example-operator.v0.1.0 quay.io/okd-lab/bundle@sha256:1",
	}
	if !slices.Equal(schemas, want) {
		t.Errorf("catalog has %q", schemas)
	}
	if files["/usr/bin/opm"] != "opm" {
		t.Error("no opm")
	}
	if _, err := catalog.Image([]catalog.Package{p, p}, opm(t)); err == nil {
		t.Error("a package was taken twice")
	}
}

// TestOutside makes the catalogs of two releases and collects them.
func TestOutside(t *testing.T) {
	list, err := catalog.Outside([]string{"5.0.0-okd-lab.1", "4.20.0-okd-lab.1"}, "x", opm(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	want := []string{
		"quay.io/okd-lab/example-operator-bundle:v0.1.0",
		"registry.access.redhat.com/redhat/community-operator-index:v5.0",
		"registry.access.redhat.com/redhat/community-operator-index:v4.20",
	}
	if !slices.Equal(names, want) {
		t.Errorf("images %q", names)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if err := images.Collect(dir, list); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	// The same images are not written again.
	if err := images.Collect(dir, list); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(dir, "index.json"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("written again: %v", err)
	}
	if err := images.Collect(dir, append(list, list[0])); err == nil {
		t.Error("a name was taken twice")
	}
}
