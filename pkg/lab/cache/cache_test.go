package cache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
)

func TestEntryBuildsOnce(t *testing.T) {
	d := cache.Dir{Path: t.TempDir()}
	builds := 0
	build := func(path string) error {
		builds++
		return os.WriteFile(path, []byte("made"), 0o644)
	}
	for range 3 {
		path, err := d.Entry(t.Context(), clock.Real(), "thing", "k1", build)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "made" {
			t.Fatalf("entry holds %q, %v", b, err)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
}

func TestEntryAfterFailedBuild(t *testing.T) {
	d := cache.Dir{Path: t.TempDir()}
	broken := errors.New("disk full")
	_, err := d.Entry(t.Context(), clock.Real(), "thing", "k", func(path string) error {
		if err := os.MkdirAll(filepath.Join(path, "half"), 0o755); err != nil {
			t.Fatal(err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("Entry = %v", err)
	}
	path, err := d.Entry(t.Context(), clock.Real(), "thing", "k", func(path string) error { return os.Mkdir(path, 0o755) })
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(path); len(left) != 0 {
		t.Errorf("the failed build shows in the next one: %v", left)
	}
}

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := cache.Lock(t.Context(), clock.Real(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := cache.Lock(ctx, clock.Real(), path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second lock = %v", err)
	}
	unlock()
	again, err := cache.Lock(t.Context(), clock.Real(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestKeys(t *testing.T) {
	if cache.Key("ab", "c") == cache.Key("a", "bc") {
		t.Error("inputs run together")
	}
	one, err := cache.TreeKey(fstest.MapFS{"a": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	two, err := cache.TreeKey(fstest.MapFS{"b": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	if one == two {
		t.Error("a renamed file does not change the key")
	}
}

func TestTrim(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	used := func(name string, ago time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := cache.Use(path, now.Add(-ago)); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	used("a", 9*day)
	used("b", 5*day)
	used("c", 30*day)
	used("d", 6*day)
	used("other/x", 90*day)
	if err := os.WriteFile(filepath.Join(dir, ".lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cache.Trim(filepath.Join(dir, "?"), 2, day, now); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	if got := strings.Join(left, " "); got != ".lock b d other" {
		t.Errorf("left are %s", got)
	}
	used("e", 0)
	used("f", time.Hour)
	used("g", 2*time.Hour)
	if err := cache.Trim(filepath.Join(dir, "?"), 1, day, now); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{"e": true, "f": true, "g": true, "b": false, "d": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
}
