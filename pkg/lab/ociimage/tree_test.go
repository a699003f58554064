package ociimage

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// members are the headers of a layer by name.
func members(t *testing.T, tree Tree) map[string]*tar.Header {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Write(&b); err != nil {
		t.Fatal(err)
	}
	all := map[string]*tar.Header{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = h
	}
}

func TestCapable(t *testing.T) {
	tree := Tree{}
	tree.File("/usr/bin/monitor", 0o755, nil)
	tree.Link("/usr/bin/link", "monitor")
	if err := tree.Capable("/bin/monitor", NetBindService); err != nil {
		t.Fatal(err)
	}
	// What setcap cap_net_bind_service+ep writes.
	want := "\x01\x00\x00\x02" + "\x00\x04\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	got := members(t, tree)["usr/bin/monitor"].PAXRecords["SCHILY.xattr.security.capability"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/usr/bin/absent", "/usr/bin/link"} {
		if err := tree.Capable(path, NetBindService); err == nil {
			t.Errorf("%s can have capabilities", path)
		}
	}
}

func TestCopyAndExtract(t *testing.T) {
	from := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(from, "usr/bin"), 0o755),
		os.Mkdir(filepath.Join(from, "private"), 0o700),
		os.WriteFile(filepath.Join(from, "usr/bin/tool"), []byte("content"), 0o755),
		os.Symlink("tool", filepath.Join(from, "usr/bin/link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tree := Tree{}
	if err := tree.Copy(from); err != nil {
		t.Fatal(err)
	}
	tree.Sticky("/tmp")
	to := filepath.Join(t.TempDir(), "new")
	if err := tree.Extract(to); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		"usr": fs.ModeDir | 0o755, "private": fs.ModeDir | 0o700, "tmp": fs.ModeDir | fs.ModeSticky | 0o777,
		"usr/bin/tool": 0o755,
	} {
		info, err := os.Stat(filepath.Join(to, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(to, "usr/bin/link")); err != nil || string(b) != "content" {
		t.Errorf("link leads to %q: %v", b, err)
	}
	if h := members(t, tree)["tmp/"]; h == nil || h.Mode != 0o1777 {
		t.Errorf("/tmp in the layer: %+v", h)
	}
}
