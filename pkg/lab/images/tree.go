package images

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
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
