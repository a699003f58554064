package images

import (
	"archive/tar"
	"errors"
	"fmt"
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

// copyTo writes the tar to w and returns its digest and size.
func (t tree) copyTo(w io.Writer) (v1.Hash, int64, error) {
	r, tee := io.Pipe()
	go func() { tee.CloseWithError(t.write(io.MultiWriter(w, tee))) }()
	return v1.SHA256(r)
}

// layer is an uncompressed layer in a file: compressing would cost more CPU
// than the lab has, and the network is a bridge.
type layer struct {
	path string
	hash v1.Hash
	size int64
}

func (l layer) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l layer) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l layer) Size() (int64, error)                 { return l.size, nil }
func (l layer) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }
func (l layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l layer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }

// fileLayer is a layer that is there already and does not change.
func fileLayer(path string) (layer, error) {
	f, err := os.Open(path)
	if err != nil {
		return layer{}, fmt.Errorf("read layer: %w", err)
	}
	defer f.Close()
	hash, size, err := v1.SHA256(f)
	if err != nil {
		return layer{}, fmt.Errorf("read layer: %w", err)
	}
	return layer{path, hash, size}, nil
}

// layer makes the tree's layer in the cache, or finds it there.
func (t tree) layer(cache string) (layer, error) {
	hash, size, err := t.copyTo(io.Discard)
	if err != nil {
		return layer{}, fmt.Errorf("hash layer: %w", err)
	}
	l := layer{filepath.Join(cache, hash.Hex+".tar"), hash, size}
	if info, err := os.Stat(l.path); err == nil && info.Size() == size {
		return l, nil
	}
	if err := t.keep(cache, l); err != nil {
		return layer{}, fmt.Errorf("make layer: %w", err)
	}
	return l, nil
}

// keep writes a layer to the cache. It appears there when it is complete.
func (t tree) keep(cache string, l layer) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(cache, "new.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it has been renamed
	hash, _, err := t.copyTo(f)
	if err == nil && hash != l.hash {
		err = errors.New("a file changes while it is copied")
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), l.path)
}
