package ociimage

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClosureRuns copies a dynamic program with its libraries to an empty
// root and starts it there with the copied loader.
func TestClosureRuns(t *testing.T) {
	const program = "/bin/ls"
	files, err := Root("/").Closure([]string{program})
	if err != nil {
		t.Fatal(err)
	}
	dir, loader := t.TempDir(), ""
	for path, e := range files {
		to := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if e.mode&fs.ModeSymlink != 0 {
			err = os.Symlink(e.target, to)
		} else {
			var data []byte
			if data, err = os.ReadFile(e.source); err == nil {
				err = os.WriteFile(to, data, e.mode)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(path), "ld-linux") && e.mode.IsRegular() {
			loader = to
		}
	}
	if loader == "" {
		t.Fatalf("no loader among %d files", len(files))
	}
	cmd := exec.Command(loader, "--library-path", filepath.Dir(loader), filepath.Join(dir, Clean(program)), "--version")
	cmd.Env = []string{"LANG=C"}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "coreutils") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestClosureFollowsLinksInsideTheRoot(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"usr/bin", "etc/alternatives"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"bin":                   "usr/bin",
		"usr/bin/tool":          "/etc/alternatives/tool",
		"etc/alternatives/tool": "/usr/bin/tool.real",
		"usr/bin/loop":          "loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "usr/bin/tool.real"),
		[]byte("#!/bin/sh\necho hello, this is longer than an ELF header is\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := Root(dir).Closure([]string{"/bin/tool"})
	if err != nil {
		t.Fatal(err)
	}
	if files["/usr/bin/tool"].target != "/etc/alternatives/tool" ||
		files["/etc/alternatives/tool"].target != "/usr/bin/tool.real" {
		t.Errorf("links: %+v", files)
	}
	if e := files["/usr/bin/tool.real"]; e.source != filepath.Join(dir, "usr/bin/tool.real") {
		t.Errorf("file: %+v", e)
	}
	if len(files) != 3 {
		t.Errorf("%d files, want 3: %v", len(files), files)
	}
	if _, err := Root(dir).Closure([]string{"/usr/bin/loop"}); err == nil ||
		!strings.Contains(err.Error(), "too many symbolic links") {
		t.Errorf("loop: %v", err)
	}
	if _, err := Root(dir).Closure([]string{"/usr/bin/absent"}); err == nil {
		t.Error("an absent program was copied")
	}
}
