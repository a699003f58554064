package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatchedProgram patches the program as `oc adm release extract` does.
func TestPatchedProgram(t *testing.T) {
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct {
		name  string
		xs    int // the number that oc looks for
		value string
	}{
		{"IMAGE", 300, "quay.io/okd/scos-release@sha256:0123"},
		{"VERSION", 64, "4.20.0-okd-scos.1"},
		{"ARCHITECTURE", 64, "linux/amd64"},
	} {
		marker := []byte("\x00_RELEASE_" + p.name + "_LOCATION_\x00" + strings.Repeat("X", p.xs) + "\x00")
		if n := bytes.Count(content, marker); n != 1 {
			t.Fatalf("%d markers for %s, want 1", n, p.name)
		}
		copy(content[bytes.Index(content, marker):], p.value+"\x00")
	}
	dir := t.TempDir()
	patched := filepath.Join(dir, "openshift-install")
	if err := os.WriteFile(patched, content, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(patched, "version")
	cmd.Env = []string{"HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := patched + " 4.20.0-okd-scos.1\nbuilt from commit 0123abc\n" +
		"release image quay.io/okd/scos-release@sha256:0123\nrelease architecture amd64\n"
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
