// Package cache keeps what the lab builds, named by a hash of what it was
// built from: the same inputs are built once, and a build that was killed
// leaves nothing that could be mistaken for its result.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
)

// Dir is a cache directory.
type Dir struct{ Path string }

// Key hashes the inputs of a build. Each is taken with its length, so that
// moving a byte from one to the next gives another key.
func Key(inputs ...string) string {
	h := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(h, "%d:%s", len(in), in)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// TreeKey hashes names and contents of a file tree.
func TreeKey(tree fs.FS) (string, error) {
	var parts []string
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, path)
		parts = append(parts, path, string(b))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash files: %w", err)
	}
	return Key(parts...), nil
}

// FileKey hashes the name and the content of a file.
func FileKey(path string) (string, error) {
	sum, err := FileSum(path)
	return Key(filepath.Base(path), sum), err
}

// FileSum is the SHA-256 of a file.
func FileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash file: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash file %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Entry returns the path of kind/key, which build makes if it is not there.
// build gets a path that does not exist yet and that is renamed when it is
// done. It runs under a lock, so that two processes do not build the same.
func (d Dir) Entry(
	ctx context.Context, clk clock.Clock, kind, key string, build func(path string) error,
) (string, error) {
	dir := filepath.Join(d.Path, kind)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("open cache: %w", err)
	}
	final := filepath.Join(dir, key)
	if exists(final) {
		return final, Use(final, clk.Now())
	}
	unlock, err := Lock(ctx, clk, filepath.Join(dir, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(final) {
		return final, nil
	}
	tmp := filepath.Join(dir, ".new")
	if err := os.RemoveAll(tmp); err != nil { // of a build that was killed
		return "", fmt.Errorf("clear cache: %w", err)
	}
	if err := build(tmp); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, final); err != nil {
		return "", fmt.Errorf("fill cache: %w", err)
	}
	return final, Use(final, clk.Now())
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Use notes that something in a cache is in use now, so that Trim lets it be.
func Use(path string, now time.Time) error {
	if err := os.Chtimes(path, now, now); err != nil {
		return fmt.Errorf("note use of cache: %w", err)
	}
	return nil
}

// Trim removes what matches pattern, a path with wildcards, except for the keep
// that were used last and whatever was used within age: labs that run take
// programs and images from the cache.
func Trim(pattern string, keep int, age time.Duration, now time.Time) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("trim cache: %w", err)
	}
	used := map[string]time.Time{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			used[path] = info.ModTime()
		}
	}
	entries := slices.SortedFunc(maps.Keys(used), func(a, b string) int { return used[b].Compare(used[a]) })
	var errs []error
	for _, path := range entries[min(keep, len(entries)):] {
		if now.Sub(used[path]) > age {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("trim cache: %w", err)
	}
	return nil
}

// Lock waits for the lock file and takes it. The lock ends with unlock or with
// the process.
func Lock(ctx context.Context, clk clock.Clock, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("take lock %s: %w", path, err)
		}
		if err := clk.Sleep(ctx, 200*time.Millisecond); err != nil {
			f.Close()
			return nil, fmt.Errorf("wait for lock %s, which another okd-lab holds: %w", path, err)
		}
	}
}
