package kubevirt

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/ociimage"
)

// Debian 13 has libvirt 11. The libvirt 9 of Debian 12 lacks a parameter that
// KubeVirt's migrations use.
const suite = "trixie"

// packages have the programs of the launcher's and the handler's image, and of the
// guest.
var packages = []string{
	"base-files", "bash", "coreutils", "findutils", "grep", "sed", "util-linux", "mount", "procps", "iproute2",
	"nftables", "xorriso", "qemu-system-x86", "qemu-utils",
	"libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-daemon-log", "libvirt-clients",
	"busybox-static", "qemu-guest-agent", "linux-image-cloud-amd64", "syslinux", "syslinux-common",
}

// tools are what launcher and handler run, directly or in scripts.
var tools = []string{
	"/usr/bin/bash",
	"/usr/bin/basename", "/usr/bin/cat", "/usr/bin/chgrp", "/usr/bin/chmod", "/usr/bin/chown", "/usr/bin/cp",
	"/usr/bin/cut", "/usr/bin/date", "/usr/bin/dd", "/usr/bin/df", "/usr/bin/dirname", "/usr/bin/du", "/usr/bin/echo",
	"/usr/bin/env", "/usr/bin/find", "/usr/bin/grep", "/usr/bin/head", "/usr/bin/id", "/usr/bin/ln", "/usr/bin/ls",
	"/usr/bin/mkdir", "/usr/bin/mknod", "/usr/bin/mktemp", "/usr/bin/mv", "/usr/bin/ps", "/usr/bin/readlink",
	"/usr/bin/realpath", "/usr/bin/rm", "/usr/bin/rmdir", "/usr/bin/sed", "/usr/bin/sleep", "/usr/bin/sort",
	"/usr/bin/stat", "/usr/bin/sync", "/usr/bin/tail", "/usr/bin/tee", "/usr/bin/timeout", "/usr/bin/touch", "/usr/bin/tr",
	"/usr/bin/true", "/usr/bin/truncate", "/usr/bin/uname", "/usr/bin/wc",
	"/usr/bin/findmnt", "/usr/bin/lsblk", "/usr/bin/mount", "/usr/bin/umount", "/usr/sbin/blockdev",
	"/usr/sbin/ip", "/usr/sbin/nft", "/usr/sbin/sysctl",
	"/usr/bin/qemu-img",
}

// virtualization is what the launcher has besides.
var virtualization = []string{
	"/usr/sbin/libvirtd", "/usr/sbin/virtlogd", "/usr/bin/virsh", "/usr/lib/libvirt/libvirt_iohelper",
	"/usr/bin/qemu-system-x86_64", "/usr/bin/xorriso", "/usr/bin/xorrisofs",
}

// Plug-ins and data of libvirt and QEMU, by patterns.
var (
	plugins = []string{
		"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/*.so",
		"/usr/lib/x86_64-linux-gnu/qemu/hw-*.so",
	}
	shared = []string{
		"/usr/share/libvirt/cpu_map/*.xml", "/usr/share/libvirt/schemas/*",
		"/usr/share/qemu/*.rom", "/usr/share/qemu/*.bin", "/usr/share/qemu/keymaps/*", "/usr/share/seabios/*.bin",
		"/etc/libvirt/virtlogd.conf", "/etc/libvirt/libvirt.conf",
	}
)

//go:embed launcher/virtqemud
var virtqemud []byte

// The user qemu is KubeVirt's, by number. Debian's libvirt does not start without the
// others, which its packages would make when they are configured.
const (
	passwd = "root:x:0:0:root:/root:/bin/bash\n" +
		"qemu:x:107:107:qemu:/:/bin/bash\n" +
		"libvirt-qemu:x:107:107:qemu:/:/bin/bash\n" +
		"swtpm:x:109:109:swtpm:/:/sbin/nologin\n" +
		"nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
	group = "root:x:0:\nkvm:x:36:\nqemu:x:107:\nlibvirt-qemu:x:107:\nlibvirt:x:108:\nswtpm:x:109:\n" +
		"nogroup:x:65534:\n"
)

// userland is what handler and launcher have in common.
func userland(root string) (ociimage.Tree, error) {
	t, err := ociimage.Root(root).Closure(tools)
	if err != nil {
		return nil, err
	}
	t.Link("/usr/bin/sh", "bash")
	t.File("/etc/passwd", 0o644, []byte(passwd))
	t.File("/etc/group", 0o644, []byte(group))
	// virt-handler goes through /proc/PID/root of a launcher to places below
	// /var/run. Debian's link, which is absolute, would take it to its own.
	t.Link("/var/run", "../run")
	return t, nil
}

// libvirt is libvirt and QEMU with what they need.
func libvirt(root string) (ociimage.Tree, error) {
	files := append([]string{}, virtualization...)
	for _, p := range plugins {
		found, err := glob(root, p)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	t, err := ociimage.Root(root).Closure(files)
	if err != nil {
		return nil, err
	}
	for _, p := range shared {
		found, err := glob(root, p)
		if err != nil {
			return nil, err
		}
		data, err := ociimage.Root(root).Closure(found)
		if err != nil {
			return nil, err
		}
		t.Add(data)
	}
	// The monitor's own name in /proc is virtqemud, too.
	libvirtd, err := os.Stat(filepath.Join(root, "usr/sbin/libvirtd"))
	if err != nil {
		return nil, err
	}
	t.Remove("/usr/sbin/libvirtd")
	t.Source("/usr/libexec/okd-lab/virtqemud", libvirtd.Mode(), filepath.Join(root, "usr/sbin/libvirtd"))
	t.File("/usr/sbin/virtqemud", 0o755, virtqemud)
	for _, d := range []string{
		"/etc/libvirt/hooks", "/etc/libvirt/qemu", "/var/lib/libvirt/qemu", "/var/log/libvirt/qemu",
		"/var/cache/libvirt/qemu",
	} {
		t.Dir(d)
	}
	// Upstream's name of the program and of the firmware's directory.
	t.Dir("/usr/lib64/qemu-kvm")
	t.Link("/usr/libexec/qemu-kvm", "../bin/qemu-system-x86_64")
	return t, nil
}

// glob finds files of a root; a pattern that matches none is an error, because
// libvirt or QEMU would miss them only much later.
func glob(root, pattern string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no %s in the packages of Debian %s", pattern, suite)
	}
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], root)
	}
	return found, err
}

// makeKVM is the line by which the labeller's script makes /dev/kvm where the kernel
// lists it. In a container of the lab there may be a KVM that works for nobody:
// machines hide it, and QEMU has to emulate.
const makeKVM = "  mknod /dev/kvm c 10 $KVM_MINOR\n"

func labeller(script []byte) ([]byte, error) {
	if bytes.Count(script, []byte(makeKVM)) != 1 {
		return nil, fmt.Errorf("node-labeller.sh has no %q: look how %s makes /dev/kvm", makeKVM, Version)
	}
	return bytes.Replace(script, []byte(makeKVM), []byte("  :\n"), 1), nil
}
