// Package initrd reads and writes what boot loaders hand to the kernel beside the initial RAM disk: cpio archives,
// which the kernel unpacks one after the other into the same file system.
package initrd

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// MaxSize is the most that an archive may have when unpacked.
const MaxSize = 64 << 20

// maxStreams bounds the work: a stream of a few bytes may ask for a large dictionary.
const maxStreams = 64

// maxHeld is the size from which a file that is not compressed stays where it is.
const maxHeld = 4 << 20

// Archive is a set of files.
type Archive struct {
	members []*member
	fixed   []*member // those of parts that stay as they are
	parts   []Part
	used    int64
}

// Part is an archive that is not read into memory, because it has large files. It stays as it is.
type Part struct {
	Offset, Size int64
}

// File is a regular file of an archive.
type File struct {
	Name string
	Data []byte
}

// Read reads any number of archives, one after the other with zeros between them; each may be compressed with gzip, xz
// or zstd. Of files with the same name the last one counts. Zeros alone are an empty archive.
func Read(data []byte) (*Archive, error) { return Open(bytes.NewReader(data), int64(len(data))) }

// Open is like Read for archives of any size: large files that are not compressed stay where they are.
func Open(from io.ReaderAt, size int64) (*Archive, error) {
	in := &outside{ReaderAt: from, length: size, room: MaxSize}
	r := reader{limit: MaxSize, index: map[string]*member{}}
	if err := r.read(in, true); err != nil {
		return nil, err
	}
	a := &Archive{parts: r.parts, fixed: r.fixed, used: r.used}
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
	fixed   []*member
	parts   []Part
	index   map[string]*member // the last one of each name
	inodes  uint32             // given out
	used    int64              // end of the last archive
}

// read reads a sequence of archives.
func (r *reader) read(in source, compressed bool) error {
	for end := int64(0); ; {
		at, first, err := in.next(end)
		if err != nil || at == in.size() {
			return err
		}
		n, err := r.one(in, at, first, compressed)
		if err != nil {
			return fmt.Errorf("archive at byte %d: %w", at, err)
		}
		end = at + n
		if compressed {
			r.used = end
		}
	}
}

// one reads the archive at an offset, and returns its size there.
func (r *reader) one(in source, at int64, first byte, compressed bool) (int64, error) {
	if !compressed || first == magic[0] {
		list, n, err := readCPIO(in, at)
		if err == nil {
			err = r.add(list, Part{at, n})
		}
		return n, err
	}
	if r.streams++; r.streams > maxStreams {
		return 0, fmt.Errorf("there are more than %d archives", maxStreams)
	}
	data, err := in.slice(at, min(in.size()-at, MaxSize))
	if err != nil {
		return 0, err
	}
	plain, n, err := decompress(data, r.limit)
	if err != nil {
		return 0, err
	}
	r.limit -= len(plain)
	return int64(n), r.read(memory(plain), false)
}

// add takes the files of one archive. Inodes are numbered anew, because those of several archives may be the same.
func (r *reader) add(list []*member, part Part) error {
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
	}
	if slices.ContainsFunc(list, func(m *member) bool { return m.outside }) {
		r.fixed = append(r.fixed, list...)
		r.parts = append(r.parts, part)
	} else {
		r.members = append(r.members, list...)
	}
	if len(r.members)+len(r.fixed) > maxMembers {
		return fmt.Errorf("the archives have more than %d files", maxMembers)
	}
	return nil
}

// IsEmpty reports whether the archive has no file.
func (a *Archive) IsEmpty() bool { return len(a.members)+len(a.fixed) == 0 }

// Used is the number of bytes up to the end of the last archive that was read.
func (a *Archive) Used() int64 { return a.used }

// Parts are what Pack leaves out. It is meant to come before what Pack returns.
func (a *Archive) Parts() []Part { return a.parts }

// File returns the content of a regular file. That of a large file that is not in memory is not found.
func (a *Archive) File(name string) (data []byte, found bool) {
	for _, m := range a.all() {
		if m.name == name && m.mode&typeMask == typeRegular && !m.outside {
			return m.data, true
		}
	}
	return nil, false
}

// all lists the files that count, those in parts first.
func (a *Archive) all() []*member {
	if len(a.fixed) == 0 {
		return a.members
	}
	last := map[string]*member{}
	list := slices.Concat(a.fixed, a.members)
	for _, m := range list {
		last[m.name] = m
	}
	return slices.DeleteFunc(list, func(m *member) bool { return last[m.name] != m })
}

// Mode returns the permissions of a file, and whether it is a regular one.
func (a *Archive) Mode(name string) (perm fs.FileMode, regular bool) {
	for _, m := range a.all() {
		if m.name == name {
			perm, regular = fs.FileMode(m.mode).Perm(), m.mode&typeMask == typeRegular
		}
	}
	return perm, regular
}

// IsFixed reports whether a file is in a part that stays as it is. Set hides it, and nothing removes it.
func (a *Archive) IsFixed(name string) bool {
	return slices.ContainsFunc(a.fixed, func(m *member) bool { return m.name == name })
}

// Files returns the regular files of a directory, without those below, sorted by name.
func (a *Archive) Files(dir string) []File {
	var out []File
	for _, m := range a.all() {
		if path.Dir(m.name) == dir && m.mode&typeMask == typeRegular && !m.outside {
			out = append(out, File{path.Base(m.name), m.data})
		}
	}
	slices.SortFunc(out, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Names returns the names of everything but directories, in the order of the archive.
func (a *Archive) Names() []string {
	var out []string
	for _, m := range a.all() {
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

// Pack writes the archive, compressed with xz, without its parts. An archive without files becomes no bytes at all.
func (a *Archive) Pack() ([]byte, error) { return a.pack(compressXZ) }

// Gzip is like Pack, but compresses with gzip: larger, and several times as fast for large configs.
func (a *Archive) Gzip() ([]byte, error) { return a.pack(compressGzip) }

func (a *Archive) pack(compress func([]byte) ([]byte, error)) ([]byte, error) {
	if len(a.members) == 0 {
		return nil, nil
	}
	plain := a.cpio()
	if len(plain) > MaxSize {
		return nil, fmt.Errorf("the files have %d bytes, more than %d", len(plain), MaxSize)
	}
	out, err := compress(plain)
	if err != nil {
		return nil, fmt.Errorf("compress the archive: %w", err)
	}
	return pad(out), nil
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
