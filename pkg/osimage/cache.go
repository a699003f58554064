package osimage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
)

// CacheDir returns where images are kept: the override, else ~/.cache/okd-install/image_cache.
func CacheDir(getenv func(string) string) string {
	base := cmp.Or(getenv("XDG_CACHE_HOME"), filepath.Join(getenv("HOME"), ".cache"))
	return cmp.Or(getenv("OKD_INSTALL_IMAGE_CACHE"), getenv("OPENSHIFT_INSTALL_IMAGE_CACHE"),
		filepath.Join(base, "okd-install", "image_cache"))
}

// Cache keeps downloaded images, unpacked and checked.
type Cache struct {
	Dir   string
	HTTP  *http.Client // see Client
	Clock clock.Clock
	Log   *slog.Logger
	// Progress is called with the bytes downloaded so far; total is -1 if the server does not send a length.
	Progress func(got, total int64)
	Tries    int           // how many attempts in a row may bring nothing, default 6
	Stall    time.Duration // how long a connection may be silent before it is closed, default 1 min
	// Unverified lists the URLs and hosts from which an image without a checksum may come over plain http.
	Unverified []string
}

// File is an image on this machine.
type File struct {
	Path    string
	SHA256  string // of the file
	Size    int64  // of the file, bytes
	Virtual int64  // size of the disk, bytes
	Format  string // qcow2 or raw
}

// Get returns the image, downloading it if it is not in the cache. It is checked and unpacked while it is written.
func (c Cache) Get(ctx context.Context, a Artifact) (File, error) {
	c = c.withDefaults()
	if err := a.CheckTrust(c.Unverified); err != nil {
		return File{}, err
	}
	f, err := c.get(ctx, a)
	if err != nil {
		return File{}, fmt.Errorf("get OS image %s: %w", a.Where(), err)
	}
	return f, nil
}

func (c Cache) get(ctx context.Context, a Artifact) (File, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return File{}, err
	}
	path := filepath.Join(c.Dir, c.key(a))
	unlock, err := c.lock(ctx, path)
	if err != nil {
		return File{}, err
	}
	defer unlock()
	f, err := c.cached(ctx, path, a)
	if err == nil {
		c.Log.Debug("OS image is in the cache", "path", path)
		return f, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.Log.Info("cached OS image not used", "path", path, "err", err)
	}
	part := path + ".part"
	if !a.hasChecksum() { // what a killed run left may be part of another file
		if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return File{}, err
		}
	}
	r, err := c.download(ctx, a, part)
	if err != nil {
		return File{}, err
	}
	if err := r.write(path); err != nil {
		return File{}, err
	}
	if err := os.Rename(part, path); err != nil {
		return File{}, err
	}
	return r.file(path)
}

func (c Cache) withDefaults() Cache {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	c.HTTP = cmp.Or(c.HTTP, http.DefaultClient)
	c.Tries, c.Stall = cmp.Or(c.Tries, 6), cmp.Or(c.Stall, time.Minute)
	return c
}

// key names the cached file after its checksum, or after its URL if it has none.
func (c Cache) key(a Artifact) string {
	path, _, _ := strings.Cut(a.URL, "?")
	path, _, _ = strings.Cut(path, "#")
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".gz"), ".xz")
	id := cmp.Or(a.UncompressedSHA256, a.SHA256, fmt.Sprintf("url-%x", sha256.Sum256([]byte(a.URL))))
	return id[:min(len(id), 20)] + "-" + name
}

// lock keeps two installers from writing the same file. The kernel releases it when the process dies.
func (c Cache) lock(ctx context.Context, path string) (func(), error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err := c.Clock.Sleep(ctx, time.Second); err != nil {
			f.Close()
			return nil, fmt.Errorf("wait for another installer to download %s: %w", path, err)
		}
	}
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// hashFile writes a file to h and returns its size; a missing file is empty.
func hashFile(path string, h hash.Hash) (int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(h, f)
}
