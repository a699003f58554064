package images

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	add := func(name string, age time.Duration, linked bool) {
		path := filepath.Join(dir, name+".tar")
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		if linked {
			if err := os.Link(filepath.Join(dir, name+".tar"), filepath.Join(dir, name+".layout")); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("used", 48*time.Hour, true)
	add("new", time.Minute, false)
	add("old", 48*time.Hour, false)
	prune(dir, now)
	for name, want := range map[string]bool{"used": true, "new": true, "old": false} {
		if _, err := os.Stat(filepath.Join(dir, name+".tar")); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}
