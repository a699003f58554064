// Package rootfs makes the Debian root directory that the lab's OS image and
// the lab release take their programs from.
package rootfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// DefaultMirror is where Debian packages come from.
const DefaultMirror = "http://deb.debian.org/debian"

const suite = "bookworm"

// packages is what is in a minimal system beside the essential ones.
var packages = []string{
	"systemd", "systemd-sysv", "dbus", "netbase", "procps", "less", "sudo", "openssh-server",
	"iproute2", "iptables", "nftables", "ipset", "conntrack", "ethtool", "socat", "iputils-ping",
	"containerd", "runc", "podman", "containernetworking-plugins",
	"haproxy", "keepalived",
	"network-manager", "libpam-systemd", // polkitd, of which the former depends, wants the latter
	"jq", "curl", "ca-certificates", "bind9-dnsutils", "openssl", "rsync", "ostree",
}

// rubbish is what no machine needs; a smaller root is copied and sent faster.
var rubbish = []string{
	"usr/share/doc/*", "usr/share/locale/*", "usr/share/man/*", "usr/share/info/*", "usr/share/lintian",
	"usr/share/bug", "usr/share/bash-completion", "usr/share/zsh", "usr/share/pixmaps",
	"usr/lib/x86_64-linux-gnu/perl/*/CORE", "usr/lib/x86_64-linux-gnu/perl/*/auto/Encode/[JKTC]*",
	"usr/bin/containerd-shim", "usr/bin/containerd-shim-runc-v1", "usr/bin/containerd-stress",
	"var/cache/apt/*", "var/lib/apt/lists/*", "var/cache/debconf/*-old", "var/lib/dpkg/*-old", "var/log/*.log",
	"var/cache/ldconfig/*",
	// Names of hardware that no machine of the lab has.
	"usr/lib/udev/hwdb.d", "usr/lib/udev/hwdb.bin",
	// A machine makes its own.
	"etc/ssh/ssh_host_*", "etc/hostname", "etc/machine-id", "var/lib/dbus/machine-id",
}

// Builder makes root directories.
type Builder struct {
	Cache  cache.Dir
	Mirror string
	Clock  clock.Clock
}

// Build returns the root directory, from the cache if it is there.
func (b Builder) Build(ctx context.Context) (string, error) {
	mirror := b.Mirror
	if mirror == "" {
		mirror = DefaultMirror
	}
	key := cache.Key(suite, mirror, strings.Join(packages, " "), strings.Join(rubbish, " "))
	return b.Cache.Entry(ctx, b.Clock, "rootfs", key, func(path string) error {
		if err := debootstrap(ctx, path, mirror); err != nil {
			return fmt.Errorf("make Debian root: %w", err)
		}
		return trim(path)
	})
}

func debootstrap(ctx context.Context, path, mirror string) error {
	cmd := exec.CommandContext(ctx, "debootstrap",
		"--variant=minbase", "--include="+strings.Join(packages, ","), suite, path, mirror)
	// No package may start a service or ask a question on this machine.
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	if _, err := command.Output(cmd); err != nil {
		return fmt.Errorf("from %s: %w", mirror, err)
	}
	return nil
}

func trim(root string) error {
	var errs []error
	for _, pattern := range rubbish {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		errs = append(errs, err)
		for _, m := range matches {
			errs = append(errs, os.RemoveAll(m))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("trim Debian root: %w", err)
	}
	return nil
}
