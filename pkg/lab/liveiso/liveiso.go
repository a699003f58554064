// Package liveiso makes the lab's live ISO: laid out like that of CoreOS, with a
// kernel and an initramfs that boot on real firmware, and the lab's OS as its
// root file system.
package liveiso

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/osimage"
)

// Version of the recipe; raise it when the ISO changes in a way that its inputs do
// not show.
const recipe = "2"

// Kinds of entries in the cache.
const (
	Kind     = "liveiso"
	BootKind = "liveboot" // kernel, modules, boot loaders
)

// File is the name of the ISO in its directory.
const File = "scos-lab-live.x86_64.iso"

// ISO is a directory with the image.
type ISO struct{ Dir string }

// Path is that of the image.
func (i ISO) Path() string { return filepath.Join(i.Dir, File) }

// Stream is the file with the CoreOS stream metadata of the OS image and the ISO.
func (i ISO) Stream() string { return filepath.Join(i.Dir, osimage.StreamFile) }

// Builder makes the ISO.
type Builder struct {
	Cache    cache.Dir
	OS       osimage.Builder
	Image    osimage.Image // what the live system installs
	Ignition string        // the program
	Clock    clock.Clock
}

// Build makes the ISO, or finds it in the cache. It will be served below baseURL, in
// a directory with the name of its own.
func (b Builder) Build(ctx context.Context, baseURL string) (ISO, error) {
	boot, err := b.bootFiles(ctx)
	if err != nil {
		return ISO{}, err
	}
	root, err := b.OS.RootKey()
	if err != nil {
		return ISO{}, err
	}
	tree, err := cache.TreeKey(initramfs())
	if err != nil {
		return ISO{}, err
	}
	ignition, err := cache.FileKey(b.Ignition)
	if err != nil {
		return ISO{}, err
	}
	key := cache.Key(recipe, baseURL, root, tree, ignition, filepath.Base(b.Image.Dir), filepath.Base(boot), layoutKey())
	dir, err := b.Cache.Entry(ctx, b.Clock, Kind, key, func(path string) error {
		err := b.make(ctx, path, boot)
		if err == nil {
			err = b.describe(ISO{Dir: path}, baseURL+"/"+key+"/"+File)
		}
		if err != nil {
			return fmt.Errorf("make live ISO: %w", err)
		}
		return nil
	})
	return ISO{Dir: dir}, err
}

func (b Builder) make(ctx context.Context, dir, boot string) error {
	work := filepath.Join(dir, "build")
	tree := filepath.Join(work, "iso")
	pxe := filepath.Join(tree, "images/pxeboot")
	if err := os.MkdirAll(pxe, 0o755); err != nil {
		return err
	}
	rootfs := filepath.Join(pxe, "rootfs.img")
	if err := b.rootfs(ctx, filepath.Join(work, "root"), rootfs); err != nil {
		return err
	}
	sum, err := cache.FileSum(rootfs)
	if err != nil {
		return err
	}
	if err := b.initrd(ctx, filepath.Join(work, "initrd"), boot, sum, filepath.Join(pxe, "initrd.img")); err != nil {
		return err
	}
	if err := copyFile(ctx, filepath.Join(boot, "vmlinuz"), filepath.Join(pxe, "vmlinuz")); err != nil {
		return err
	}
	if err := bootConfig(ctx, tree, boot); err != nil {
		return err
	}
	if err := masterBoth(ctx, tree, boot, filepath.Join(dir, File)); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// describe writes the stream by which installers find the ISO.
func (b Builder) describe(made ISO, url string) error {
	stream, err := b.Image.WithLive(made.Path(), url)
	if err != nil {
		return err
	}
	return os.WriteFile(made.Stream(), stream, 0o644)
}

// installImage is where the live system has the image that coreos-installer
// writes to disks.
const installImage = "usr/share/okd-lab/images/scos-lab.raw"

// rootfsMember is the first file of rootfs.img. Its data begin at byte 124, where
// the initramfs mounts them without unpacking.
const rootfsMember = "root.squashfs"

// rootfs makes rootfs.img: an archive with the OS as a squashfs.
func (b Builder) rootfs(ctx context.Context, work, path string) error {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	squashfs := filepath.Join(work, rootfsMember)
	err := b.OS.WithRoot(ctx, filepath.Join(work, "os"), func(root string) error {
		raw := filepath.Join(root, installImage)
		if err := os.MkdirAll(filepath.Dir(raw), 0o755); err != nil {
			return err
		}
		for _, argv := range [][]string{
			{"qemu-img", "convert", "-f", "qcow2", "-O", "raw", "-t", "unsafe", "-W", b.Image.Disk(), raw},
			// Level 3 of zstd is read as fast as any other, and written in a tenth
			// of the time of the default.
			{"mksquashfs", root, squashfs, "-comp", "zstd", "-Xcompression-level", "3", "-noappend", "-no-progress", "-quiet"},
		} {
			if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := writeCPIO(ctx, work, []string{rootfsMember}, path); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(squashfs))
}

func copyFile(ctx context.Context, from, to string) error {
	_, err := command.Run(ctx, "install", "-D", "--mode=644", "--", from, to)
	return err
}
