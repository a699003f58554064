// Package initrd reads and writes what boot loaders hand to the kernel beside the initial RAM disk: cpio archives,
// which the kernel unpacks one after the other into the same file system.
package initrd

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// MaxSize is the most that an archive may have when unpacked.
const MaxSize = 64 << 20

// maxStreams bounds the work: a stream of a few bytes may ask for a large dictionary.
const maxStreams = 64

// Archive is a set of files.
type Archive struct {
	members []*member
}

// File is a regular file of an archive.
type File struct {
	Name string
	Data []byte
}

// Read reads any number of archives, one after the other with zeros between them; each may be compressed with gzip, xz
// or zstd. Of files with the same name the last one counts. Zeros alone are an empty archive.
func Read(data []byte) (*Archive, error) {
	r := reader{limit: MaxSize, index: map[string]*member{}}
	if err := r.read(data, true); err != nil {
		return nil, err
	}
	a := &Archive{}
	for _, m := range r.members {
		if r.index[m.name] == m {
			a.members = append(a.members, m)
		}
	}
	return a, nil
}

type reader struct {
	limit   int // bytes that may still be unpacked
	streams int // unpacked so far
	members []*member
	index   map[string]*member // the last one of each name
	inodes  uint32             // given out
}

// read reads a sequence of archives.
func (r *reader) read(data []byte, compressed bool) error {
	for n := 0; n < len(data); {
		if data[n] == 0 {
			n++
			continue
		}
		size, err := r.one(data[n:], compressed)
		if err != nil {
			return fmt.Errorf("archive at byte %d: %w", n, err)
		}
		n += size
	}
	return nil
}

// one reads the archive at the beginning of data, and returns its size there.
func (r *reader) one(data []byte, compressed bool) (int, error) {
	if !compressed || data[0] == magic[0] {
		list, n, err := readCPIO(data)
		if err != nil {
			return 0, err
		}
		r.add(list)
		return n, nil
	}
	if r.streams++; r.streams > maxStreams {
		return 0, fmt.Errorf("there are more than %d archives", maxStreams)
	}
	plain, n, err := decompress(data, r.limit)
	if err != nil {
		return 0, err
	}
	r.limit -= len(plain)
	return n, r.read(plain, false)
}

// add takes the files of one archive. Inodes are numbered anew, because those of several archives may be the same.
func (r *reader) add(list []*member) {
	type link struct{ major, minor, inode uint32 }
	known := map[link]uint32{}
	for _, m := range list {
		key := link{m.device[0], m.device[1], m.inode}
		if m.links < 2 || m.isDir() || known[key] == 0 {
			r.inodes++
			known[key] = r.inodes
		}
		m.inode = known[key]
		m.device[0], m.device[1] = 0, 0
		r.index[m.name] = m
		r.members = append(r.members, m)
	}
}

// IsEmpty reports whether the archive has no file.
func (a *Archive) IsEmpty() bool { return len(a.members) == 0 }

// File returns the content of a regular file.
func (a *Archive) File(name string) (data []byte, found bool) {
	for _, m := range a.members {
		if m.name == name && m.mode&typeMask == typeRegular {
			return m.data, true
		}
	}
	return nil, false
}

// Files returns the regular files of a directory, without those below, sorted by name.
func (a *Archive) Files(dir string) []File {
	var out []File
	for _, m := range a.members {
		if path.Dir(m.name) == dir && m.mode&typeMask == typeRegular {
			out = append(out, File{path.Base(m.name), m.data})
		}
	}
	slices.SortFunc(out, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Names returns the names of everything but directories, in the order of the archive.
func (a *Archive) Names() []string {
	var out []string
	for _, m := range a.members {
		if !m.isDir() {
			out = append(out, m.name)
		}
	}
	return out
}

// Set adds or replaces a file, which only root may read.
func (a *Archive) Set(name string, data []byte) {
	a.drop(name)
	a.members = append(a.members, &member{
		name: name, inode: a.newInode(), mode: typeRegular | 0o600, links: 1, data: data,
	})
}

// Remove removes a file, and directories above it that have nothing else. It reports whether the file was there.
func (a *Archive) Remove(name string) bool {
	found := a.drop(name)
	for dir := path.Dir(name); found && dir != "." && !a.hasBelow(dir); dir = path.Dir(dir) {
		a.drop(dir)
	}
	return found
}

func (a *Archive) drop(name string) bool {
	before := len(a.members)
	a.members = slices.DeleteFunc(a.members, func(m *member) bool { return m.name == name })
	return len(a.members) < before
}

func (a *Archive) hasBelow(dir string) bool {
	return slices.ContainsFunc(a.members, func(m *member) bool { return strings.HasPrefix(m.name, dir+"/") })
}

func (a *Archive) newInode() uint32 {
	last := uint32(0)
	for _, m := range a.members {
		last = max(last, m.inode)
	}
	return last + 1
}

// Pack writes the archive, compressed. An archive without files becomes no bytes at all.
func (a *Archive) Pack() ([]byte, error) {
	if a.IsEmpty() {
		return nil, nil
	}
	plain := a.cpio()
	if len(plain) > MaxSize {
		return nil, fmt.Errorf("the files have %d bytes, more than %d", len(plain), MaxSize)
	}
	return compress(plain)
}

// cpio writes the archive. The kernel silently drops a file whose directory it has not unpacked before.
func (a *Archive) cpio() []byte {
	var out []byte
	inode := a.newInode()
	written := map[string]bool{".": true}
	var parents func(name string)
	parents = func(name string) {
		dir := path.Dir(name)
		if written[dir] {
			return
		}
		parents(dir)
		written[dir] = true
		out = appendMember(out, &member{name: dir, inode: inode, mode: typeDirectory | 0o755, links: 2})
		inode++
	}
	for _, m := range a.members {
		parents(m.name)
		written[m.name] = true
		out = appendMember(out, m)
	}
	return appendMember(out, &member{name: trailer, links: 1})
}
