package osimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/clock"
)

// cacheVars move the cache; the first that is set wins.
var cacheVars = []string{"OKD_INSTALL_IMAGE_CACHE", "OPENSHIFT_INSTALL_IMAGE_CACHE"}

// CacheDir returns where images are kept: the override, else
// ~/.cache/okd-install/image_cache.
func CacheDir(getenv func(string) string) string {
	for _, v := range cacheVars {
		if dir := getenv(v); dir != "" {
			return dir
		}
	}
	base := getenv("XDG_CACHE_HOME")
	if base == "" {
		base = filepath.Join(getenv("HOME"), ".cache")
	}
	return filepath.Join(base, "okd-install", "image_cache")
}

// Cache keeps downloaded images, unpacked and checked.
type Cache struct {
	Dir   string
	HTTP  *http.Client // see Client
	Clock clock.Clock
	Log   *slog.Logger
	// Progress is told how much of the download has arrived; total is -1 if
	// the server does not say.
	Progress func(got, total int64)
	// Tries is how often a download that makes no progress is taken up again.
	// Default 6.
	Tries int
	// Stall ends a connection that brings nothing for so long. Default 1 min.
	Stall time.Duration
}

// File is an image on this machine.
type File struct {
	Path    string
	SHA256  string // of the file
	Size    int64
	Virtual int64  // bytes that the guest sees
	Format  string // qcow2 or raw
}

// Get returns the image, downloading it if it is not in the cache. What is
// downloaded is checked while it is written, and written once: packed images
// are unpacked on the way.
func (c Cache) Get(ctx context.Context, a Artifact) (File, error) {
	c = c.withDefaults()
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return File{}, fmt.Errorf("get OS image: %w", err)
	}
	key := c.key(a)
	path := filepath.Join(c.Dir, key)
	unlock, err := c.lock(ctx, path)
	if err != nil {
		return File{}, fmt.Errorf("get OS image: %w", err)
	}
	defer unlock()
	if f, err := cached(path, a); err == nil {
		c.Log.Debug("OS image is in the cache", "path", path)
		return f, nil
	}
	sum, err := c.download(ctx, a, path+".part")
	if err != nil {
		return File{}, fmt.Errorf("get OS image %s: %w", a.URL, err)
	}
	st, err := os.Stat(path + ".part")
	if err != nil {
		return File{}, fmt.Errorf("get OS image: %w", err)
	}
	if err := os.WriteFile(path+".sha256", fmt.Appendf(nil, "%s %d\n", sum, st.Size()), 0o644); err != nil {
		return File{}, fmt.Errorf("get OS image: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return File{}, fmt.Errorf("get OS image: %w", err)
	}
	f, err := cached(path, a)
	if err != nil {
		return File{}, fmt.Errorf("get OS image %s: %w", a.URL, err)
	}
	return f, nil
}

func (c Cache) withDefaults() Cache {
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	if c.Tries <= 0 {
		c.Tries = 6
	}
	if c.Stall <= 0 {
		c.Stall = time.Minute
	}
	return c
}

// key names the cached file by what is in it, or by where it comes from when
// nobody says what is in it.
func (c Cache) key(a Artifact) string {
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(strings.SplitN(a.URL, "?", 2)[0]), ".gz"), ".xz")
	id := a.UncompressedSHA256
	if id == "" {
		id = a.SHA256
	}
	if id == "" {
		sum := sha256.Sum256([]byte(a.URL))
		id = "url-" + hex.EncodeToString(sum[:])
	}
	return id[:min(len(id), 20)] + "-" + name
}

// cached returns a complete file of the cache. Its checksum was taken when it
// was written and stands beside it; sizes are compared, contents are not read
// again.
func cached(path string, a Artifact) (File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	data, err := os.ReadFile(path + ".sha256")
	if err != nil {
		return File{}, err
	}
	sum, size, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	if size != strconv.FormatInt(st.Size(), 10) {
		return File{}, fmt.Errorf("%s has %d bytes, not %s", path, st.Size(), size)
	}
	if want := a.UncompressedSHA256; want != "" && want != sum {
		return File{}, fmt.Errorf("%s has checksum %s, not %s", path, sum, want)
	}
	f := File{Path: path, SHA256: sum, Size: st.Size()}
	return f, f.inspect()
}

// lock keeps two installers from writing one file. A process that dies frees it.
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
			return nil, fmt.Errorf("wait for another installer that downloads %s: %w", path, err)
		}
	}
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// hashFile takes the checksum of what is in a file.
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
