package images

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// epoch is the time of everything in an image, so that equal content has
// equal digests.
var epoch = time.Unix(0, 0).UTC()

// tree is the content of one layer by clean absolute path.
type tree map[string]entry

type entry struct {
	mode   fs.FileMode // type and permissions
	data   []byte      // of a file, unless source is set
	source string      // host path of a file's content
	target string      // of a symbolic link
}

// clean puts paths where a merged-usr system has them: the base layer makes
// /bin, /sbin, /lib and /lib64 links into /usr, and a layer with a real
// directory of that name would hide the link.
func clean(path string) string {
	path = filepath.Clean("/" + path)
	for _, d := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(path, d) {
			return "/usr" + path
		}
	}
	return path
}

func (t tree) dir(path string) { t[clean(path)] = entry{mode: fs.ModeDir | 0o755} }
func (t tree) link(path, target string) {
	t[clean(path)] = entry{mode: fs.ModeSymlink | 0o777, target: target}
}
func (t tree) file(path string, m fs.FileMode, d []byte) {
	t[clean(path)] = entry{mode: m.Perm(), data: d}
}
func (t tree) source(path string, m fs.FileMode, host string) {
	t[clean(path)] = entry{mode: m.Perm(), source: host}
}

// fs adds the regular files of f under dir.
func (t tree) fs(dir string, f fs.FS) error {
	if f == nil {
		return nil
	}
	return fs.WalkDir(f, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(f, path)
		t.file(filepath.Join(dir, path), 0o644, data)
		return err
	})
}

// paths are all paths, parents first, including parents that were not added.
func (t tree) paths() []string {
	all := map[string]bool{}
	for p := range t {
		for ; p != "/"; p = filepath.Dir(p) {
			all[p] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// key hashes the content without making the layer.
func (t tree) key() (string, error) {
	h := sha256.New()
	for _, p := range t.paths() {
		e := t[p]
		sum := sha256.Sum256(e.data)
		if e.source != "" {
			if err := hashFile(e.source, &sum); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(h, "%q %o %q %x\n", p, e.mode, e.target, sum)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashFile(path string, sum *[sha256.Size]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("hash %s: %w", path, err)
	}
	copy(sum[:], h.Sum(nil))
	return nil
}

// write makes the tar: sorted, root-owned, times at the epoch.
func (t tree) write(w io.Writer) error {
	tw := tar.NewWriter(w)
	for _, p := range t.paths() {
		if err := t.writeEntry(tw, p); err != nil {
			return fmt.Errorf("write %s to layer: %w", p, err)
		}
	}
	return tw.Close()
}

func (t tree) writeEntry(tw *tar.Writer, path string) error {
	e, ok := t[path]
	if !ok {
		e.mode = fs.ModeDir | 0o755
	}
	h := &tar.Header{
		Name: strings.TrimPrefix(path, "/"), Mode: int64(e.mode.Perm()), ModTime: epoch, Format: tar.FormatPAX,
	}
	if e.mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		return tw.WriteHeader(h)
	case e.mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.target
		return tw.WriteHeader(h)
	case e.source == "":
		h.Size = int64(len(e.data))
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		_, err := tw.Write(e.data)
		return err
	}
	f, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

// layer is an uncompressed layer in a file: compressing would cost more CPU
// than the lab has, and the network is a bridge.
type layer struct {
	path string
	Hash v1.Hash `json:"digest"`
	Len  int64   `json:"size"`
}

func (l layer) Digest() (v1.Hash, error)             { return l.Hash, nil }
func (l layer) DiffID() (v1.Hash, error)             { return l.Hash, nil }
func (l layer) Size() (int64, error)                 { return l.Len, nil }
func (l layer) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }
func (l layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l layer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// fileLayer is a layer that is there already and does not change.
func fileLayer(path string) (layer, error) {
	l := layer{path: path}
	f, err := os.Open(path)
	if err != nil {
		return l, fmt.Errorf("read layer: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if l.Len, err = io.Copy(h, f); err != nil {
		return l, fmt.Errorf("read layer: %w", err)
	}
	l.Hash = sum(h)
	return l, nil
}

// layer makes the tree's layer in the cache, or finds it there.
func (t tree) layer(cache string) (layer, error) {
	key, err := t.key()
	if err != nil {
		return layer{}, fmt.Errorf("hash layer: %w", err)
	}
	l := layer{path: filepath.Join(cache, key+".tar")}
	record := filepath.Join(cache, key+".json")
	if data, err := os.ReadFile(record); err == nil && json.Unmarshal(data, &l) == nil {
		if info, err := os.Stat(l.path); err == nil && info.Size() == l.Len {
			return l, nil
		}
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return layer{}, fmt.Errorf("create layer cache: %w", err)
	}
	if l.Hash, l.Len, err = t.writeFile(l.path); err != nil {
		return layer{}, fmt.Errorf("make layer: %w", err)
	}
	data, err := json.Marshal(l)
	if err != nil {
		return layer{}, err
	}
	if err := atomicfile.Write(record, data, 0o644); err != nil {
		return layer{}, fmt.Errorf("record layer: %w", err)
	}
	return l, nil
}

// writeFile writes the layer through a temporary file: layouts have links to
// what was at path before.
func (t tree) writeFile(path string) (digest v1.Hash, size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return digest, 0, err
	}
	defer os.Remove(f.Name()) // fails once it has been renamed
	h, n := sha256.New(), new(counter)
	err = t.write(io.MultiWriter(f, h, n))
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return digest, 0, err
	}
	return sum(h), int64(*n), os.Rename(f.Name(), path)
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
