package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// part is a block of a page with a comment that says what to do with it.
var part = regexp.MustCompile("(?ms)^<!-- (run|file): (\\S+) -->\n```\\w*\n(.*?)^```$")

// follow runs the commands of a page of docs/user as they are, with the files of the page, in a directory. It returns
// how many blocks of commands there were.
func follow(t *testing.T, page, dir string, env ...string) (ran int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/user", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range part.FindAllStringSubmatch(string(text), -1) {
		kind, name, text := m[1], m[2], m[3]
		if kind == "file" {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", text)
		cmd.Dir = dir
		cmd.Env = append(append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH")), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %v\n%s", page, name, err, out)
		}
		ran++
	}
	return ran
}

func TestLiveISOPage(t *testing.T) {
	dir := t.TempDir()
	if err := isotest.Write(filepath.Join(dir, "live.iso"), isotest.Layout{Minimal: true}); err != nil {
		t.Fatal(err)
	}
	if ran := follow(t, "coreos-iso.md", dir); ran < 5 {
		t.Errorf("the page has only %d blocks to run", ran)
	}
}

// TestDisconnectedPage has nothing but a proxy that nobody answers at: a release that is named by digest needs no
// lookup.
func TestDisconnectedPage(t *testing.T) {
	dir := t.TempDir()
	const nowhere = "http://127.0.0.1:1"
	if ran := follow(t, "disconnected.md", dir, "HTTP_PROXY="+nowhere, "HTTPS_PROXY="+nowhere, "NO_PROXY="); ran != 1 {
		t.Fatalf("the page has %d blocks to run", ran)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, "vault", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	conf := string(read("mirror/registries.conf"))
	for _, want := range []string{
		"quay.io/okd/scos-release", "registry.example.org/okd/release",
		"quay.io/okd/scos-content", "registry.example.org/okd/content",
	} {
		if !strings.Contains(conf, `"`+want+`"`) {
			t.Errorf("mirror/registries.conf does not have %s:\n%s", want, conf)
		}
	}
	if set := read("cluster-manifests/cluster-image-set.yaml"); !bytes.Contains(set,
		[]byte("releaseImage: quay.io/okd/scos-release@sha256:0123456789abcdef")) {
		t.Errorf("the release is not the one on the page:\n%s", set)
	}
}
