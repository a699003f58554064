package ociimage

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Root is a directory seen as a root file system: absolute links inside it
// lead to places inside it.
type Root string

// maxLinks bounds link chains, as the kernel does.
const maxLinks = 40

// step is a symbolic link met on the way to a file.
type step struct{ path, target string }

// resolve follows path inside the root. It returns the final path and the
// links that lead there in the file's own directory entries; links among
// parent directories (/bin -> usr/bin) are followed but not reported, since
// the images' base layer has the same ones.
func (r Root) resolve(path string) (string, []step, error) {
	var links []step
	for range maxLinks {
		dir, err := r.resolveDir(filepath.Dir(path))
		if err != nil {
			return "", nil, err
		}
		path = filepath.Join(dir, filepath.Base(path))
		info, err := os.Lstat(r.host(path))
		if err != nil {
			return "", nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, links, nil
		}
		target, err := os.Readlink(r.host(path))
		if err != nil {
			return "", nil, err
		}
		links = append(links, step{path, target})
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", nil, fmt.Errorf("resolve %s: too many symbolic links", path)
}

func (r Root) resolveDir(dir string) (string, error) {
	if dir == "/" || dir == "." {
		return "/", nil
	}
	path, _, err := r.resolve(dir)
	return path, err
}

func (r Root) host(path string) string { return filepath.Join(string(r), path) }

// libraryDirs are where Debian's dynamic loader looks.
var libraryDirs = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib", "/lib"}

// Closure returns what paths need to run: the files, the links on the way,
// the shared libraries and the loader, transitively.
func (r Root) Closure(paths []string) (Tree, error) {
	out := Tree{}
	for _, p := range paths {
		if err := r.add(out, p); err != nil {
			return nil, fmt.Errorf("copy %s from root file system: %w", p, err)
		}
	}
	return out, nil
}

func (r Root) add(out Tree, path string) error {
	real, links, err := r.resolve(path)
	if err != nil {
		return err
	}
	for _, l := range links {
		out.Link(l.path, l.target)
	}
	info, err := os.Stat(r.host(real))
	if err != nil {
		return err
	}
	if _, done := out[Clean(real)]; done {
		return nil
	}
	out.Source(real, info.Mode().Perm(), r.host(real))
	return r.addLibraries(out, real)
}

// Libraries returns the loader and the libraries of a program that is not in the
// root, transitively.
func (r Root) Libraries(program string) (Tree, error) {
	out := Tree{}
	if err := r.addNeeded(out, program); err != nil {
		return nil, fmt.Errorf("copy libraries from root file system: %w", err)
	}
	return out, nil
}

// addLibraries adds the loader and the libraries that a program names; files of
// other kinds need nothing.
func (r Root) addLibraries(out Tree, path string) error { return r.addNeeded(out, r.host(path)) }

func (r Root) addNeeded(out Tree, path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return nil //nolint:nilerr // not a program; what cannot be read fails when it is copied
	}
	defer f.Close()
	if loader := interpreter(f); loader != "" {
		if err := r.add(out, loader); err != nil {
			return fmt.Errorf("loader %s: %w", loader, err)
		}
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("read needed libraries of %s: %w", path, err)
	}
	for _, name := range needed {
		at := slices.IndexFunc(libraryDirs, func(d string) bool {
			_, _, err := r.resolve(filepath.Join(d, name))
			return err == nil
		})
		if at < 0 {
			return fmt.Errorf("library %s of %s is not in %s; install its package in the root file system",
				name, path, strings.Join(libraryDirs, ":"))
		}
		if err := r.add(out, filepath.Join(libraryDirs[at], name)); err != nil {
			return err
		}
	}
	return nil
}

func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			data := make([]byte, p.Filesz)
			if _, err := p.ReadAt(data, 0); err == nil {
				return strings.TrimRight(string(data), "\x00")
			}
		}
	}
	return ""
}
