package initrd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
)

// Plain is an archive that is not compressed. The content of its files is read when it is written, not before.
type Plain struct {
	files []plainFile
	names map[string]bool
}

type plainFile struct {
	member
	open func() (io.ReadCloser, error)
}

// Add adds a file that has size bytes when it is written, and the directories above it: the kernel silently drops a
// file whose directory it has not unpacked before.
func (p *Plain) Add(name string, perm fs.FileMode, size int64, open func() (io.ReadCloser, error)) error {
	name = clean(name)
	switch {
	case name == "." || len(name) >= maxNameSize || name == trailer:
		return fmt.Errorf("a file of an archive cannot have the name %q", name)
	case p.names[name]:
		return fmt.Errorf("%s is in the archive already", name)
	case size < 0 || size > math.MaxUint32:
		return fmt.Errorf("%s has %d bytes, and a file of an archive may have %d", name, size, uint32(math.MaxUint32))
	case p.names == nil:
		p.names = map[string]bool{".": true}
	}
	p.parents(name)
	p.add(member{name: name, mode: typeRegular | uint32(perm.Perm()), links: 1, size: size}, open)
	return nil
}

// AddBytes adds a file with a content.
func (p *Plain) AddBytes(name string, perm fs.FileMode, data []byte) error {
	return p.Add(name, perm, int64(len(data)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	})
}

// AddFile adds the file at from, which must not change until the archive is written.
func (p *Plain) AddFile(name string, perm fs.FileMode, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", from)
	}
	return p.Add(name, perm, info.Size(), func() (io.ReadCloser, error) { return os.Open(from) })
}

func (p *Plain) parents(name string) {
	if dir := path.Dir(name); !p.names[dir] {
		p.parents(dir)
		p.add(member{name: dir, mode: typeDirectory | 0o755, links: 2}, nil)
	}
}

func (p *Plain) add(m member, open func() (io.ReadCloser, error)) {
	m.inode = uint32(len(p.files) + 1)
	p.names[m.name] = true
	p.files = append(p.files, plainFile{m, open})
}

// end is the last entry of every archive.
func end() []byte { return appendMember(nil, &member{name: trailer, links: 1}) }

// Size is the number of bytes that WriteTo writes, a multiple of 4.
func (p *Plain) Size() int64 {
	n := int64(len(end()))
	for _, f := range p.files {
		n += align(headerSize+int64(len(f.name))+1) + align(f.size)
	}
	return n
}

// WriteTo writes the archive.
func (p *Plain) WriteTo(w io.Writer) (written int64, err error) {
	put := func(data []byte) error {
		n, err := w.Write(data)
		written += int64(n)
		return err
	}
	for _, f := range p.files {
		if err := put(appendHeader(nil, &f.member, f.size)); err != nil {
			return written, err
		}
		if f.open == nil {
			continue
		}
		n, err := f.writeTo(w)
		written += n
		if err != nil {
			return written, fmt.Errorf("add %s to the archive: %w", f.name, err)
		}
		if err := put(make([]byte, align(n)-n)); err != nil {
			return written, err
		}
	}
	err = put(end())
	return written, err
}

// writeTo copies the content, which must have as many bytes as the header says.
func (f *plainFile) writeTo(w io.Writer) (n int64, err error) {
	r, err := f.open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	n, err = io.CopyN(w, r, f.size)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("byte %d of %d: %w", n, f.size, err)
	}
	if more, _ := r.Read(make([]byte, 1)); more > 0 {
		return n, fmt.Errorf("it has more than the %d bytes it had before", f.size)
	}
	return n, nil
}
