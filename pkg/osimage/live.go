package osimage

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/stream-metadata-go/arch"
	"github.com/coreos/stream-metadata-go/stream"
)

// metal is the artifact with the live ISO.
const metal = "metal"

// FindLive picks the live ISO out of a CoreOS stream.
func FindLive(s *stream.Stream, architecture string) (Artifact, error) {
	disk, err := s.QueryDisk(arch.RpmArch(architecture), metal, "iso")
	if err != nil {
		return Artifact{}, fmt.Errorf("find live ISO: CoreOS stream %s: %w", s.Stream, err)
	}
	release := s.Architectures[arch.RpmArch(architecture)].Artifacts[metal].Release
	return Artifact{URL: disk.Location, SHA256: disk.Sha256, Format: "iso", Release: release}, nil
}

// LiveOverride is where the user has a live ISO: a file, or a URL as in ParseOverride.
func LiveOverride(value string) (path string, a Artifact, err error) {
	o, err := ParseOverride(value)
	if err != nil {
		return "", a, err
	}
	if path, is := strings.CutPrefix(o.Artifact.URL, "file://"); is && o.Artifact.SHA256 == "" {
		return path, a, nil
	}
	if o.Template != "" {
		return o.Template, a, nil
	}
	if !o.IsZero() {
		o.Artifact.Format = "iso"
	}
	return "", o.Artifact, nil
}

// Keep returns a file of the cache that fetch brings if it is not there. The name must tell
// versions apart, and what fetch writes must be checked by it.
func (c Cache) Keep(ctx context.Context, name string, fetch func(*os.File) error) (File, error) {
	c = c.withDefaults()
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return File{}, fmt.Errorf("keep OS image: %w", err)
	}
	path := filepath.Join(c.Dir, name)
	unlock, err := c.lock(ctx, path)
	if err != nil {
		return File{}, err
	}
	defer unlock()
	f, err := c.cached(ctx, path, Artifact{UncompressedSHA256: recorded(path)})
	if err == nil {
		return f, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.Log.Info("cached OS image not used", "path", path, "err", err)
	}
	r, err := fill(path+".part", fetch)
	if err != nil {
		return File{}, errors.Join(err, removed(path+".part"))
	}
	if err := r.write(path); err != nil {
		return File{}, err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return File{}, err
	}
	return r.file(path)
}

func fill(path string, fetch func(*os.File) error) (r record, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := fetch(f); err != nil {
		return r, err
	}
	if err := f.Sync(); err != nil {
		return r, err
	}
	h := sha256.New()
	if r.Size, err = hashFile(path, h); err != nil {
		return r, err
	}
	r.SHA256 = hexSum(h)
	return r, nil
}

func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// recorded is the checksum that a file of the cache had when it came, empty if it is not known.
func recorded(path string) string {
	data, err := os.ReadFile(recordOf(path))
	if err != nil {
		return ""
	}
	var r record
	if json.Unmarshal(data, &r) != nil {
		return ""
	}
	return r.SHA256
}
