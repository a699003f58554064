package workdir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openTemp(t *testing.T) (dir string, d *Dir) {
	t.Helper()
	dir = t.TempDir()
	d, err := Open(dir, Holder{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return dir, d
}

// A write that fails leaves no copy of the content, which may hold keys.
func TestFailedWriteLeavesNothing(t *testing.T) {
	for _, op := range []string{"write", "rename"} {
		t.Run(op, func(t *testing.T) {
			dir, d := openTemp(t)
			full := errors.New("no space")
			d.Step = func(did, name string) error {
				if did == op && name == "b" {
					return full
				}
				return nil
			}
			err := d.Write([]File{{Path: "a", Mode: 0o600}, {Path: "b", Mode: 0o600}, {Path: "c", Mode: 0o600}})
			if !errors.Is(err, full) {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.Name() != LockName && (op == "write" || e.Name() != "a") {
					t.Errorf("%s is left", e.Name())
				}
			}
		})
	}
}

// What is no file is not replaced, and too much is not read.
func TestRefusedFiles(t *testing.T) {
	dir, d := openTemp(t)
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(large.Truncate(maxFile+1), large.Close(), os.Symlink("large", filepath.Join(dir, "link")),
		os.Symlink("nowhere", filepath.Join(dir, "lost")), os.Mkdir(filepath.Join(dir, "dir"), 0o750))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) error {
		_, err := d.Read(name)
		return err
	}
	write := func(name string) error { return d.Write([]File{{Path: name, Mode: 0o600}}) }
	for _, c := range []struct {
		name string
		do   func(string) error
		want string
	}{
		{"large", read, "more than the allowed 64"},
		{"dir", read, "it is a directory"},
		{"lost", read, "leads nowhere"},
		{"link", write, "it is a symbolic link"},
		{"dir", write, "it is a directory"},
		{"large/file", write, "it is not a directory"},
	} {
		if err := c.do(c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
