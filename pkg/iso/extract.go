package iso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/exit"
)

// pxeFiles are what a machine that boots over the network needs. On s390x the kernel has another name.
var pxeFiles = [][]string{{"vmlinuz", "kernel.img"}, {"initrd.img"}, {"rootfs.img"}}

// ExtractPXE writes kernel, initial RAM disk and root file system of the ISO at path to new files in dir, named after
// the ISO, and returns their paths. Left lists what the ISO has embedded: it is not in these files.
func ExtractPXE(ctx context.Context, path, dir string) (files, left []string, err error) {
	f, i, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	name := strings.TrimSuffix(filepath.Base(path), ".iso")
	for _, alternatives := range pxeFiles {
		file, at, err := i.pxeFile(alternatives)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		target := filepath.Join(dir, name+"-"+file)
		err = atomicfile.Create(target, 0o644, func(out *os.File) error {
			return copyPart(ctx, out, f, at.Offset, at.Length)
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

// CopyPXE writes the kernel (vmlinuz), the initial RAM disk (initrd.img) or the root file system (rootfs.img) of the
// ISO at path.
func CopyPXE(ctx context.Context, path, name string, out io.Writer) error {
	f, i, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, alternatives := range pxeFiles {
		if alternatives[0] != name {
			continue
		}
		_, at, err := i.pxeFile(alternatives)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return copyPart(ctx, out, f, at.Offset, at.Length)
	}
	return fmt.Errorf("%s is none of the files for booting over the network", name)
}
