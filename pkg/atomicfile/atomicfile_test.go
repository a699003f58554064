package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

func TestWriteReplacesAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.json")
	for _, text := range []string{"old", "new"} {
		if err := atomicfile.Write(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind %v", list)
	}
}

func TestWriteDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(victim); string(got) != "untouched" {
		t.Errorf("wrote through the link: %q", got)
	}
}

func TestWriteFailsCleanly(t *testing.T) {
	dir := t.TempDir()
	place := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(place, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{place, filepath.Join(dir, "no", "such", "directory")} {
		if err := atomicfile.Write(name, []byte("x"), 0o600); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("left behind %v", list)
	}
}
