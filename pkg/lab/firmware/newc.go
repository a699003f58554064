package firmware

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// The newc format of cpio, in which the kernel takes initramfs archives: 13 numbers
// of 8 hexadecimal digits after the magic, then name and data, each padded to four
// bytes. See the kernel's buffer-format.rst.
const (
	magic      = "070701"
	magicCRC   = "070702"
	headerSize = 110
	trailer    = "TRAILER!!!"
	maxName    = 4096
)

// header is that of a file in an archive.
type header struct {
	name            string // relative and clean; empty at the end of the archive
	inode, mode     uint32
	uid, gid, links uint32
	size            uint32
	major, minor    uint32
	length          int64 // of header and name
}

// The types of files, in mode.
const (
	typeMask    = 0o170000
	typeDir     = 0o040000
	typeRegular = 0o100000
	typeLink    = 0o120000
)

func readHeader(r io.Reader) (header, error) {
	raw := make([]byte, headerSize)
	if _, err := io.ReadFull(r, raw); err != nil {
		return header{}, cut(err)
	}
	if m := string(raw[:6]); m != magic && m != magicCRC {
		return header{}, fmt.Errorf("%q is not the header of a file in newc format", m)
	}
	var f [13]uint32
	for i := range f {
		text := string(raw[6+8*i : 14+8*i])
		v, err := strconv.ParseUint(text, 16, 32)
		if err != nil {
			return header{}, fmt.Errorf("%q is not a hexadecimal number", text)
		}
		f[i] = uint32(v)
	}
	n := f[11]
	if n < 1 || n > maxName {
		return header{}, fmt.Errorf("a file has a name of %d bytes", n)
	}
	length := align(int64(headerSize + n))
	name := make([]byte, length-headerSize)
	if _, err := io.ReadFull(r, name); err != nil {
		return header{}, cut(err)
	}
	text, _, _ := strings.Cut(string(name[:n]), "\x00")
	h := header{
		inode: f[0], mode: f[1], uid: f[2], gid: f[3], links: f[4], size: f[6], major: f[7], minor: f[8], length: length,
	}
	if text != trailer {
		h.name = clean(text)
	}
	return h, nil
}

// clean is a name as the kernel understands it: what begins with a slash, or leads
// upwards, begins at the root.
func clean(name string) string {
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

func align(n int64) int64 { return (n + 3) &^ 3 }

// cut makes an unexpected end understandable.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the archive ends in the middle of a file")
	}
	return err
}
