package liveiso

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
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

//go:embed initramfs
var embedded embed.FS

// initramfs has the scripts of the initramfs.
func initramfs() fs.FS {
	tree, err := fs.Sub(embedded, "initramfs")
	if err != nil {
		panic(err) // the name is a constant
	}
	return tree
}

// initramfsLinks are made in the initramfs: path to target.
var initramfsLinks = map[string]string{
	"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
	"usr/sbin/useradd": inRoot, "usr/sbin/usermod": inRoot, "usr/sbin/userdel": inRoot,
	"usr/sbin/groupadd": inRoot, "usr/sbin/groupdel": inRoot, "usr/sbin/systemctl": inRoot,
}

const inRoot = "../libexec/okd-lab/in-root"

// initramfsDirs are there before the kernel or a script needs them.
var initramfsDirs = []string{"dev", "proc", "sys", "run", "tmp", "sysroot", "etc", "usr/bin", "usr/sbin"}

// initrd makes initrd.img: two compressed archives. The first has all that runs,
// the second what only a real kernel needs.
func (b Builder) initrd(ctx context.Context, work, boot, rootfsSum, path string) error {
	userland, modules := filepath.Join(work, "userland"), filepath.Join(boot, "modules")
	if err := b.userland(ctx, userland, boot, rootfsSum); err != nil {
		return fmt.Errorf("make initramfs: %w", err)
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, dir := range []string{userland, modules} {
		if err := appendArchive(ctx, out, dir); err != nil {
			return fmt.Errorf("pack initramfs: %w", err)
		}
	}
	return out.Close()
}

func (b Builder) userland(ctx context.Context, dir, boot, rootfsSum string) error {
	for _, d := range initramfsDirs {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	for at, target := range initramfsLinks {
		if err := os.Symlink(target, filepath.Join(dir, at)); err != nil {
			return err
		}
	}
	if err := installBusybox(ctx, filepath.Join(boot, "busybox"), dir); err != nil {
		return err
	}
	if err := installWithLibraries(ctx, b.Ignition, dir, "usr/bin/ignition"); err != nil {
		return err
	}
	features, err := featuresJSON()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"etc/coreos-live-initramfs": nil, // tells where this initramfs belongs
		"etc/coreos/features.json":  features,
		"etc/okd-lab/rootfs.sha256": []byte(rootfsSum + "\n"),
		"etc/okd-lab/modules":       []byte(strings.Join(loaded, "\n") + "\n"),
	} {
		if err := writeFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	tree := initramfs()
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, path), data, 0o755) // scripts, all of them
	})
}

// installBusybox copies the program and links its applets to it, except for those
// that are there already.
func installBusybox(ctx context.Context, busybox, dir string) error {
	at := filepath.Join(dir, "usr/bin/busybox")
	if _, err := command.Run(ctx, "install", "-D", "--mode=755", "--", busybox, at); err != nil {
		return err
	}
	applets, err := command.Run(ctx, at, "--list")
	if err != nil {
		return err
	}
	for applet := range strings.FieldsSeq(applets) {
		link := filepath.Join(dir, "usr/bin", applet)
		if err := os.Symlink("busybox", link); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// installWithLibraries copies a program that was linked on this machine, and the
// shared libraries and the loader that it names.
func installWithLibraries(ctx context.Context, program, dir, at string) error {
	if _, err := command.Run(ctx, "install", "-D", "--mode=755", "--", program, filepath.Join(dir, at)); err != nil {
		return err
	}
	out, err := command.Run(ctx, "ldd", program)
	if err != nil {
		return err
	}
	for _, lib := range libraries(out) {
		to := lib
		for _, d := range []string{"/lib/", "/lib64/"} {
			if strings.HasPrefix(lib, d) {
				to = "/usr" + lib
			}
		}
		if _, err := command.Run(ctx, "install", "-D", "--mode=755", "--", lib, filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	return nil
}

// libraries are the paths in the output of ldd.
func libraries(ldd string) []string {
	var paths []string
	for line := range strings.Lines(ldd) {
		for field := range strings.FieldsSeq(line) {
			if strings.HasPrefix(field, "/") {
				paths = append(paths, field)
			}
		}
	}
	return paths
}

// appendArchive adds a directory as a compressed archive. The kernel wants
// archives to begin at a multiple of four.
func appendArchive(ctx context.Context, out *os.File, dir string) error {
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			names = append(names, rel) // parents come first: the kernel needs them
		}
		return err
	})
	if err != nil {
		return err
	}
	archive := out.Name() + ".cpio"
	if err := writeCPIO(ctx, dir, names, archive); err != nil {
		return err
	}
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	if err = errors.Join(err, z.Close()); err != nil {
		return err
	}
	end, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	_, err = out.Write(make([]byte, -end&3))
	return errors.Join(err, os.Remove(archive))
}

// writeCPIO makes an archive in newc format of files in dir, all of root.
func writeCPIO(ctx context.Context, dir string, names []string, path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "cpio", "--null", "--create", "--format=newc", "--owner=+0:+0", "--reproducible",
		"--quiet")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, &stderr
	cmd.Stdin = strings.NewReader(strings.Join(slices.Concat(names, []string{""}), "\x00"))
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cpio: %w: %s", err, stderr.String())
	}
	return out.Close()
}

func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}
