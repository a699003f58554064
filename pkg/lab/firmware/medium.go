// Package firmware does with a live ISO what firmware, boot loader and kernel of a
// real computer do: it finds the parts of the medium, unpacks the initramfs and
// what is embedded, and knows where the root file system lies.
package firmware

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// Medium is a live ISO.
type Medium struct {
	Cmdline string // for the kernel
	Root    Root   // the zero value in a minimal ISO, which fetches it

	file    *os.File
	initrds []iso9660.Extent // in the order in which they are unpacked
}

// Root is the file system of the live system, which is mounted where it lies.
type Root struct {
	Type         string // of the file system
	Offset, Size int64
}

// RootfsURL is the kernel argument that tells where the root is to be fetched.
const RootfsURL = "coreos.live.rootfs_url"

// Open reads the layout of the ISO at path.
func Open(path string) (*Medium, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read medium: %w", err)
	}
	m, err := read(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read medium: %w", err), f.Close())
	}
	return m, nil
}

// Volume returns label and size of any ISO.
func Volume(path string) (label string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("read medium: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, fmt.Errorf("read medium: %w", err)
	}
	volume, err := iso9660.Open(f, info.Size())
	if err != nil {
		return "", 0, fmt.Errorf("read medium: %w", err)
	}
	return volume.Label, info.Size(), nil
}

// Close ends the use of the medium.
func (m *Medium) Close() error { return m.file.Close() }

func read(f *os.File) (*Medium, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	volume, err := iso9660.Open(f, info.Size())
	if err != nil {
		return nil, err
	}
	m := &Medium{file: f}
	first, err := volume.Find("images/pxeboot/initrd.img")
	if err != nil {
		return nil, err
	}
	second, err := ignitionArea(volume)
	if err != nil {
		return nil, err
	}
	m.initrds = []iso9660.Extent{first, second}
	if m.Cmdline, err = cmdline(volume, f, info.Size()); err != nil {
		return nil, err
	}
	rootfs, err := volume.Find("images/pxeboot/rootfs.img")
	if errors.Is(err, fs.ErrNotExist) && Argument(m.Cmdline, RootfsURL) != "" {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if m.Root, err = rootIn(io.NewSectionReader(f, rootfs.Offset, rootfs.Size)); err != nil {
		return nil, fmt.Errorf("images/pxeboot/rootfs.img: %w", err)
	}
	m.Root.Offset += rootfs.Offset
	return m, nil
}

const maxHeader = 64 << 10

// ignitionArea is what the boot loaders load after the initramfs.
func ignitionArea(volume *iso9660.Volume) (iso9660.Extent, error) {
	where := struct {
		File   string `json:"file"`
		Offset int64  `json:"offset"`
		Length *int64 `json:"length"`
	}{File: "images/ignition.img"}
	raw, err := volume.ReadFile("coreos/igninfo.json", maxHeader)
	if err == nil {
		err = json.Unmarshal(raw, &where)
	}
	if err != nil {
		return iso9660.Extent{}, fmt.Errorf("coreos/igninfo.json: %w", err)
	}
	e, err := volume.Find(where.File)
	if err != nil {
		return e, err
	}
	length := e.Size - where.Offset
	if where.Length != nil {
		length = *where.Length
	}
	if where.Offset < 0 || length < 0 || where.Offset > e.Size-length {
		return e, fmt.Errorf("coreos/igninfo.json: the area is not within %s", where.File)
	}
	return iso9660.Extent{Offset: e.Offset + where.Offset, Size: length}, nil
}

// cmdline is the kernel's command line; an image without changeable arguments has none.
func cmdline(volume *iso9660.Volume, r io.ReaderAt, size int64) (string, error) {
	if _, err := volume.Find("coreos/kargs.json"); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	image, err := iso.Open(r, size)
	if err != nil {
		return "", err
	}
	return image.Kargs()
}

// rootIn finds the file system in rootfs.img, an archive with it as the first
// file.
func rootIn(r io.Reader) (Root, error) {
	h, err := readHeader(r)
	if err != nil {
		return Root{}, err
	}
	kind, known := rootTypes[h.name]
	if !known {
		return Root{}, fmt.Errorf("it begins with %q instead of root.squashfs or root.erofs", h.name)
	}
	return Root{Type: kind, Offset: h.length, Size: int64(h.size)}, nil
}
