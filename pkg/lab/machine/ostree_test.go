package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// disk is a file system that ostree admin deploy has made, as far as the
// firmware looks.
func disk(t *testing.T, options string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{
		"boot/loader.1/entries", "ostree/boot.1.1/scos/ab", "ostree/deploy/scos/deploy/cd.0", "ostree/repo",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"boot/loader": "loader.1", "ostree/boot.1": "boot.1.1",
		"ostree/boot.1/scos/ab/0": "../../../deploy/scos/deploy/cd.0", "ostree/boot.1/scos/ab/1": "../../../../boot",
	} {
		// The second needs the first.
		if dir, name := filepath.Split(link); strings.Contains(dir, "boot.1/") {
			link = "ostree/boot.1.1/scos/ab/" + name
		}
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if options != "" {
		entry := "title SCOS\noptions root=LABEL=root " + options + "\n"
		path := filepath.Join(root, "boot/loader/entries/ostree-1-scos.conf")
		if err := os.WriteFile(path, []byte(entry), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDeployment(t *testing.T) {
	for _, tt := range []struct{ name, options, want string }{
		{"as ostree writes it", "ostree=/ostree/boot.1/scos/ab/0", ""},
		{"no entry", "", "the boot loader has no entry"},
		{"another system", "quiet", "names none"},
		{"a link that leads nowhere", "ostree=/ostree/boot.0/scos/ab/0", "no such file"},
		{"a link out of the deployments", "ostree=/ostree/boot.1/scos/ab/1", "is not one"},
	} {
		root := disk(t, tt.options)
		at, err := deployment(root)
		switch {
		case tt.want == "" && (err != nil || at != filepath.Join(root, "ostree/deploy/scos/deploy/cd.0")):
			t.Errorf("%s: %s, %v", tt.name, at, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if !hasOSTree(root) || hasOSTree(t.TempDir()) {
			t.Errorf("%s: a repository is not seen, or seen where none is", tt.name)
		}
	}
}
