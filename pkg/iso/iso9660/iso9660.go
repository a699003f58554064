// Package iso9660 finds out where the files of an ISO 9660 image lie. It reads the primary volume descriptor only, in
// which names are in 8.3 form and upper case: that is where tools for CoreOS look.
package iso9660

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/okd-install/okd-install/pkg/exit"
)

// SectorSize is the size of a sector and of a logical block.
const SectorSize = 2048

// SystemArea is the part at the beginning that ISO 9660 leaves to boot loaders.
const SystemArea = 16 * SectorSize

// ECMA-119, sections 8.4 and 9.1: offsets in the primary volume descriptor and in a directory record.
const (
	descriptorPrimary = 1
	descriptorEnd     = 255
	offsetLabel       = 40
	offsetBlocks      = 80
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

	r    io.ReaderAt
	size int64
	root Extent
}

// Open reads the primary volume descriptor of an image of that many bytes.
func Open(r io.ReaderAt, size int64) (*Volume, error) {
	sector := make([]byte, SectorSize)
	for n := range int64(maxDescriptors) {
		if _, err := r.ReadAt(sector, SystemArea+n*SectorSize); err != nil && err != io.EOF {
			return nil, fmt.Errorf("read volume descriptor %d: %w", n, err)
		} else if err != nil || !bytes.Equal(sector[1:6], []byte("CD001")) || sector[0] == descriptorEnd {
			break
		}
		if sector[0] == descriptorPrimary {
			return primary(r, size, sector)
		}
	}
	return nil, exit.New("check that this is the live ISO and not a disk image, and that its download is complete",
		"this is not an ISO image: it has no primary volume descriptor at byte %d", SystemArea)
}

func primary(r io.ReaderAt, size int64, d []byte) (*Volume, error) {
	if b := binary.LittleEndian.Uint16(d[offsetBlockSize:]); b != SectorSize {
		return nil, fmt.Errorf("the ISO image has blocks of %d bytes; only %d is supported", b, SectorSize)
	}
	if want := int64(binary.LittleEndian.Uint32(d[offsetBlocks:])) * SectorSize; want > size {
		return nil, exit.New("download it again, and compare its checksum with the published one",
			"the ISO image is truncated: it has %d bytes, but its header says %d", size, want)
	}
	v := &Volume{Label: strings.TrimRight(string(d[offsetLabel:offsetLabel+32]), " \x00"), r: r, size: size}
	root, err := v.extent(d[offsetRoot:], "/")
	v.root = root
	return v, err
}

// extent reads where the file of a directory record lies.
func (v *Volume) extent(record []byte, path string) (Extent, error) {
	if record[recordFlags]&flagMoreExtents != 0 {
		return Extent{}, fmt.Errorf("%s is stored in several parts, which is not supported", path)
	}
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
	at := v.root
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		record, err := v.record(at, shortName(part), i < len(parts)-1)
		if err == nil && record == nil {
			err = fs.ErrNotExist
		}
		if err != nil {
			return Extent{}, fmt.Errorf("find %s in the ISO image: %w", path, err)
		}
		if at, err = v.extent(record, path); err != nil {
			return Extent{}, err
		}
	}
	return at, nil
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

// record finds the record of a name in a directory; it is nil if there is none.
func (v *Volume) record(dir Extent, name string, isDir bool) ([]byte, error) {
	if dir.Size > maxDirectoryBytes {
		return nil, fmt.Errorf("the directory at byte %d has %d bytes, more than the %d expected at most",
			dir.Offset, dir.Size, maxDirectoryBytes)
	}
	data := make([]byte, dir.Size)
	if n, err := v.r.ReadAt(data, dir.Offset); n < len(data) {
		return nil, fmt.Errorf("read directory at byte %d: %w", dir.Offset, err)
	}
	// A record does not cross the end of a sector; zeros fill the rest.
	for sector := range sectors(data) {
		for len(sector) > 0 && sector[0] != 0 {
			length := int(sector[0])
			if length <= recordHeader || length > len(sector) ||
				recordHeader+int(sector[recordNameLength]) > length {
				return nil, fmt.Errorf("the ISO image is damaged: bad record in the directory at byte %d", dir.Offset)
			}
			record := sector[:length]
			sector = sector[length:]
			if record[recordFlags]&flagDirectory != 0 == isDir && nameOf(record) == name {
				return record, nil
			}
		}
	}
	return nil, nil
}

func sectors(data []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(SectorSize, len(data))
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
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
