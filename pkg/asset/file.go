// Package asset is the graph of everything that the installer generates, and
// the store that remembers it between runs. It knows no concrete asset.
package asset

import (
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
)

// File is one generated file. Path is relative to the asset directory and
// always written with forward slashes.
type File struct {
	Path string      `json:"path"`
	Data []byte      `json:"data"`
	Mode fs.FileMode `json:"mode"`
}

// String names the file. Contents hold keys and are never printed.
func (f File) String() string { return fmt.Sprintf("%s (%d bytes)", f.Path, len(f.Data)) }

// GoString is the same as String.
func (f File) GoString() string { return f.String() }

// LogValue is the same as String.
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

// Files is a list of files, ordered by path.
type Files []File

// SecretMode is the mode of a file unless its asset says otherwise. Nearly all
// that an installer writes holds keys or passwords, so it is the default.
const SecretMode fs.FileMode = 0o600

// NewFile returns a file that only its owner may read.
func NewFile(name string, data []byte) File {
	return File{Path: name, Data: data, Mode: SecretMode}
}

// Sorted returns a copy in path order.
func (f Files) Sorted() Files {
	out := slices.Clone(f)
	slices.SortStableFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// Get returns the file with that path.
func (f Files) Get(name string) (File, bool) {
	for _, file := range f {
		if file.Path == name {
			return file, true
		}
	}
	return File{}, false
}

// byPath finds files by their path.
func (f Files) byPath() map[string]File {
	out := make(map[string]File, len(f))
	for _, file := range f {
		out[file.Path] = file
	}
	return out
}

// Data returns the content of the file with that path, nil if there is none.
func (f Files) Data(name string) []byte {
	file, _ := f.Get(name)
	return file.Data
}

// Paths returns the path of every file.
func (f Files) Paths() []string {
	out := make([]string, 0, len(f))
	for _, file := range f {
		out = append(out, file.Path)
	}
	return out
}

// Merge joins lists; where two files have the same path, the later one stays.
func Merge(lists ...Files) Files {
	byPath := map[string]File{}
	for _, list := range lists {
		for _, file := range list {
			byPath[file.Path] = file
		}
	}
	out := make(Files, 0, len(byPath))
	for _, file := range byPath {
		out = append(out, file)
	}
	return out.Sorted()
}
