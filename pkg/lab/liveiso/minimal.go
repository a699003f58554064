package liveiso

import (
	"context"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/iso/miniso"
)

// minimalRoom is how large coreos/miniso.dat is: what lies between the files of the
// minimal ISO, compressed.
const minimalRoom = 128 << 10

// masterBoth makes the ISO, with what a minimal one can be made of it by.
func masterBoth(ctx context.Context, tree, boot, path string) error {
	dat := filepath.Join(tree, miniso.File)
	if err := writeFile(dat, make([]byte, minimalRoom), 0o644); err != nil {
		return err
	}
	if err := master(ctx, tree, boot, path); err != nil {
		return err
	}
	for _, name := range []string{dat, filepath.Join(tree, "images/pxeboot/rootfs.img")} {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	minimal := filepath.Join(filepath.Dir(tree), "minimal.iso")
	if err := master(ctx, tree, boot, minimal); err != nil {
		return err
	}
	paths, err := miniso.Paths(os.DirFS(tree))
	if err != nil {
		return err
	}
	return miniso.Embed(path, minimal, paths, "okd-lab")
}
