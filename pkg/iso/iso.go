// Package iso changes live ISOs of CoreOS: the Ignition config and the network settings that the live system starts
// with, and its kernel arguments. An ISO has areas for these; nothing outside of them is written, so that it stays as
// bootable as it was, from a DVD or a USB stick. If more is to be embedded than an area can hold, it moves to the end
// of the image, and records and partition tables are changed accordingly.
package iso

import (
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
	r      io.ReaderAt // the image as it was published
	size   int64

	file     io.ReaderAt // the image as it is: it may have grown
	fileSize int64
	undo     []edit // what makes the file the published image; nil if it has not grown

	layout   *iso9660.Layout // of the published image; nil until something is to be written
	ignition Area            // as it was published
	current  Area            // where it is now
	archive  *initrd.Archive // what is in the area; nil until somebody asks
	sealed   bool            // what is embedded is not known

	mayGrow  bool
	embedded bool // the area gets a new content, in patches or in grown
	grown    *growth
	patches  []patch
}

// Open reads where the areas of an ISO of that many bytes are.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	i, err := openPublished(r, size)
	if err != nil {
		return nil, err
	}
	i.file, i.fileSize, i.current = r, size, i.ignition
	note := make([]byte, iso9660.SectorSize)
	if n, err := r.ReadAt(note, i.ignition.Offset-iso9660.SectorSize); n < len(note) {
		return nil, fmt.Errorf("read what is before %s: %w", i.ignition, err)
	}
	before, undo, found := parseNote(note, i.ignition.Offset)
	if !found {
		return i, nil
	}
	grown := i
	if i, err = openPublished(published{r, before, undo}, before); err != nil {
		return nil, fmt.Errorf("the ISO image before it grew: %w", err)
	}
	i.file, i.fileSize, i.current, i.undo, i.mayGrow = r, size, grown.ignition, undo, true
	return i, nil
}

func openPublished(r io.ReaderAt, size int64) (*Image, error) {
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
// An image that has grown gets the size that it had.
func (i *Image) Reset() error {
	i.archive, i.sealed = &initrd.Archive{}, false
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

func (i *Image) read(a Area) ([]byte, error) {
	data := make([]byte, a.Length)
	if n, err := i.r.ReadAt(data, a.Offset); n < len(data) {
		return nil, fmt.Errorf("read %s: %w", a, err)
	}
	return data, nil
}
