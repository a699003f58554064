package iso

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/exit"
)

// pxeFiles are what a machine that boots over the network needs. On s390x the kernel has another name.
var pxeFiles = [][]string{{"vmlinuz", "kernel.img"}, {initrdName}, {rootfsName}}

const (
	initrdName = "initrd.img"
	rootfsName = "rootfs.img"
)

// PXE is where the files for booting over the network go.
type PXE struct {
	Dir      string
	Name     string // before -vmlinuz, -initrd.img and -rootfs.img; the name of the ISO if empty
	Archives []Part // to append to the initial RAM disk, which only its owner may read then
}

// ExtractPXE writes kernel, initial RAM disk and root file system of the ISO at path to new files, and returns their
// paths. Left lists what the ISO has embedded: it is not in these files.
func ExtractPXE(ctx context.Context, path string, to PXE) (files, left []string, err error) {
	f, i, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	name := to.Name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(path), ".iso")
	}
	for _, alternatives := range pxeFiles {
		file, at, err := i.pxeFile(alternatives)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		target, mode := filepath.Join(to.Dir, name+"-"+file), fs.FileMode(0o644)
		var archives []Part
		if file == initrdName && len(to.Archives) > 0 {
			archives, mode = to.Archives, 0o600
		}
		err = atomicfile.Create(target, mode, func(out *os.File) error {
			if err := copyPart(ctx, out, f, at.Offset, at.Length); err != nil || archives == nil {
				return err
			}
			if err := fill(out, 0, align(at.Length)-at.Length); err != nil {
				return err
			}
			return patch{Area: Area{File: file, Length: align(sizeOf(archives))}, parts: archives}.writeTo(ctx, out)
		})
		if errors.Is(err, fs.ErrExist) {
			err = exit.With(exit.Other, "remove it, or name another directory with --output-dir", err)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("extract %s: %w", file, err)
		}
		files = append(files, target)
	}
	if left, err = i.customizations(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return files, left, nil
}

func (i *Image) pxeFile(alternatives []string) (string, Area, error) {
	for _, name := range alternatives {
		e, err := i.volume.Find("images/pxeboot/" + name)
		if err == nil {
			return name, Area{Offset: e.Offset, Length: e.Size}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", Area{}, err
		}
	}
	return "", Area{}, exit.New("use the live ISO of CoreOS, not a minimal one",
		"the ISO image has no images/pxeboot/%s", alternatives[0])
}
