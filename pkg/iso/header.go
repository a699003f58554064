package iso

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// Files of a live ISO that tell tools what can be changed, and how.
const (
	ignitionHeader = "coreos/igninfo.json"
	kargsHeader    = "coreos/kargs.json"
	featuresHeader = "coreos/features.json"
)

// What an image of somebody else may ask for.
const (
	maxHeader    = 64 << 10
	maxIgnition  = maxGrown
	maxKargs     = 64 << 10
	maxKargFiles = 16
)

// Area is a part of the image that may be overwritten.
type Area struct {
	File   string `json:"file,omitempty"` // in the ISO; empty if only the offset is known
	Offset int64  `json:"offset"`         // from the beginning of the image
	Length int64  `json:"length"`
}

func (a Area) String() string {
	if a.File == "" {
		return fmt.Sprintf("the area at byte %d", a.Offset)
	}
	return a.File
}

// check refuses areas outside of the data of the ISO: what boots it must never be overwritten.
func (a Area) check(size, limit int64) error {
	switch {
	case a.Length < 1 || a.Length > limit:
		return fmt.Errorf("%s has %d bytes to write to; between 1 and %d are possible", a, a.Length, limit)
	case a.Offset < iso9660.SystemArea+iso9660.SectorSize || a.Offset > size-a.Length:
		return fmt.Errorf("%s is at byte %d, outside of the data of the ISO image", a, a.Offset)
	}
	return nil
}

// checkWrite refuses areas where what is written would destroy more than the content of a file: a damaged header, or a
// record in a damaged directory, may point anywhere.
func (i *Image) checkWrite(a Area) error {
	if i.layout == nil {
		l, err := iso9660.ReadLayout(i.r, i.size)
		if err != nil {
			return fmt.Errorf("find out what %s must not overwrite: %w", a, err)
		}
		i.layout = &l
	}
	at := iso9660.Extent{Offset: a.Offset, Size: a.Length}
	damaged := func(where string) error {
		return exit.New("download the live ISO again, and compare its checksum with the published one",
			"the ISO image is damaged: %s, %d bytes at %d, is %s", a, a.Length, a.Offset, where)
	}
	if slices.ContainsFunc(i.layout.Structures, at.Overlaps) {
		return damaged("in a directory or in a description of the volume")
	}
	if !slices.ContainsFunc(i.layout.Files, at.Within) {
		return damaged("in no file")
	}
	return nil
}

// ignitionInfo is coreos/igninfo.json.
type ignitionInfo struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Length *int64 `json:"length"`
}

// ignitionArea finds the part of the ISO that boot loaders load as second initial RAM disk.
func (i *Image) ignitionArea() (Area, error) {
	raw, err := i.volume.ReadFile(ignitionHeader, maxHeader)
	if errors.Is(err, fs.ErrNotExist) {
		return i.legacyIgnition()
	} else if err != nil {
		return Area{}, err
	}
	return parseIgnition(raw, i.volume.Find)
}

func parseIgnition(raw []byte, find func(string) (iso9660.Extent, error)) (Area, error) {
	var info ignitionInfo
	if err := json.Unmarshal(raw, &info); err != nil {
		return Area{}, fmt.Errorf("parse %s in the ISO image: %w", ignitionHeader, err)
	}
	file, err := find(info.File)
	if err != nil {
		return Area{}, fmt.Errorf("%s in the ISO image: %w", ignitionHeader, err)
	}
	length := file.Size - info.Offset
	if info.Length != nil {
		length = *info.Length
	}
	return within(info.File, file, info.Offset, length)
}

// within is the area of so many bytes at an offset in a file.
func within(name string, file iso9660.Extent, offset, length int64) (Area, error) {
	if offset < 0 || length < 0 || offset > file.Size || length > file.Size-offset {
		return Area{}, fmt.Errorf("%s in the ISO image has %d bytes, and the area to write to would be %d bytes at %d",
			name, file.Size, length, offset)
	}
	return Area{File: name, Offset: file.Offset + offset, Length: length}, nil
}

// kargsInfo is coreos/kargs.json.
type kargsInfo struct {
	Default string     `json:"default"`
	Size    int64      `json:"size"`
	Files   []kargFile `json:"files"`
}

type kargFile struct {
	Path   string `json:"path"`
	Offset int64  `json:"offset"`
	Pad    string `json:"pad"`
	End    string `json:"end"`
}

// kargsAreas finds the places of the kernel arguments in the configurations of the boot loaders, and the default.
func (i *Image) kargsAreas() (areas []kargArea, byDefault string, err error) {
	raw, err := i.volume.ReadFile(kargsHeader, maxHeader)
	if errors.Is(err, fs.ErrNotExist) {
		return i.legacyKargs()
	} else if err != nil {
		return nil, "", err
	}
	return parseKargs(raw, i.volume.Find)
}

func parseKargs(raw []byte, find func(string) (iso9660.Extent, error)) ([]kargArea, string, error) {
	var info kargsInfo
	if err := json.Unmarshal(raw, &info); err != nil {
		return nil, "", fmt.Errorf("parse %s in the ISO image: %w", kargsHeader, err)
	}
	if n := len(info.Files); n < 1 || n > maxKargFiles {
		return nil, "", fmt.Errorf("%s in the ISO image names %d files, not 1 to %d", kargsHeader, n, maxKargFiles)
	}
	var areas []kargArea
	for _, f := range info.Files {
		file, err := find(f.Path)
		if err != nil {
			return nil, "", fmt.Errorf("%s in the ISO image: %w", kargsHeader, err)
		}
		area, err := within(f.Path, file, f.Offset, info.Size)
		if err != nil {
			return nil, "", fmt.Errorf("%s in the ISO image: %w", kargsHeader, err)
		}
		if f.Pad == "" {
			f.Pad = defaultPad
		}
		if f.End == "" {
			f.End = defaultEnd
		}
		if len(f.Pad) != 1 || len(f.End) != 1 {
			return nil, "", fmt.Errorf("%s in the ISO image: %s is padded with %q after %q, not with one byte each",
				kargsHeader, f.Path, f.Pad, f.End)
		}
		areas = append(areas, kargArea{area, f.Pad[0], f.End[0]})
	}
	return areas, info.Default, nil
}

// Old images have their headers at the end of the system area instead: 24 bytes about Ignition, and before them 72
// about kernel arguments.
const (
	legacyIgnitionOffset = iso9660.SystemArea - 24
	legacyKargsOffset    = legacyIgnitionOffset - 72
)

func (i *Image) legacyIgnition() (Area, error) {
	h, err := i.legacyHeader(legacyIgnitionOffset, 24, "coreiso+")
	if err != nil {
		return Area{}, err
	}
	if h == nil {
		return Area{}, exit.New("use the live ISO of CoreOS; `coreos print-stream-json` has its URL",
			"this is not a live ISO of CoreOS, or one without room for a config: it has no %s", ignitionHeader)
	}
	return Area{Offset: h[0], Length: h[1]}, nil
}

func (i *Image) legacyKargs() ([]kargArea, string, error) {
	h, err := i.legacyHeader(legacyKargsOffset, 72, "coreKarg")
	if err != nil {
		return nil, "", err
	}
	if h == nil {
		return nil, "", exit.New("use a newer live ISO, or edit the arguments in the boot menu",
			"%w: it has no %s", errNoKargs, kargsHeader)
	}
	length := h[0]
	original := kargArea{Area{Offset: h[1], Length: length}, defaultPad[0], defaultEnd[0]}
	if err := original.check(i.size, maxKargs); err != nil {
		return nil, "", fmt.Errorf("default kernel arguments: %w", err)
	}
	byDefault, err := i.readKargs(original)
	if err != nil {
		return nil, "", err
	}
	var areas []kargArea
	for _, offset := range h[2:] {
		if offset != 0 {
			areas = append(areas, kargArea{Area{Offset: offset, Length: length}, defaultPad[0], defaultEnd[0]})
		}
	}
	if len(areas) == 0 {
		return nil, "", errors.New("the header of the kernel arguments in the ISO image names no place for them")
	}
	return areas, byDefault, nil
}

// legacyHeader reads the numbers of a header after its magic. Without the magic there is no header.
func (i *Image) legacyHeader(offset int64, size int, magic string) ([]int64, error) {
	raw := make([]byte, size)
	if n, err := i.r.ReadAt(raw, offset); n < size {
		return nil, fmt.Errorf("read the header at byte %d: %w", offset, err)
	}
	if !bytes.HasPrefix(raw, []byte(magic)) {
		return nil, nil
	}
	var out []int64
	for at := len(magic); at < size; at += 8 {
		v := binary.LittleEndian.Uint64(raw[at:])
		if v > uint64(i.size) {
			return nil, fmt.Errorf("the header %q at byte %d of the ISO image is damaged: %d", magic, offset, v)
		}
		out = append(out, int64(v))
	}
	return out, nil
}

// networkSupport reports whether the live system applies keyfiles.
func (i *Image) networkSupport() (bool, error) {
	raw, err := i.volume.ReadFile(featuresHeader, maxHeader)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return parseFeatures(raw)
}

func parseFeatures(raw []byte) (network bool, err error) {
	var features struct {
		Network bool `json:"live-initrd-network"`
	}
	if err := json.Unmarshal(raw, &features); err != nil {
		return false, fmt.Errorf("parse %s in the ISO image: %w", featuresHeader, err)
	}
	return features.Network, nil
}
