package iso9660

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ECMA-119, section 8.4: where a volume descriptor has the size and the places of the path tables. The first two are
// little-endian, the others big-endian.
const (
	offsetPathSize   = 132
	offsetPathTables = 140
)

// maxDirectories bounds the work for an image of somebody else.
const maxDirectories = 10_000

// Layout is what lies where in an image.
type Layout struct {
	// Structures are the volume descriptors, the path tables and the directories of all trees, in whole sectors. Nothing
	// of the image can be found without them.
	Structures []Extent
	// Files are the files, or the parts of files that are stored in several.
	Files []Extent
}

// ReadLayout reads all directories of an image of that many bytes.
func ReadLayout(r io.ReaderAt, size int64) (Layout, error) {
	var l Layout
	var volumes []*Volume
	end := int64(SystemArea)
	err := descriptors(r, func(offset int64, d []byte) (more bool, err error) {
		end = offset + SectorSize
		if d[0] != descriptorPrimary && d[0] != descriptorOther {
			return true, nil
		}
		v, err := open(r, size, offset, d)
		if err != nil {
			return false, err
		}
		volumes = append(volumes, v)
		length := int64(binary.LittleEndian.Uint32(d[offsetPathSize:]))
		for n := range 4 {
			raw := d[offsetPathTables+4*n:]
			block := int64(binary.LittleEndian.Uint32(raw))
			if n >= 2 {
				block = int64(binary.BigEndian.Uint32(raw))
			}
			if block != 0 { // the second of each kind is optional
				l.Structures = append(l.Structures, whole(Extent{block * SectorSize, length}))
			}
		}
		return true, nil
	})
	if err != nil {
		return Layout{}, err
	}
	// The descriptor that ends the list has no content.
	l.Structures = append(l.Structures, Extent{SystemArea, end + SectorSize - SystemArea})
	seen := map[Extent]bool{}
	for _, v := range volumes {
		if err := v.walk(&l, v.root, seen); err != nil {
			return Layout{}, err
		}
	}
	return l, nil
}

// walk adds a directory and everything below it.
func (v *Volume) walk(l *Layout, root Extent, seen map[Extent]bool) error {
	for todo := []Extent{root}; len(todo) > 0; {
		dir := todo[0]
		todo = todo[1:]
		if seen[dir] { // every directory names itself and the one above
			continue
		}
		seen[dir] = true
		if len(seen) > maxDirectories {
			return errors.New("the ISO image has too many directories to look for what must not be overwritten")
		}
		l.Structures = append(l.Structures, whole(dir))
		var bad error
		err := v.records(dir, func(record []byte, offset int64) bool {
			var e Extent
			if e, bad = v.place(record, fmt.Sprintf("what the record at byte %d names", offset)); bad != nil {
				return false
			}
			if record[recordFlags]&flagDirectory != 0 {
				todo = append(todo, e)
			} else {
				l.Files = append(l.Files, e)
			}
			return true
		})
		if err = errors.Join(err, bad); err != nil {
			return err
		}
	}
	return nil
}

func whole(e Extent) Extent {
	return Extent{e.Offset, (e.Size + SectorSize - 1) / SectorSize * SectorSize}
}

// Overlaps reports whether two extents share a byte.
func (e Extent) Overlaps(other Extent) bool {
	return e.Offset < other.Offset+other.Size && other.Offset < e.Offset+e.Size
}

// Within reports whether an extent is a part of another one.
func (e Extent) Within(other Extent) bool {
	return e.Offset >= other.Offset && e.Offset+e.Size <= other.Offset+other.Size
}
