package osimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// NodeFile is in the directory of a bare image, beside the disk.
const NodeFile = "node.tar"

// Node is the path of what the bare image lacks, and the rest of an OS with it:
// the layer of the release's node image.
func (i Image) Node() string { return filepath.Join(i.Dir, NodeFile) }

// nodePrograms are those that a bare CoreOS lacks: they come with the node image.
var nodePrograms = []string{
	"usr/bin/hyperkube", "usr/bin/kubelet", "usr/bin/kubectl", "usr/bin/oc",
	"usr/bin/containerd", "usr/bin/containerd-shim-runc-v2", "usr/bin/ctr", "usr/lib/systemd/system/containerd.service",
	"usr/libexec/okd-lab/kubelet", "usr/libexec/okd-lab/crio-config", "etc/systemd/system/crio.service",
}

const (
	// osName is the name that deployments of CoreOS have.
	osName = "scos"
	// bareRef is the ref of the bare system in its own repository.
	bareRef = "okd-lab/bare"
	// containerCommand is where ostree looks for its subcommand "container".
	containerCommand = "usr/libexec/libostree/ext/ostree-container"
	// sharedKernel is the version of the kernel that deployments must have. All
	// machines run on the host's.
	sharedKernel = "usr/lib/modules/host"
)

// outside are directories of the running system that are not the OS's.
var outside = []string{"boot", "dev", "proc", "run", "sys", "sysroot", "tmp", "var"}

// BuildBare makes the image of a bare CoreOS, or finds it in the cache: a
// deployment of a real ostree repository, without what the node image brings.
// container is the program for ostree's subcommand of that name.
func (b Builder) BuildBare(ctx context.Context, container string) (Image, error) {
	program, err := cache.FileKey(container)
	if err != nil {
		return Image{}, err
	}
	return b.build(ctx, variant{
		kind: BareKind, inputs: []string{program, fmt.Sprint(nodePrograms, outside)},
		system: func(ctx context.Context, root, dir string) (string, error) {
			if err := likeOSTree(ctx, root, container); err != nil {
				return "", err
			}
			if err := archive(ctx, root, filepath.Join(dir, NodeFile)); err != nil {
				return "", err
			}
			for _, path := range nodePrograms {
				if err := os.RemoveAll(filepath.Join(root, path)); err != nil {
					return "", err
				}
			}
			sysroot := root + ".sysroot" // beside the overlay, and removed with it
			if err := os.Mkdir(sysroot, 0o755); err != nil {
				return "", err
			}
			return sysroot, deploy(ctx, root, sysroot)
		},
	})
}

// likeOSTree changes what is different in a system of which /usr is read-only.
func likeOSTree(ctx context.Context, root, container string) error {
	if err := installProgram(ctx, container, filepath.Join(root, containerCommand)); err != nil {
		return err
	}
	for at, target := range map[string]string{"usr/local": "../var/usrlocal", "ostree": "sysroot/ostree"} {
		if err := relink(target, filepath.Join(root, at)); err != nil {
			return err
		}
	}
	kernel := filepath.Join(root, sharedKernel)
	return errors.Join(os.MkdirAll(kernel, 0o755), os.MkdirAll(filepath.Join(root, "sysroot"), 0o755),
		os.WriteFile(filepath.Join(kernel, "vmlinuz"), []byte("the host's\n"), 0o644),
		os.WriteFile(filepath.Join(kernel, "initramfs.img"), []byte("the firmware\n"), 0o644))
}

// archive makes the layer of the node image.
func archive(ctx context.Context, root, path string) error {
	args := []string{"--create", "--file=" + path, "--directory=" + root, "--sort=name", "--mtime=@0", "--numeric-owner",
		"--format=posix", "--pax-option=delete=atime,delete=ctime"}
	// Names without "./", which ostree would not take for those of directories.
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains(outside, e.Name()) {
			args = append(args, e.Name())
		}
	}
	_, err = command.Run(ctx, "tar", args...)
	return err
}

// deploy makes sysroot the file system of a disk on which root is installed.
func deploy(ctx context.Context, root, sysroot string) error {
	repo := filepath.Join(sysroot, "ostree/repo")
	// What differs from the OS's own settings is the machine's.
	if err := moveSettings(ctx, root); err != nil {
		return err
	}
	stateroot := filepath.Join(sysroot, "ostree/deploy", osName)
	for _, argv := range [][]string{
		{"ostree", "admin", "init-fs", "--modern", sysroot},
		{"ostree", "admin", "os-init", osName, "--sysroot=" + sysroot},
		{"cp", "--archive", "--", filepath.Join(root, "var") + "/.", filepath.Join(stateroot, "var")},
		{"mkdir", "-p", filepath.Join(stateroot, "var/usrlocal/bin")},
	} {
		if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
			return err
		}
	}
	// The system has these directories, but not what is in them.
	for _, dir := range outside {
		if err := errors.Join(os.RemoveAll(filepath.Join(root, dir)), os.Mkdir(filepath.Join(root, dir), 0o755)); err != nil {
			return err
		}
	}
	for _, argv := range [][]string{
		{"ostree", "commit", "--repo=" + repo, "--branch=" + bareRef, "--tree=dir=" + root, "--no-xattrs"},
		{"ostree", "admin", "deploy", "--sysroot=" + sysroot, "--os=" + osName, bareRef},
		// The mark that a new directory is the one of a deployment keeps nothing
		// from being written in the lab.
		{"sh", "-c", `chattr -i "$0"/deploy/*.0 2>/dev/null || true`, stateroot},
	} {
		if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(sysroot, firstBootMark), nil, 0o644)
}

// firstBootMark is there until Ignition has run.
const firstBootMark = "boot/ignition.firstboot"

// moveSettings puts /etc where a deployment has its defaults.
func moveSettings(ctx context.Context, root string) error {
	// A directory of a lower layer of the overlay cannot be renamed.
	from, to := filepath.Join(root, "etc"), filepath.Join(root, "usr/etc")
	if _, err := command.Run(ctx, "cp", "--archive", "--", from, to); err != nil {
		return err
	}
	return os.RemoveAll(from)
}
