// Package workdir is a directory in which one process at a time works: its lock,
// and files that are replaced in one step.
package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// File is a file in the directory. Path is relative to the directory and has forward
// slashes on every platform.
type File struct {
	Path string      `json:"path"`
	Data []byte      `json:"data"`
	Mode fs.FileMode `json:"mode"`
}

// String names the file. The content may hold keys and is never printed.
func (f File) String() string { return fmt.Sprintf("%s (%d bytes)", f.Path, len(f.Data)) }

// GoString is the same as String.
func (f File) GoString() string { return f.String() }

// LogValue is the same as String.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// maxFile is the largest file that is read, in bytes. The largest that is generated,
// bootstrap.ign, has about one MiB.
const maxFile = 64 << 20

// writers is how many files are written at the same time, so that one flush of the
// disk serves several of them. More would only wait for each other, because they
// create files in the same directory.
const writers = 4

// Dir is an open directory. Names are relative to it. Reading follows symbolic links,
// because what a user links to is input. Writing never does, so that nothing outside
// the directory changes.
type Dir struct {
	path string
	root *os.Root
	lock *Lock // released by Close, nil for none
	// Step is called before every change, for tests that break off there.
	Step func(op, name string) error
}

// Open makes the directory if need be, and takes it for this process. It fails with
// *LockedError while another process has it.
func Open(dir string, by Holder) (*Dir, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, wrap("make asset directory", dir, err)
	}
	lock, err := take(dir, by)
	if err != nil {
		return nil, err
	}
	d, err := open(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	d.lock = lock
	return d, nil
}

// Open opens the directory that is locked. Closing it keeps the lock.
func (l *Lock) Open() (*Dir, error) { return open(l.dir) }

// Unlocked is a directory that is only read.
func Unlocked(dir string) *Dir { return &Dir{path: dir} }

func open(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, wrap("open asset directory", dir, err)
	}
	return &Dir{path: dir, root: root, Step: func(string, string) error { return nil }}, nil
}

// Close closes the directory and frees it.
func (d *Dir) Close() error {
	err := d.root.Close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Unlock())
	}
	return err
}

// Full is the path of a file.
func (d *Dir) Full(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// WriteFile replaces a file in one step: it has the old or the new content.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	d, err := open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Write([]File{{Path: filepath.Base(path), Data: data, Mode: mode}}), d.Close())
}

// Read returns the content of a file. It fails with fs.ErrNotExist if there is none.
func (d *Dir) Read(name string) ([]byte, error) {
	full := d.Full(name)
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		if _, isLink := os.Lstat(full); isLink == nil {
			return nil, wrap("read", full, errLostLink)
		}
		return nil, err
	}
	if err == nil {
		err = notFile(info) // reading a pipe could wait forever
	}
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it has %d MiB, more than the allowed %d", info.Size()>>20, maxFile>>20)
	}
	if err != nil {
		return nil, wrap("read", full, err)
	}
	data, err := os.ReadFile(full)
	return data, wrap("read", full, err)
}

func notFile(info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return errLink
	case info.IsDir():
		return errDirectory
	case !info.Mode().IsRegular():
		return errNoFile
	}
	return nil
}

// List returns the entries of a directory, none if it does not exist.
func (d *Dir) List(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(d.Full(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, wrap("list", d.Full(name), err)
}

// Write replaces files, each in one step. None is replaced before the new content of
// all is on disk, so a full disk leaves them as they were.
func (d *Dir) Write(files []File) (err error) {
	var dirs []string
	for _, f := range files {
		made, err := d.prepare(f.Path)
		if err != nil {
			return wrap("write", d.Full(f.Path), err)
		}
		dirs = append(dirs, made...)
	}
	temps := make([]string, len(files))
	defer func() {
		for _, tmp := range temps {
			if tmp != "" && err != nil {
				_ = d.Remove(tmp)
			}
		}
	}()
	var group errgroup.Group
	group.SetLimit(writers)
	for i, f := range files {
		group.Go(func() error {
			return d.change("write", "write", f.Path, func() (err error) {
				temps[i], err = atomicfile.Spool(d.root, path.Dir(f.Path), f.Data, f.Mode)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, f := range files {
		rename := func() error { return d.root.Rename(temps[i], f.Path) }
		if err := d.change("rename", "write", f.Path, rename); err != nil {
			return err
		}
		temps[i] = ""
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		sync := func() error { return atomicfile.SyncDir(d.root, dir) }
		if err := d.change("sync", "sync", dir, sync); err != nil {
			return err
		}
	}
	return nil
}

// change makes one change of the directory. The verb is for its error.
func (d *Dir) change(op, verb, name string, do func() error) error {
	if err := d.Step(op, name); err != nil {
		return err
	}
	return wrap(verb, d.Full(name), do())
}

// prepare makes the directory of a file, and refuses to replace anything but a file.
// It returns the directories to sync after the file was renamed.
func (d *Dir) prepare(name string) (dirs []string, err error) {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		info, err := d.root.Lstat(dir)
		dirs = append(dirs, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			break
		}
		if err = errNotDirectory; info.Mode()&fs.ModeSymlink != 0 {
			err = errLink
		}
		return nil, fmt.Errorf("%s: %w", d.Full(dir), err)
	}
	if len(dirs) > 1 {
		parent := path.Dir(name)
		mkdir := func() error { return d.root.MkdirAll(parent, 0o750) }
		if err := d.change("mkdir", "make directory", parent, mkdir); err != nil {
			return nil, err
		}
	}
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return dirs, nil
	}
	if err != nil {
		return nil, err
	}
	return dirs, notFile(info)
}

// Remove removes a file.
func (d *Dir) Remove(name string) error {
	return d.change("remove", "remove", name, func() error { return d.root.Remove(name) })
}

// Protect gives a file this mode if others than its owner may use it, and returns the
// mode it had.
func (d *Dir) Protect(name string, mode fs.FileMode) (was fs.FileMode, err error) {
	info, err := d.root.Stat(name)
	if err != nil || info.Mode().Perm()&^mode == 0 {
		return mode, nil
	}
	return info.Mode().Perm(), wrap("protect", d.Full(name), d.root.Chmod(name, mode))
}

// Sweep removes half-written files, which may hold secrets, that a killed run left in
// the directory and one level below. Only the holder of the lock may call it.
func (d *Dir) Sweep() error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return wrap("list", d.path, err)
	}
	dirs := []string{"."}
	for _, e := range entries {
		if e.IsDir() { // not a link to one
			dirs = append(dirs, e.Name())
		}
	}
	for _, dir := range dirs {
		left, err := fs.Glob(d.root.FS(), path.Join(dir, atomicfile.Prefix+"*"))
		if err != nil {
			return wrap("list", d.Full(dir), err)
		}
		for _, name := range left {
			if err := d.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
