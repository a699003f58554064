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
}

func (m *member) isDir() bool { return m.mode&typeMask == typeDirectory }

// readCPIO reads one archive at the beginning of data, and returns how many bytes it has.
func readCPIO(data []byte) (list []*member, n int, err error) {
	for {
		m, size, err := readMember(data[n:])
		if err != nil {
			return nil, 0, fmt.Errorf("cpio archive, byte %d: %w", n, err)
		}
		n = min(align(n+size), len(data))
		if m == nil {
			return list, n, nil
		}
		list = append(list, m)
	}
}

var errTruncated = errors.New("the archive ends in the middle of a file")

// readMember reads the file at the beginning of data. It returns nil for the end of the archive.
func readMember(data []byte) (*member, int, error) {
	if len(data) < headerSize {
		return nil, 0, errTruncated
	}
	if m := string(data[:6]); m != magic && m != magicCRC {
		return nil, 0, fmt.Errorf("%q is not the header of a file in newc format", m)
	}
	var f [fields]uint32
	for i := range f {
		text := string(data[6+8*i : 14+8*i])
		v, err := strconv.ParseUint(text, 16, 32)
		if err != nil {
			return nil, 0, fmt.Errorf("%q is not a hexadecimal number", text)
		}
		f[i] = uint32(v)
	}
	size, nameSize := int(f[6]), int(f[11])
	if nameSize < 1 || nameSize > maxNameSize {
		return nil, 0, fmt.Errorf("a file has a name of %d bytes", nameSize)
	}
	start := align(headerSize + nameSize)
	if start > len(data) || size > len(data)-start {
		return nil, 0, errTruncated
	}
	name := strings.TrimRight(string(data[headerSize:headerSize+nameSize]), "\x00")
	if name == trailer {
		return nil, start + size, nil
	}
	if strings.Contains(name, "\x00") {
		return nil, 0, fmt.Errorf("a file has the name %q", name)
	}
	return &member{
		name: clean(name), inode: f[0], mode: f[1], uid: f[2], gid: f[3], links: f[4], time: f[5],
		device: [4]uint32(f[7:11]), data: data[start : start+size],
	}, start + size, nil
}

// clean is the form in which names are compared: the kernel takes a leading slash and "./" as the root.
func clean(name string) string {
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

func align(n int) int { return (n + 3) &^ 3 }

// appendMember writes a file in newc format.
func appendMember(out []byte, m *member) []byte {
	out = append(out, magic...)
	for _, v := range []uint32{
		m.inode, m.mode, m.uid, m.gid, m.links, m.time, uint32(len(m.data)),
		m.device[0], m.device[1], m.device[2], m.device[3], uint32(len(m.name) + 1), 0,
	} {
		out = fmt.Appendf(out, "%08X", v)
	}
	out = append(out, m.name...)
	out = pad(append(out, 0))
	return pad(append(out, m.data...))
}

func pad(out []byte) []byte { return append(out, make([]byte, align(len(out))-len(out))...) }
