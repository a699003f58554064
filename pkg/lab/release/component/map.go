package component

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Map makes a flat, read-only file system from contents by name, for
// manifests that code generates.
func Map(files map[string][]byte) fs.FS { return flat(maps.Clone(files)) }

type flat map[string][]byte

func (f flat) Open(name string) (fs.File, error) {
	if name == "." {
		return &dir{info{name: ".", mode: fs.ModeDir | 0o555}, f.entries()}, nil
	}
	data, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{info: info{name: name, size: int64(len(data)), mode: 0o444}, data: data}, nil
}

func (f flat) entries() []fs.DirEntry {
	var out []fs.DirEntry
	for _, n := range slices.Sorted(maps.Keys(f)) {
		out = append(out, fs.FileInfoToDirEntry(info{name: n, size: int64(len(f[n])), mode: 0o444}))
	}
	return out
}

type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

type file struct {
	info
	data []byte
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
func (f *file) Read(p []byte) (int, error) {
	if len(f.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.data)
	f.data = f.data[n:]
	return n, nil
}

type dir struct {
	info
	rest []fs.DirEntry
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out, nil
}
