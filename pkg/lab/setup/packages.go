package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// packages are what labs need on a Debian machine: to make images, to run
// machines, and to compile Ignition, which links to libblkid.
var packages = []string{
	"debootstrap", "systemd-container", "dnsmasq-base", "qemu-utils", "iproute2", "nftables", "iptables",
	"util-linux", "mount", "e2fsprogs", "fdisk", "openssh-client", "passwd", "procps", "ca-certificates",
	"gcc", "libc6-dev", "libblkid-dev", "shellcheck", "jq", "curl", "ostree",
	"squashfs-tools", "xorriso", "cpio", "mtools", "kmod",
}

// virtualizationPackages are what the virtualization stack needs besides: KubeVirt's
// launcher links to libvirt, and syslinux makes the guest's disk bootable.
var virtualizationPackages = []string{"libvirt-dev", "pkg-config", "syslinux"}

// installPackages installs what is missing, without asking.
func installPackages(ctx context.Context, packages []string, out io.Writer) error {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		return fmt.Errorf("this is not a Debian system; install by hand what provides %s", strings.Join(packages, " "))
	}
	missing := slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return installed(ctx, p) })
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintf(out, "installing %s\n", strings.Join(missing, " "))
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)
	if err := apt(ctx, install...); err == nil {
		return nil
	}
	// The lists are missing or old.
	if err := apt(ctx, "update", "-q"); err != nil {
		return err
	}
	return apt(ctx, install...)
}

func installed(ctx context.Context, name string) bool {
	out, err := command.Run(ctx, "dpkg-query", "-W", "-f=${db:Status-Status}", name)
	return err == nil && out == "installed"
}

func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l")
	_, err := command.Output(cmd)
	return err
}
