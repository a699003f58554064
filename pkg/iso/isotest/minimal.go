package isotest

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/iso/miniso"
)

const minimalRoom = 16 << 10

// writeWithMinimal makes an image like that of CoreOS: with room for what a minimal one has besides, which is filled
// when the minimal one is made.
func writeWithMinimal(path string, l Layout) error {
	if err := write(path, l, func(dir string) error {
		return os.WriteFile(filepath.Join(dir, miniso.File), make([]byte, minimalRoom), 0o600)
	}); err != nil {
		return err
	}
	minimal := path + ".minimal"
	var paths []string
	err := write(minimal, l, func(dir string) (err error) {
		if err := os.Remove(filepath.Join(dir, "images/pxeboot/rootfs.img")); err != nil {
			return err
		}
		paths, err = miniso.Paths(os.DirFS(dir))
		return err
	})
	if err == nil {
		err = miniso.Embed(path, minimal, paths, "isotest")
	}
	return errors.Join(err, os.Remove(minimal))
}
