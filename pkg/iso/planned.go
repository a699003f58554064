package iso

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// changes are how the file becomes the image that is planned.
type changes struct {
	old     int64 // size of the file
	from    int64 // bytes of it that are used
	size    int64 // of the new file
	patches []patch
}

func (c changes) resized() bool { return c.size != c.old }

// planned returns what is to be written, by offset.
func (i *Image) planned() (changes, error) {
	c := changes{old: i.fileSize, from: i.fileSize, size: i.fileSize, patches: slices.Clone(i.patches)}
	fields := map[int64]byte{}
	if i.embedded && i.undo != nil { // back to what was published, and from there
		c.from, c.size = i.size, i.size
		set(fields, i.undo)
	}
	if g := i.grown; i.embedded && g != nil {
		c.size = g.size
		set(fields, g.fields)
		at := g.area.Offset - iso9660.SectorSize
		c.patches = append(c.patches,
			patch{Area: Area{File: "the note", Offset: at, Length: iso9660.SectorSize}, parts: []Part{Bytes(g.note)}},
			patch{Area: g.area, parts: g.parts})
	}
	for _, e := range runs(fields) {
		area := Area{Offset: e.offset, Length: int64(len(e.data))}
		c.patches = append(c.patches, patch{Area: area, parts: []Part{Bytes(e.data)}})
	}
	slices.SortFunc(c.patches, func(a, b patch) int { return cmp.Compare(a.Offset, b.Offset) })
	for n := 1; n < len(c.patches); n++ {
		if before, p := c.patches[n-1], c.patches[n]; before.Offset+before.Length > p.Offset {
			return changes{}, fmt.Errorf("the ISO image is damaged: %s and %s overlap", before.Area, p.Area)
		}
	}
	return c, nil
}

// set notes single bytes; later ones count.
func set(fields map[int64]byte, list []edit) {
	for _, e := range list {
		for n, b := range e.data {
			fields[e.offset+int64(n)] = b
		}
	}
}

// runs joins neighbouring bytes.
func runs(fields map[int64]byte) []edit {
	var out []edit
	for _, at := range slices.Sorted(maps.Keys(fields)) {
		if n := len(out) - 1; n >= 0 && out[n].offset+int64(len(out[n].data)) == at {
			out[n].data = append(out[n].data, fields[at])
			continue
		}
		out = append(out, edit{at, []byte{fields[at]}})
	}
	return out
}

// published is an image as it was before it grew.
type published struct {
	io.ReaderAt
	size int64
	undo []edit
}

func (p published) ReadAt(b []byte, offset int64) (int, error) {
	want := len(b)
	if offset >= p.size {
		return 0, io.EOF
	}
	b = b[:min(int64(want), p.size-offset)]
	n, err := p.ReaderAt.ReadAt(b, offset)
	for _, e := range p.undo {
		if from, to := max(e.offset, offset), min(e.offset+int64(len(e.data)), offset+int64(n)); from < to {
			copy(b[from-offset:to-offset], e.data[from-e.offset:])
		}
	}
	if err == nil && n < want {
		err = io.EOF
	}
	return n, err
}
