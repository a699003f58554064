package isotest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
	"github.com/okd-install/okd-install/pkg/iso/miniso"
)

const (
	minimalData = "coreos/miniso.dat"
	minimalRoom = 16 << 10
)

// writeWithMinimal makes an image like that of CoreOS: with room for what a minimal one has besides, which is filled
// when the minimal one is made.
func writeWithMinimal(path string, l Layout) error {
	if err := write(path, l, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, minimalData), make([]byte, minimalRoom), 0o600)
	}); err != nil {
		return err
	}
	minimal := path + ".minimal"
	var paths []string
	err := write(minimal, l, func(dir string) error {
		if err := os.Remove(filepath.Join(dir, "images/pxeboot/rootfs.img")); err != nil {
			return err
		}
		return fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				paths = append(paths, name)
			}
			return err
		})
	})
	if err == nil {
		err = pack(path, minimal, paths)
	}
	return errors.Join(err, os.Remove(minimal))
}

func pack(path, minimal string, paths []string) error {
	full, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer full.Close()
	small, err := os.Open(minimal)
	if err != nil {
		return err
	}
	defer small.Close()
	image := func(f *os.File) miniso.Image {
		info, err := f.Stat()
		if err != nil {
			return miniso.Image{}
		}
		return miniso.Image{ReaderAt: f, Size: info.Size()}
	}
	data, err := miniso.Pack(image(full), image(small), paths)
	if err != nil {
		return err
	}
	raw, err := data.Encode("isotest")
	if err != nil {
		return err
	}
	v, err := iso9660.Open(full, image(full).Size)
	if err != nil {
		return err
	}
	at, err := v.Find(minimalData)
	if err == nil && int64(len(raw)) > at.Size {
		err = errors.New("there is no room for " + minimalData)
	}
	if err == nil {
		_, err = full.WriteAt(raw, at.Offset)
	}
	return err
}
