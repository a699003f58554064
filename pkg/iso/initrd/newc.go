package initrd

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// The newc format: a header of 13 numbers, 8 hexadecimal digits each, after the magic; then name and data, each padded
// to 4 bytes. See the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
const (
	magic       = "070701"
	magicCRC    = "070702"
	headerSize  = 110
	fields      = 13
	trailer     = "TRAILER!!!"
	maxNameSize = 4096
	maxMembers  = 1 << 16
)

const (
	typeMask      = 0o170000
	typeDirectory = 0o040000
	typeRegular   = 0o100000
)

// member is one file of an archive, of any type.
type member struct {
	name                 string // relative and clean
	inode                uint32 // equal for hard links
	mode, uid, gid, time uint32
	links                uint32
	device               [4]uint32 // major and minor number of the file system, then those of a device file
	data                 []byte
	size                 int64 // of the content
	outside              bool  // the content is too large for memory: data is empty
}

func (m *member) isDir() bool { return m.mode&typeMask == typeDirectory }

// source has the bytes of archives.
type source interface {
	size() int64
	// slice returns n bytes at an offset, which the source has.
	slice(offset, n int64) ([]byte, error)
	// mayHold reports whether so many bytes more may be kept in memory.
	mayHold(n int64) bool
	// next returns the offset of the next byte that is not zero, or the size, and the byte.
	next(at int64) (int64, byte, error)
}

// readCPIO reads one archive at an offset, and returns how many bytes it has.
func readCPIO(in source, offset int64) (list []*member, n int64, err error) {
	for {
		m, size, err := readMember(in, offset+n)
		if err != nil {
			return nil, 0, fmt.Errorf("cpio archive, byte %d: %w", n, err)
		}
		n = min(align(n+size), in.size()-offset)
		if m == nil {
			return list, n, nil
		}
		if list = append(list, m); len(list) > maxMembers {
			return nil, 0, fmt.Errorf("the archive has more than %d files", maxMembers)
		}
	}
}

var errTruncated = errors.New("the archive ends in the middle of a file")

// readMember reads the file at an offset. It returns nil for the end of the archive. The content of a large file that
// is not in memory already stays where it is.
func readMember(in source, offset int64) (*member, int64, error) {
	left := in.size() - offset
	if left < headerSize {
		return nil, 0, errTruncated
	}
	header, err := in.slice(offset, headerSize)
	if err != nil {
		return nil, 0, err
	}
	if m := string(header[:6]); m != magic && m != magicCRC {
		return nil, 0, fmt.Errorf("%q is not the header of a file in newc format", m)
	}
	var f [fields]uint32
	for i := range f {
		text := string(header[6+8*i : 14+8*i])
		v, err := strconv.ParseUint(text, 16, 32)
		if err != nil {
			return nil, 0, fmt.Errorf("%q is not a hexadecimal number", text)
		}
		f[i] = uint32(v)
	}
	size, nameSize := int64(f[6]), int64(f[11])
	if nameSize < 1 || nameSize > maxNameSize {
		return nil, 0, fmt.Errorf("a file has a name of %d bytes", nameSize)
	}
	start := align(headerSize + nameSize)
	if start > left || size > left-start {
		return nil, 0, errTruncated
	}
	rawName, err := in.slice(offset+headerSize, nameSize)
	if err != nil {
		return nil, 0, err
	}
	name := strings.TrimRight(string(rawName), "\x00")
	if name == trailer {
		return nil, start + size, nil
	}
	if strings.Contains(name, "\x00") {
		return nil, 0, fmt.Errorf("a file has the name %q", name)
	}
	m := &member{
		name: clean(name), inode: f[0], mode: f[1], uid: f[2], gid: f[3], links: f[4], time: f[5],
		device: [4]uint32(f[7:11]), size: size,
	}
	if m.outside = !in.mayHold(size); !m.outside {
		m.data, err = in.slice(offset+start, size)
	}
	return m, start + size, err
}

// clean is the form in which names are compared: the kernel takes a leading slash and "./" as the root.
func clean(name string) string {
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

func align[N int | int64](n N) N { return (n + 3) &^ 3 }

// appendMember writes a file in newc format.
func appendMember(out []byte, m *member) []byte {
	return pad(append(appendHeader(out, m, int64(len(m.data))), m.data...))
}

// appendHeader writes what comes before the content of a file.
func appendHeader(out []byte, m *member, size int64) []byte {
	out = append(out, magic...)
	for _, v := range []uint32{
		m.inode, m.mode, m.uid, m.gid, m.links, m.time, uint32(size),
		m.device[0], m.device[1], m.device[2], m.device[3], uint32(len(m.name) + 1), 0,
	} {
		out = fmt.Appendf(out, "%08X", v)
	}
	out = append(out, m.name...)
	return pad(append(out, 0))
}

func pad(out []byte) []byte { return append(out, make([]byte, align(len(out))-len(out))...) }
