package kubevirt

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
	"github.com/okd-install/okd-install/pkg/lab/ociimage"
)

// guestTree is what the guest's initramfs has besides programs. Files that begin like
// a script are made executable.
//
//go:embed guest
var guestTree embed.FS

// guestModules of the kernel are loaded in this order: a network card, disks, the
// power button and how BusyBox hears of it.
var guestModules = []string{
	"net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net", "drivers/block/virtio_blk",
	"drivers/acpi/button", "drivers/input/evdev",
}

// guestDisk is the disk's size. An image is pulled as it is, so it is no larger than
// it has to be.
const guestDisk = 24 << 20

// bootMenu boots at once. The console is the serial one, where virtctl looks.
const bootMenu = `SERIAL 0 115200
DEFAULT linux
LABEL linux
  LINUX vmlinuz
  INITRD initrd.img
  APPEND console=ttyS0,115200 quiet mitigations=off random.trust_cpu=on tsc=reliable no_timer_check
`

// guest makes the disk of a small Linux that runs in 64 MiB: it asks for an address
// by DHCP, answers at port 80, has QEMU's agent, and a login at the serial line.
func (b Builder) guest(ctx context.Context, root string) (string, error) {
	tree, err := cache.TreeKey(guestTree)
	if err != nil {
		return "", err
	}
	key := "guest-" + cache.Key(tree, filepath.Base(root), bootMenu, fmt.Sprint(guestModules, guestDisk))
	dir, err := b.Cache.Entry(ctx, b.Clock, "virt", key, func(path string) error {
		work := filepath.Join(path, "build")
		if err := os.MkdirAll(work, 0o755); err != nil {
			return err
		}
		err := makeGuest(ctx, root, work, filepath.Join(path, "disk.img"))
		return errors.Join(err, os.RemoveAll(work))
	})
	return filepath.Join(dir, "disk.img"), err
}

func makeGuest(ctx context.Context, root, work, disk string) error {
	kernels, err := glob(root, "/boot/vmlinuz-*")
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(kernels[0], "/boot/vmlinuz-")
	tree, err := guestFiles(ctx, root, version)
	if err != nil {
		return err
	}
	initramfs := filepath.Join(work, "root")
	if err := tree.Extract(initramfs); err != nil {
		return err
	}
	initrd := filepath.Join(work, "initrd.img")
	if err := pack(ctx, initramfs, initrd); err != nil {
		return err
	}
	menu := filepath.Join(work, "syslinux.cfg")
	if err := os.WriteFile(menu, []byte(bootMenu), 0o644); err != nil {
		return err
	}
	if err := os.Truncate(disk, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A disk without partitions, whose file system starts with the boot loader.
	sectors := fmt.Sprint(guestDisk / 512)
	for _, argv := range [][]string{
		{"truncate", "--size=" + fmt.Sprint(guestDisk), disk},
		{"mformat", "-i", disk, "-T", sectors, "-h", "64", "-s", "32", "-c", "4", "-v", "OKDLAB", "::"},
		{"mcopy", "-i", disk, filepath.Join(root, kernels[0]), "::vmlinuz"},
		{"mcopy", "-i", disk, initrd, menu, "::"},
		{"syslinux", "--install", disk},
	} {
		if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// guestFiles are the files of the initramfs.
func guestFiles(ctx context.Context, root, version string) (ociimage.Tree, error) {
	t, err := ociimage.Root(root).Closure([]string{"/usr/bin/busybox", "/usr/sbin/qemu-ga"})
	if err != nil {
		return nil, err
	}
	for _, d := range []string{"/dev", "/proc", "/sys", "/run", "/var", "/root"} {
		t.Dir(d)
	}
	t.Sticky("/tmp")
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		t.Link("/"+d, "usr/"+d)
	}
	busybox := filepath.Join(root, "usr/bin/busybox")
	applets, err := command.Run(ctx, busybox, "--list")
	if err != nil {
		return nil, err
	}
	for applet := range strings.FieldsSeq(applets) {
		if at := "/usr/bin/" + applet; !t.Has(at) {
			t.Link(at, "busybox")
		}
	}
	t.Link("/usr/sbin/shutdown", "../libexec/shutdown")
	if err := addGuestTree(t); err != nil {
		return nil, err
	}
	var order []string
	for _, m := range guestModules {
		packed := filepath.Join(root, "usr/lib/modules", version, "kernel", m+".ko.xz")
		out, err := exec.CommandContext(ctx, busybox, "xzcat", packed).Output()
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", packed, err)
		}
		name := filepath.Base(m)
		order = append(order, name)
		t.File("/usr/lib/modules/"+name+".ko", 0o644, out)
	}
	t.File("/usr/lib/modules/order", 0o644, []byte(strings.Join(order, "\n")+"\n"))
	return t, nil
}

func addGuestTree(t ociimage.Tree) error {
	return fs.WalkDir(guestTree, "guest", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := guestTree.ReadFile(path)
		at, mode := strings.TrimPrefix(path, "guest"), fs.FileMode(0o644)
		if bytes.HasPrefix(data, []byte("#!")) {
			mode = 0o755
		}
		t.File(at, mode, data)
		return err
	})
}

// pack makes an initramfs of a directory.
func pack(ctx context.Context, dir, path string) error {
	var names strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			names.WriteString(rel + "\x00") // parents first: the kernel needs them
		}
		return err
	})
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	z := gzip.NewWriter(out)
	cmd := exec.CommandContext(ctx, "cpio", "--null", "--create", "--format=newc", "--owner=+0:+0", "--quiet")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(names.String())
	archive, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = io.Copy(z, archive)
	return errors.Join(err, cmd.Wait(), z.Close(), out.Close())
}

// diskImage is a container disk: an image with nothing but a disk.
func diskImage(disk string) (v1.Image, error) {
	t := ociimage.Tree{}
	t.Source("/disk/disk.img", 0o644, disk)
	layers, err := ociimage.Layers(t)
	if err != nil {
		return nil, err
	}
	return ociimage.Compose(layers, v1.Config{})
}
