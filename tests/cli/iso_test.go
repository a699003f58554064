package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// liveISO makes a small live ISO: liveiso FILE [old|noargs|minimal]...
func liveISO(ts *testscript.TestScript, _ bool, args []string) {
	var l isotest.Layout
	for _, word := range args[1:] {
		switch word {
		case "old":
			l.Legacy = true
		case "noargs":
			l.NoKargs = true
		case "minimal":
			l.Minimal = true
		default:
			ts.Fatalf("unknown word %q", word)
		}
	}
	ts.Check(isotest.Write(ts.MkAbs(args[0]), l))
}

// part is a block of a page with a comment that says what to do with it.
var part = regexp.MustCompile("(?ms)^<!-- (run|file): (\\S+) -->\n```\\w*\n(.*?)^```$")

// TestLiveISOPage runs the commands of docs/user/coreos-iso.md as they are, with the files of the page.
func TestLiveISOPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/user/coreos-iso.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := isotest.Write(filepath.Join(dir, "live.iso"), isotest.Layout{Minimal: true}); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, m := range part.FindAllStringSubmatch(string(page), -1) {
		kind, name, text := m[1], m[2], m[3]
		if kind == "file" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", text)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		ran++
	}
	if ran < 5 {
		t.Errorf("the page has only %d blocks to run", ran)
	}
}
