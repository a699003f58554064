// Package golden compares what is rendered with files that a reviewer accepted.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was rendered to the golden files")

// Updating reports whether this run writes the files instead of comparing them,
// for tests whose golden files are a directory.
func Updating() bool { return *update }

// Compare fails the test if a file differs from what was rendered. With -update it
// writes the file.
func Compare[T string | []byte](t testing.TB, path string, rendered T) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(rendered), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	accepted, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; create it with -update", err)
	}
	if d := cmp.Diff(string(accepted), string(rendered)); d != "" {
		t.Errorf("%s differs from what was rendered; if that is right, accept it with -update (-accepted +rendered):\n%s",
			path, d)
	}
}
