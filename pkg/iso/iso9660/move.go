package iso9660

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
)

// Patch is what is to be written at an offset.
type Patch struct {
	Offset int64
	Data   []byte
}

// Used is how many bytes of the image the volume has.
func (v *Volume) Used() int64 { return v.blocks * SectorSize }

// Move returns what changes in the records of the image if the file at path lies somewhere else, and the volume ends at
// used. Every tree that has the file gets the new place, because boot loaders may read any of them.
func Move(r io.ReaderAt, size int64, path string, to Extent, used int64) ([]Patch, error) {
	if to.Offset%SectorSize != 0 || to.Offset/SectorSize > math.MaxUint32 || to.Size > math.MaxUint32 {
		return nil, fmt.Errorf("%s cannot have %d bytes at byte %d of an ISO image", path, to.Size, to.Offset)
	}
	if used%SectorSize != 0 || used/SectorSize > math.MaxUint32 {
		return nil, fmt.Errorf("an ISO image cannot have %d bytes", used)
	}
	if err := noUDF(r); err != nil {
		return nil, err
	}
	first, err := Open(r, size)
	if err != nil {
		return nil, err
	}
	others, err := Others(r, size)
	if err != nil {
		return nil, err
	}
	from, _, err := first.find(path)
	if err != nil {
		return nil, err
	}
	var out []Patch
	for n, v := range append([]*Volume{first}, others...) {
		out = append(out, Patch{v.descriptor + offsetBlocks, both(used / SectorSize)})
		got, record, err := v.find(path)
		if n > 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		if got != from {
			return nil, fmt.Errorf("the ISO image is damaged: %s is at byte %d and at byte %d", path, from.Offset, got.Offset)
		}
		out = append(out, Patch{record + recordExtent, append(both(to.Offset/SectorSize), both(to.Size)...)})
	}
	return out, nil
}

// both is a number in both byte orders.
func both(n int64) []byte {
	return binary.BigEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(n)), uint32(n))
}

// noUDF refuses images that have a UDF file system as well: the files would stay where they were in it.
func noUDF(r io.ReaderAt) error {
	id := make([]byte, 5)
	for n := range int64(maxDescriptors) {
		if _, err := r.ReadAt(id, SystemArea+n*SectorSize+1); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read volume descriptor %d: %w", n, err)
		}
		switch {
		case bytes.HasPrefix(id, []byte("NSR0")):
			return errors.New("the ISO image has a UDF file system as well, in which files cannot be moved")
		case !bytes.Equal(id, []byte("CD001")) && !bytes.Equal(id, []byte("BEA01")):
			return nil
		}
	}
	return nil
}
