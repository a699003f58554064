package asset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// tmpPrefix starts the names of files that are being written.
const tmpPrefix = atomicfile.Prefix

// maxFile bounds what is read of one file, in bytes: the largest that is
// generated, bootstrap.ign, has about one MiB.
const maxFile = 64 << 20

// writers is how many files are brought to disk at the same time: one flush of
// the disk then serves several of them. More of them only wait for each other:
// they make files in the same directory.
const writers = 4

// disk is the asset directory. Paths are relative to it. Reading follows
// symbolic links: what a user links to is input. Writing never does, so
// that nothing outside of the directory changes.
type disk struct {
	path string
	root *os.Root
	// step is asked before every change of the directory. Tests break off there.
	step func(op, name string) error
}

func openDisk(dir string) (*disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fileError("open asset directory", dir, err)
	}
	return &disk{path: dir, root: root, step: func(string, string) error { return nil }}, nil
}

func (d *disk) close() error { return d.root.Close() }

func (d *disk) full(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// WriteFile replaces a file in one step: whoever reads it, after whatever
// crash, finds the old content or the new one.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	d, err := openDisk(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.write(Files{{Path: filepath.Base(path), Data: data, Mode: mode}}), d.close())
}

// read returns the content of a file. It fails with fs.ErrNotExist if there is
// nothing of that name.
func (d *disk) read(name string) ([]byte, error) {
	full := d.full(name)
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		if _, isLink := os.Lstat(full); isLink == nil {
			return nil, fileError("read", full, errLostLink)
		}
		return nil, err
	}
	switch {
	case err != nil:
	case info.IsDir():
		err = errDirectory
	case !info.Mode().IsRegular():
		err = errNoFile // a pipe would be waited for without end
	case info.Size() > maxFile:
		err = fmt.Errorf("it has %d MiB, more than the %d that are possible", info.Size()>>20, maxFile>>20)
	}
	if err != nil {
		return nil, fileError("read", full, err)
	}
	data, err := os.ReadFile(full)
	if err != nil {
		return nil, fileError("read", full, err)
	}
	return data, nil
}

// write replaces files, each in one step. None is replaced before the new
// content of all is safely on disk: a full disk leaves them as they were.
func (d *disk) write(files Files) (err error) {
	var dirs []string
	for _, f := range files {
		made, err := d.prepare(f.Path)
		if err != nil {
			return err
		}
		dirs = append(dirs, made...)
	}
	temps := make([]string, len(files))
	defer func() {
		for _, tmp := range temps {
			if tmp != "" && err != nil {
				_ = d.remove(tmp)
			}
		}
	}()
	var group errgroup.Group
	group.SetLimit(writers)
	for i, f := range files {
		group.Go(func() (err error) { temps[i], err = d.spool(f); return err })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, f := range files {
		if err := d.rename(temps[i], f.Path); err != nil {
			return err
		}
		temps[i] = ""
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := d.sync(dir); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the directory of a file, and refuses places where it cannot be
// replaced without harm. It returns the directories that have to be synced once
// the file is in its place.
func (d *disk) prepare(name string) (dirs []string, err error) {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		info, err := d.root.Lstat(dir)
		dirs = append(dirs, dir)
		if err == nil && !info.IsDir() {
			err = errNotDirectory
			if info.Mode()&fs.ModeSymlink != 0 {
				err = errLink
			}
			return nil, fileError("write", d.full(name), fmt.Errorf("%s: %w", d.full(dir), err))
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fileError("write", d.full(name), err)
		}
	}
	if len(dirs) > 1 {
		if err := d.step("mkdir", path.Dir(name)); err != nil {
			return nil, err
		}
		if err := d.root.MkdirAll(path.Dir(name), 0o750); err != nil {
			return nil, fileError("make directory", d.full(path.Dir(name)), err)
		}
	}
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return dirs, nil
	case err != nil:
	case info.Mode()&fs.ModeSymlink != 0:
		err = errLink
	case info.IsDir():
		err = errDirectory
	case !info.Mode().IsRegular():
		err = errNoFile
	}
	if err != nil {
		return nil, fileError("write", d.full(name), err)
	}
	return dirs, nil
}

// spool writes the content of f to a file beside its place and returns the name
// of that, even if it fails.
func (d *disk) spool(f File) (name string, err error) {
	if err := d.step("write", f.Path); err != nil {
		return "", err
	}
	name, err = atomicfile.Spool(d.root, path.Dir(f.Path), f.Data, f.Mode)
	if err != nil {
		err = fileError("write", d.full(f.Path), err)
	}
	return name, err
}

func (d *disk) rename(from, to string) error {
	if err := d.step("rename", to); err != nil {
		return err
	}
	if err := d.root.Rename(from, to); err != nil {
		return fileError("write", d.full(to), err)
	}
	return nil
}

func (d *disk) remove(name string) error {
	if err := d.step("remove", name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil {
		return fileError("remove", d.full(name), err)
	}
	return nil
}

func (d *disk) sync(dir string) error {
	if err := d.step("sync", dir); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(d.root, dir); err != nil {
		return fileError("sync", d.full(dir), err)
	}
	return nil
}

// sweep removes half-written files that a killed run left in the directory and
// one level below. They may hold secrets. Only the holder of the lock may call
// it.
func (d *disk) sweep() error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return fileError("list", d.path, err)
	}
	dirs := []string{"."}
	for _, e := range entries {
		if e.IsDir() { // not what a link leads to
			dirs = append(dirs, e.Name())
		}
	}
	for _, dir := range dirs {
		left, err := fs.Glob(d.root.FS(), path.Join(dir, tmpPrefix+"*"))
		if err != nil {
			return fileError("list", d.full(dir), err)
		}
		for _, name := range left {
			if err := d.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
