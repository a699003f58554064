package kubevirt

import (
	"archive/tar"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/okd-install/okd-install/pkg/lab/ociimage"
)

// TestModuleVersion compares the version that is compiled with the one that is told.
func TestModuleVersion(t *testing.T) {
	b, err := os.ReadFile("../../../../hack/modules/kubevirt/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		module + " " + Version,
		// The module replaces both by directories of its own repository.
		"kubevirt.io/api => kubevirt.io/api " + Version + "\n",
		"kubevirt.io/client-go => kubevirt.io/client-go " + Version + "\n",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("hack/modules/kubevirt/go.mod does not have %q", want)
		}
	}
	for _, c := range append(prefixed("cmd/", commands), prefixed("tools/", generators)...) {
		if !strings.Contains(string(b), "\t"+module+"/"+c+"\n") {
			t.Errorf("%s is not a tool of hack/modules/kubevirt: go mod tidy would forget what it needs", c)
		}
	}
}

func prefixed(prefix string, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, prefix+n)
	}
	return out
}

func TestLabeller(t *testing.T) {
	const script = "if [ ! -e /dev/kvm ]; then\n" + makeKVM + "fi\n"
	got, err := labeller([]byte(script))
	if err != nil {
		t.Fatal(err)
	}
	if want := "if [ ! -e /dev/kvm ]; then\n  :\nfi\n"; string(got) != want {
		t.Errorf("script is %q, want %q", got, want)
	}
	for _, s := range []string{"", script + script} {
		if _, err := labeller([]byte(s)); err == nil {
			t.Errorf("script %q is accepted", s)
		}
	}
}

func TestGlobNeedsAFile(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.so"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := glob(root, "/*.so"); err != nil || len(found) != 1 || found[0] != "/a.so" {
		t.Errorf("found %q: %v", found, err)
	}
	if _, err := glob(root, "/*.rom"); err == nil {
		t.Error("no file is no error")
	}
}

// TestGuestTree looks for files that the guest's kernel or init starts: embedding
// loses modes.
func TestGuestTree(t *testing.T) {
	tree := ociimage.Tree{}
	if err := addGuestTree(tree); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tree.Extract(dir); err != nil {
		t.Fatal(err)
	}
	scripts := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(data), "#!") {
			return err
		}
		scripts++
		info, err := d.Info()
		if err == nil && info.Mode() != 0o755 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if scripts < 5 {
		t.Errorf("%d scripts", scripts)
	}
}

// TestSynchronizationControllerIsFound: its pods call it by another name than its
// program has.
func TestSynchronizationControllerIsFound(t *testing.T) {
	const name = "synchronization-controller"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	img, err := component(dir, dir, name)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(mutate.Extract(img)); ; {
		h, err := r.Next()
		if err != nil {
			t.Fatal("no link virt-"+name, err)
		}
		if h.Name == "usr/bin/virt-"+name {
			if h.Linkname != name {
				t.Errorf("link to %q", h.Linkname)
			}
			return
		}
	}
}
