// Package iso9660 finds out where the files of an ISO 9660 image lie. Open reads the primary volume descriptor, in
// which names are in 8.3 form and upper case: that is where tools for CoreOS look. Others reads the rest.
package iso9660

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf16"

	"github.com/okd-install/okd-install/pkg/exit"
)

// SectorSize is the size of a sector and of a logical block.
const SectorSize = 2048

// SystemArea is the part at the beginning that ISO 9660 leaves to boot loaders.
const SystemArea = 16 * SectorSize

// ECMA-119, sections 8.4 and 9.1: offsets in the primary volume descriptor and in a directory record.
const (
	descriptorPrimary = 1
	descriptorOther   = 2
	descriptorEnd     = 255
	offsetLabel       = 40
	offsetBlocks      = 80
	offsetEscapes     = 88
	offsetBlockSize   = 128
	offsetRoot        = 156

	recordHeader      = 33
	recordExtent      = 2
	recordLength      = 10
	recordFlags       = 25
	recordNameLength  = 32
	flagDirectory     = 0x02
	flagMoreExtents   = 0x80
	maxDescriptors    = 64
	maxDirectoryBytes = 1 << 20
)

// Extent is where a file lies, in bytes from the beginning of the image.
type Extent struct {
	Offset, Size int64
}

// Volume is the file system of an image.
type Volume struct {
	// Label is the volume identifier, by which the live system finds its medium.
	Label string

	r          io.ReaderAt
	size       int64
	descriptor int64 // where the volume descriptor is
	names      func(record []byte, name string) bool
	root       Extent
	blocks     int64
}

// Open reads the primary volume descriptor of an image of that many bytes.
func Open(r io.ReaderAt, size int64) (*Volume, error) {
	var v *Volume
	err := descriptors(r, func(offset int64, d []byte) (more bool, err error) {
		if d[0] != descriptorPrimary {
			return true, nil
		}
		v, err = open(r, size, offset, d)
		return false, err
	})
	if err == nil && v == nil {
		err = exit.New("check that this is the live ISO and not a disk image, and that its download is complete",
			"this is not an ISO image: it has no primary volume descriptor at byte %d", SystemArea)
	}
	return v, err
}

// Others reads the other volume descriptors: those of Joliet and ISO 9660:1999. They have trees of their own, with long
// names, in which there are the same files.
func Others(r io.ReaderAt, size int64) (list []*Volume, err error) {
	err = descriptors(r, func(offset int64, d []byte) (more bool, err error) {
		if d[0] != descriptorOther {
			return true, nil
		}
		v, err := open(r, size, offset, d)
		if err != nil {
			return false, err
		}
		v.names = longName
		if escapes := d[offsetEscapes:]; escapes[0] == '%' && escapes[1] == '/' { // UCS-2
			v.names = jolietName
		}
		list = append(list, v)
		return true, nil
	})
	return list, err
}

// descriptors calls do for each volume descriptor, until it does not want more.
func descriptors(r io.ReaderAt, do func(offset int64, d []byte) (more bool, err error)) error {
	sector := make([]byte, SectorSize)
	for n := range int64(maxDescriptors) {
		offset := SystemArea + n*SectorSize
		if _, err := r.ReadAt(sector, offset); err != nil && err != io.EOF {
			return fmt.Errorf("read volume descriptor %d: %w", n, err)
		} else if err != nil || !bytes.Equal(sector[1:6], []byte("CD001")) || sector[0] == descriptorEnd {
			return nil
		}
		if more, err := do(offset, sector); err != nil || !more {
			return err
		}
	}
	return nil
}

func open(r io.ReaderAt, size, offset int64, d []byte) (*Volume, error) {
	if b := binary.LittleEndian.Uint16(d[offsetBlockSize:]); b != SectorSize {
		return nil, fmt.Errorf("the ISO image has blocks of %d bytes; only %d is supported", b, SectorSize)
	}
	blocks := int64(binary.LittleEndian.Uint32(d[offsetBlocks:]))
	if want := blocks * SectorSize; want > size {
		return nil, exit.New("download it again, and compare its checksum with the published one",
			"the ISO image is truncated: it has %d bytes, but its header says %d", size, want)
	}
	v := &Volume{
		Label: strings.TrimRight(string(d[offsetLabel:offsetLabel+32]), " \x00"), r: r, size: size,
		descriptor: offset, blocks: blocks, names: shortNameIs,
	}
	root, err := v.extent(d[offsetRoot:], "/")
	v.root = root
	return v, err
}

// extent reads where the file of a directory record lies.
func (v *Volume) extent(record []byte, path string) (Extent, error) {
	if record[recordFlags]&flagMoreExtents != 0 {
		return Extent{}, fmt.Errorf("%s is stored in several parts, which is not supported", path)
	}
	return v.place(record, path)
}

// place is extent for a part of a file, too.
func (v *Volume) place(record []byte, path string) (Extent, error) {
	e := Extent{
		Offset: int64(binary.LittleEndian.Uint32(record[recordExtent:])) * SectorSize,
		Size:   int64(binary.LittleEndian.Uint32(record[recordLength:])),
	}
	if e.Offset < SystemArea || e.Offset+e.Size > v.size {
		return Extent{}, fmt.Errorf("the ISO image is damaged: %s is at bytes %d to %d of %d", path, e.Offset,
			e.Offset+e.Size, v.size)
	}
	return e, nil
}

// Find returns where the file at path lies; path is written as in images/ignition.img. The error of a file that does
// not exist wraps fs.ErrNotExist.
func (v *Volume) Find(path string) (Extent, error) {
	e, _, err := v.find(path)
	return e, err
}

// find returns where the file at path and its directory record are.
func (v *Volume) find(path string) (at Extent, record int64, err error) {
	at = v.root
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		raw, offset, err := v.record(at, part, i < len(parts)-1)
		if err == nil && raw == nil {
			err = fs.ErrNotExist
		}
		if err != nil {
			return Extent{}, 0, fmt.Errorf("find %s in the ISO image: %w", path, err)
		}
		if at, err = v.extent(raw, path); err != nil {
			return Extent{}, 0, err
		}
		record = offset
	}
	return at, record, nil
}

// ReadFile reads a file that has no more than limit bytes.
func (v *Volume) ReadFile(path string, limit int64) ([]byte, error) {
	e, err := v.Find(path)
	if err != nil {
		return nil, err
	}
	if e.Size > limit {
		return nil, fmt.Errorf("%s in the ISO image has %d bytes, more than the %d expected at most", path, e.Size, limit)
	}
	data := make([]byte, e.Size)
	if n, err := v.r.ReadAt(data, e.Offset); n < len(data) {
		return nil, fmt.Errorf("read %s from the ISO image: %w", path, err)
	}
	return data, nil
}

// record finds the record of a name in a directory, and where it is; it is nil if there is none.
func (v *Volume) record(dir Extent, name string, isDir bool) (found []byte, at int64, err error) {
	err = v.records(dir, func(record []byte, offset int64) (more bool) {
		if record[recordFlags]&flagDirectory != 0 == isDir && v.names(record, name) {
			found, at = record, offset
		}
		return found == nil
	})
	return found, at, err
}

// records calls do for each record of a directory and where it is, until it does not want more.
func (v *Volume) records(dir Extent, do func(record []byte, offset int64) (more bool)) error {
	if dir.Size > maxDirectoryBytes {
		return fmt.Errorf("the directory at byte %d has %d bytes, more than the %d expected at most",
			dir.Offset, dir.Size, maxDirectoryBytes)
	}
	data := make([]byte, dir.Size)
	if n, err := v.r.ReadAt(data, dir.Offset); n < len(data) {
		return fmt.Errorf("read directory at byte %d: %w", dir.Offset, err)
	}
	// A record does not cross the end of a sector; zeros fill the rest.
	for n, sector := range sectors(data) {
		offset := dir.Offset + int64(n)*SectorSize
		for len(sector) > 0 && sector[0] != 0 {
			length := int(sector[0])
			if length <= recordHeader || length > len(sector) ||
				recordHeader+int(sector[recordNameLength]) > length {
				return fmt.Errorf("the ISO image is damaged: bad record in the directory at byte %d", dir.Offset)
			}
			if !do(sector[:length], offset) {
				return nil
			}
			sector = sector[length:]
			offset += int64(length)
		}
	}
	return nil
}

func sectors(data []byte) func(yield func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		for i := 0; len(data) > 0; i++ {
			n := min(SectorSize, len(data))
			if !yield(i, data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

func shortNameIs(record []byte, name string) bool { return nameOf(record) == shortName(name) }

func longName(record []byte, name string) bool { return strings.EqualFold(nameOf(record), name) }

// jolietName compares with a name in big-endian UCS-2.
func jolietName(record []byte, name string) bool {
	raw := record[recordHeader : recordHeader+int(record[recordNameLength])]
	var units []uint16
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, binary.BigEndian.Uint16(raw))
	}
	got, _, _ := strings.Cut(string(utf16.Decode(units)), ";")
	return got == name
}

// nameOf is the name in a directory record, without version and without the dot of an empty extension.
func nameOf(record []byte) string {
	name := string(record[recordHeader : recordHeader+int(record[recordNameLength])])
	name, _, _ = strings.Cut(name, ";")
	return strings.TrimSuffix(name, ".")
}

// shortName is the 8.3 form of a name.
func shortName(name string) string {
	base, extension, dotted := strings.Cut(strings.ToUpper(name), ".")
	base = base[:min(8, len(base))]
	if !dotted {
		return base
	}
	return base + "." + extension[:min(3, len(extension))]
}
