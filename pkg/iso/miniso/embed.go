package miniso

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// File is where an ISO has the data.
const File = "coreos/miniso.dat"

// Embed writes into the ISO at full how to make the one at minimal of it. The full one has a file of zeros in
// place of File, and paths are the other files of both.
func Embed(full, minimal string, paths []string, program string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s into %s: %w", File, full, err)
		}
	}()
	f, from, err := open(full, os.O_RDWR)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	small, to, err := open(minimal, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer small.Close()
	data, err := Pack(from, to, paths)
	if err != nil {
		return err
	}
	raw, err := data.Encode(program)
	if err != nil {
		return err
	}
	volume, err := iso9660.Open(f, from.Size)
	if err != nil {
		return err
	}
	at, err := volume.Find(File)
	if err != nil {
		return err
	}
	if int64(len(raw)) > at.Size {
		return fmt.Errorf("it has %d bytes, and there is room for %d", len(raw), at.Size)
	}
	_, err = f.WriteAt(raw, at.Offset)
	return err
}

func open(path string, flag int) (*os.File, Image, error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, Image{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, Image{}, errors.Join(err, f.Close())
	}
	return f, Image{ReaderAt: f, Size: info.Size()}, nil
}

// Paths lists the files below dir, the tree of an ISO, that can be in both.
func Paths(dir fs.FS) ([]string, error) {
	var paths []string
	err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && name != File {
			paths = append(paths, name)
		}
		return err
	})
	return paths, err
}
