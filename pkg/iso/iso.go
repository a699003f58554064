// Package iso changes live ISOs of CoreOS: the Ignition config and the network settings that the live system starts
// with, and its kernel arguments. An ISO has areas for these; nothing outside of them is written, so that it stays as
// bootable as it was, from a DVD or a USB stick.
package iso

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/okd-install/okd-install/pkg/iso/initrd"
	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// Image is a live ISO, and what is going to be changed in it.
type Image struct {
	volume *iso9660.Volume
	r      io.ReaderAt
	size   int64

	ignition Area
	archive  *initrd.Archive // what is in the area; nil until somebody asks
	used     int             // bytes of the area that the archive takes

	patches []patch
}

// patch is what an area is going to hold; the rest of the area is filled.
type patch struct {
	Area
	data []byte
	fill byte
}

// Open reads where the areas of an ISO of that many bytes are.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	volume, err := iso9660.Open(r, size)
	if err != nil {
		return nil, err
	}
	i := &Image{volume: volume, r: r, size: size}
	if i.ignition, err = i.ignitionArea(); err != nil {
		return nil, err
	}
	if err := i.ignition.check(size, maxIgnition); err != nil {
		return nil, fmt.Errorf("area for the Ignition config: %w", err)
	}
	return i, nil
}

// Reset removes everything that was embedded, and restores the default kernel arguments. What is there may be damaged.
func (i *Image) Reset() error {
	i.archive = &initrd.Archive{}
	if err := i.pack(); err != nil {
		return err
	}
	if err := i.ResetKargs(); !errors.Is(err, errNoKargs) {
		return err
	}
	return nil
}

// replace plans to overwrite an area.
func (i *Image) replace(p patch) {
	i.patches = slices.DeleteFunc(i.patches, func(old patch) bool { return old.Area == p.Area })
	i.patches = append(i.patches, p)
}

// planned returns what is to be written, by offset.
func (i *Image) planned() ([]patch, error) {
	slices.SortFunc(i.patches, func(a, b patch) int { return cmp.Compare(a.Offset, b.Offset) })
	for n := 1; n < len(i.patches); n++ {
		if before, p := i.patches[n-1], i.patches[n]; before.Offset+before.Length > p.Offset {
			return nil, fmt.Errorf("the ISO image is damaged: %s and %s overlap", before.Area, p.Area)
		}
	}
	return i.patches, nil
}

// content is the area as it is going to be.
func (p patch) content() []byte {
	out := make([]byte, p.Length)
	n := copy(out, p.data)
	for ; n < len(out); n++ {
		out[n] = p.fill
	}
	return out
}

func (i *Image) read(a Area) ([]byte, error) {
	data := make([]byte, a.Length)
	if n, err := i.r.ReadAt(data, a.Offset); n < len(data) {
		return nil, fmt.Errorf("read %s: %w", a, err)
	}
	return data, nil
}
