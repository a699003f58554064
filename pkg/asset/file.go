// Package asset is the graph of everything that the installer generates, and
// the store that remembers it between runs. It knows no concrete asset.
package asset

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/workdir"
)

// File is one generated file. Its path is relative to the asset directory.
type File = workdir.File

// Files is a list of files, ordered by path.
type Files []File

// SecretMode is the mode of a file unless its asset says otherwise, because nearly all
// files hold keys or passwords.
const SecretMode fs.FileMode = 0o600

// NewFile returns a file that only its owner can read.
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
	file, ok := f.byPath()[name]
	return file, ok
}

// byPath returns the files by their path.
func (f Files) byPath() map[string]File {
	out := make(map[string]File, len(f))
	for _, file := range f {
		out[file.Path] = file
	}
	return out
}

// Data returns the content of the file with that path, nil if there is none.
func (f Files) Data(name string) []byte { return f.byPath()[name].Data }

// Paths returns the path of every file.
func (f Files) Paths() []string {
	out := make([]string, 0, len(f))
	for _, file := range f {
		out = append(out, file.Path)
	}
	return out
}

// Merge joins lists. Of files with the same path it takes the last.
func Merge(lists ...Files) Files {
	return Files(slices.Collect(maps.Values(slices.Concat(lists...).byPath()))).Sorted()
}
