package iso

import (
	"encoding/binary"
	"fmt"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso/hybrid"
	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// AllowGrowth lets what is embedded be larger than the area that the ISO has for it. The file of the area moves to the
// end of the image then.
func (i *Image) AllowGrowth() { i.mayGrow = true }

// SetArchives replaces everything that is embedded with archives for the kernel, which come one after the other. They
// are read when the image is written. If they do not fit, the image grows. Nothing else can be embedded afterwards.
func (i *Image) SetArchives(list ...Part) error {
	i.archive, i.sealed = nil, true
	return i.embed(list, true)
}

// embed plans to write archives to the area, or behind the image.
func (i *Image) embed(list []Part, grow bool) error {
	if err := i.checkWrite(i.ignition); err != nil {
		return fmt.Errorf("area for the Ignition config: %w", err)
	}
	size := sizeOf(list)
	i.embedded, i.grown = true, nil
	if size <= i.ignition.Length {
		i.replace(patch{Area: i.ignition, parts: list})
		return nil
	}
	if !grow {
		return exit.New("let the config fetch its large parts, by URL with a hash, or use --grow",
			"too much to embed: compressed it has %d bytes, and %s has room for %d", size, i.ignition, i.ignition.Length)
	}
	g, err := i.plan(size)
	if err != nil {
		return fmt.Errorf("make the ISO image larger: %w", err)
	}
	g.parts = list
	i.grown = g
	i.replace(patch{Area: i.ignition}) // what it has had may be secret
	return nil
}

// growth is how an image gets larger: a sector with a note, the new place of the file, padding, and perhaps the copy of
// a partition table.
type growth struct {
	area   Area
	size   int64  // of the image
	parts  []Part // in the area
	fields []edit // of the image as it was, and behind the area
	note   []byte
}

// edit is a few bytes at an offset.
type edit struct {
	offset int64
	data   []byte
}

// plan finds out what has to change for so many bytes at the end.
func (i *Image) plan(size int64) (*growth, error) {
	path, err := i.ignitionPath()
	if err != nil {
		return nil, err
	}
	note := roundUp(i.size)
	g := &growth{area: Area{File: i.ignition.File, Offset: note + iso9660.SectorSize, Length: roundUp(size)}}
	if err := g.area.check(g.area.Offset+g.area.Length, maxGrown); err != nil {
		return nil, err
	}
	end := g.area.Offset + g.area.Length
	var tables []hybrid.Patch
	g.size, tables, err = hybrid.Grow(hybrid.Image{
		ReaderAt: i.r, Size: i.size, Used: i.ignition.Offset + i.ignition.Length, NewUsed: end,
	})
	if err != nil {
		return nil, err
	}
	used := end
	if roundUp(i.volume.Used()) >= i.size { // the volume has the padding as well
		used = g.size
	}
	to := iso9660.Extent{Offset: g.area.Offset, Size: g.area.Length}
	records, err := iso9660.Move(i.r, i.size, path, to, used)
	if err != nil {
		return nil, err
	}
	for _, p := range tables {
		g.fields = append(g.fields, edit{p.Offset, p.Data})
	}
	for _, p := range records {
		g.fields = append(g.fields, edit{p.Offset, p.Data})
	}
	h, err := i.legacyHeader(legacyIgnitionOffset, 24, "coreiso+")
	if err == nil && h != nil && h[0] == i.ignition.Offset {
		numbers := binary.LittleEndian.AppendUint64(nil, uint64(g.area.Offset))
		numbers = binary.LittleEndian.AppendUint64(numbers, uint64(g.area.Length))
		g.fields = append(g.fields, edit{legacyIgnitionOffset + 8, numbers})
	}
	g.note, err = i.newNote(g.fields)
	return g, err
}

const (
	maxGrown = 2 << 30
	areaPath = "images/ignition.img"
)

// ignitionPath is the file that is the area, as a whole.
func (i *Image) ignitionPath() (string, error) {
	path := i.ignition.File
	if path == "" {
		path = areaPath // an old image does not say
	}
	e, err := i.volume.Find(path)
	if err != nil {
		return "", err
	}
	if e.Offset != i.ignition.Offset || e.Size != i.ignition.Length {
		return "", exit.New("let the config fetch its large parts, by URL with a hash",
			"the area for the Ignition config is a part of %s, which cannot be moved", path)
	}
	return path, nil
}

func roundUp(n int64) int64 {
	return (n + iso9660.SectorSize - 1) / iso9660.SectorSize * iso9660.SectorSize
}
