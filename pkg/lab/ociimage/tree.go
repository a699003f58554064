package ociimage

import (
	"archive/tar"
	"encoding/binary"
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
)

// Epoch is the time of everything in an image, so that equal content has
// equal digests.
var Epoch = time.Unix(0, 0).UTC()

// Tree is the content of one layer by clean absolute path.
type Tree map[string]entry

type entry struct {
	mode   fs.FileMode // type and permissions
	data   []byte      // of a file, unless source is set
	source string      // host path of a file's content
	target string      // of a symbolic link
	caps   []byte      // file capabilities, as the kernel keeps them
}

// Clean puts paths where a merged-usr system has them: the base layer makes
// /bin, /sbin, /lib and /lib64 links into /usr, and a layer with a real
// directory of that name would hide the link.
func Clean(path string) string {
	path = filepath.Clean("/" + path)
	for _, d := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(path, d) {
			return "/usr" + path
		}
	}
	return path
}

// Dir adds an empty directory; parents of what is added need not be.
func (t Tree) Dir(path string) { t[Clean(path)] = entry{mode: fs.ModeDir | 0o755} }

// Sticky adds a directory that everybody may write to, such as /tmp.
func (t Tree) Sticky(path string) {
	t[Clean(path)] = entry{mode: fs.ModeDir | fs.ModeSticky | 0o777}
}

// Link adds a symbolic link.
func (t Tree) Link(path, target string) {
	t[Clean(path)] = entry{mode: fs.ModeSymlink | 0o777, target: target}
}

// File adds a file.
func (t Tree) File(path string, m fs.FileMode, d []byte) {
	t[Clean(path)] = entry{mode: m.Perm(), data: d}
}

// Source adds a file with the content of one of this machine, which is read when
// the layer is.
func (t Tree) Source(path string, m fs.FileMode, host string) {
	t[Clean(path)] = entry{mode: m.Perm(), source: host}
}

// Has reports whether the tree has something at path.
func (t Tree) Has(path string) bool { _, ok := t[Clean(path)]; return ok }

// Add adds all that another tree has.
func (t Tree) Add(other Tree) { maps.Copy(t, other) }

// Remove takes a path out again, whatever is below it stays.
func (t Tree) Remove(path string) { delete(t, Clean(path)) }

// Copy adds all that is below host: directories, files and symbolic links, with
// their permissions. Devices and sockets are left out; owner is root.
func (t Tree) Copy(host string) error {
	return filepath.WalkDir(host, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == host {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		to := strings.TrimPrefix(path, host)
		switch m := info.Mode(); {
		case m.IsDir():
			t[Clean(to)] = entry{mode: m & (fs.ModeDir | fs.ModeSticky | fs.ModePerm)}
		case m&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			t.Link(to, target)
		case m.IsRegular():
			t.Source(to, m, path)
		}
		return nil
	})
}

// NetBindService is the capability to listen at ports below 1024.
const NetBindService = 10

// Capable gives a file that was added capabilities, permitted and effective.
func (t Tree) Capable(path string, capabilities ...uint) error {
	e, ok := t[Clean(path)]
	if !ok || !e.mode.IsRegular() {
		return fmt.Errorf("no file %s for capabilities", path)
	}
	var set uint64
	for _, c := range capabilities {
		set |= 1 << c
	}
	// struct vfs_cap_data, revision 2: little endian, low words, then high words.
	const revision2, effective = 0x02000000, 1
	b := binary.LittleEndian.AppendUint32(nil, revision2|effective)
	for _, word := range []uint32{uint32(set), 0, uint32(set >> 32), 0} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	e.caps = b
	t[Clean(path)] = e
	return nil
}

// FS adds the regular files of f under dir.
func (t Tree) FS(dir string, f fs.FS) error {
	if f == nil {
		return nil
	}
	return fs.WalkDir(f, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(f, path)
		t.File(filepath.Join(dir, path), 0o644, data)
		return err
	})
}

// paths are all paths, parents first, including parents that were not added.
func (t Tree) paths() []string {
	all := map[string]bool{}
	for p := range t {
		for ; p != "/"; p = filepath.Dir(p) {
			all[p] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Write makes the tar: sorted, root-owned, times at the epoch.
func (t Tree) Write(w io.Writer) error {
	tw := tar.NewWriter(w)
	for _, p := range t.paths() {
		if err := t.writeEntry(tw, p); err != nil {
			return fmt.Errorf("write %s to layer: %w", p, err)
		}
	}
	return tw.Close()
}

func (t Tree) writeEntry(tw *tar.Writer, path string) error {
	e, ok := t[path]
	if !ok {
		e.mode = fs.ModeDir | 0o755
	}
	h := &tar.Header{
		Name: strings.TrimPrefix(path, "/"), Mode: int64(e.mode.Perm()), ModTime: Epoch, Format: tar.FormatPAX,
	}
	if e.mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	if e.caps != nil {
		h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": string(e.caps)}
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

// Extract writes the tree below dir, without capabilities.
func (t Tree) Extract(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range t.paths() {
		if err := t[p].extract(filepath.Join(dir, p)); err != nil {
			return fmt.Errorf("extract %s: %w", p, err)
		}
	}
	return nil
}

func (e entry) extract(path string) error {
	switch {
	case e.mode == 0: // a parent that was not added
		return os.MkdirAll(path, 0o755)
	case e.mode.IsDir():
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return os.Chmod(path, e.mode)
	case e.mode&fs.ModeSymlink != 0:
		return os.Symlink(e.target, path)
	case e.source == "":
		return os.WriteFile(path, e.data, e.mode.Perm())
	}
	in, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, e.mode.Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
