package liveiso

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/cache"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// kernelPackage depends on the package of the newest kernel.
const kernelPackage = "linux-image-amd64"

// bootPackages have what boots, besides the kernel. They are unpacked, not
// installed: nothing of them is for this machine.
var bootPackages = []string{"busybox-static", "isolinux", "syslinux-common", "grub-efi-amd64-bin"}

// bootFilesFrom are the files of these packages by their names in the cache.
var bootFilesFrom = map[string]string{
	"busybox":      "bin/busybox",
	"isolinux.bin": "usr/lib/ISOLINUX/isolinux.bin",
	"isohdpfx.bin": "usr/lib/ISOLINUX/isohdpfx.bin",
	"ldlinux.c32":  "usr/lib/syslinux/modules/bios/ldlinux.c32",
	"grubx64.efi":  "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi",
}

// loaded modules are those that the initramfs loads on every machine.
var loaded = []string{
	"loop", "squashfs", "isofs", "overlay", "sr_mod", "sd_mod",
	// The live system has no modules of its own.
	"crc32c_generic", "bridge", "br_netfilter", "bonding", "8021q", "vxlan", "veth", "nf_tables", "nft_compat",
	"nft_chain_nat", "nft_masq", "nft_ct", "nft_fib_inet", "xt_conntrack", "xt_comment", "xt_MASQUERADE", "xt_addrtype",
}

// drivers are loaded where the hardware is: for media, disks and network cards of
// common machines.
var drivers = []string{
	"ata_piix", "ata_generic", "ahci", "nvme", "megaraid_sas", "mpt3sas", "vmw_pvscsi",
	"virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_rng",
	"xhci_pci", "ehci_pci", "uhci_hcd", "usb_storage", "uas", "usbhid", "hid_generic",
	"e1000", "e1000e", "igb", "ixgbe", "i40e", "tg3", "bnxt_en", "mlx5_core", "vmxnet3", "r8169",
}

// bootFiles returns a directory with kernel, modules and boot loaders.
func (b Builder) bootFiles(ctx context.Context) (string, error) {
	key := cache.Key(recipe, kernelPackage, fmt.Sprint(bootPackages, bootFilesFrom, loaded, drivers))
	return b.Cache.Entry(ctx, b.Clock, BootKind, key, func(path string) error {
		if err := collect(ctx, path); err != nil {
			return fmt.Errorf("get kernel and boot loaders: %w", err)
		}
		return nil
	})
}

func collect(ctx context.Context, dir string) error {
	work := filepath.Join(dir, "build")
	unpacked := filepath.Join(work, "root")
	if err := os.MkdirAll(unpacked, 0o755); err != nil {
		return err
	}
	kernel, err := download(ctx, work)
	if err != nil { // the package lists are missing or old
		if _, err := command.Run(ctx, "apt-get", "update", "-q"); err != nil {
			return err
		}
		if kernel, err = download(ctx, work); err != nil {
			return err
		}
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range debs {
		if _, err := command.Run(ctx, "dpkg-deb", "--extract", deb, unpacked); err != nil {
			return err
		}
	}
	for name, from := range bootFilesFrom {
		if _, err := command.Run(ctx, "install", "--", filepath.Join(unpacked, from), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	version := strings.TrimPrefix(kernel, "linux-image-")
	if err := copyFile(ctx, filepath.Join(unpacked, "boot/vmlinuz-"+version), filepath.Join(dir, "vmlinuz")); err != nil {
		return err
	}
	if err := copyModules(ctx, unpacked, version, filepath.Join(dir, "modules")); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// download gets the packages, and returns the name of the kernel's.
func download(ctx context.Context, dir string) (kernel string, err error) {
	if kernel, err = newestKernel(ctx); err != nil {
		return "", err
	}
	get := exec.CommandContext(ctx, "apt-get", append([]string{"download", "-q", kernel}, bootPackages...)...)
	get.Dir = dir
	_, err = command.Output(get)
	return kernel, err
}

// newestKernel is the package that kernelPackage depends on.
func newestKernel(ctx context.Context) (string, error) {
	out, err := command.Run(ctx, "apt-cache", "depends", "--important", kernelPackage)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if _, name, found := strings.Cut(line, "Depends: linux-image-"); found {
			return "linux-image-" + strings.TrimSpace(name), nil
		}
	}
	return "", errors.New("apt knows no package " + kernelPackage)
}

// copyModules copies the modules that are loaded, and those that they need.
func copyModules(ctx context.Context, root, version, to string) error {
	from := filepath.Join("lib/modules", version)
	if _, err := command.Run(ctx, "depmod", "-b", root, version); err != nil {
		return err
	}
	for _, name := range slices.Concat(loaded, drivers) {
		out, err := command.Run(ctx, "modprobe", "-d", root, "-S", version, "--show-depends", name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			path, isFile := strings.CutPrefix(strings.TrimSpace(line), "insmod ")
			if !isFile {
				continue // built in
			}
			path, _, _ = strings.Cut(path, " ")
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if err := copyFile(ctx, path, filepath.Join(to, "usr", rel)); err != nil {
				return err
			}
		}
	}
	for _, list := range []string{"modules.builtin", "modules.order"} {
		if err := copyFile(ctx, filepath.Join(root, from, list), filepath.Join(to, "usr", from, list)); err != nil {
			return err
		}
	}
	// depmod wants the directory where it was before /lib became a link.
	if err := os.Symlink("usr/lib", filepath.Join(to, "lib")); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := command.Run(ctx, "depmod", "-b", to, version); err != nil {
		return err
	}
	return os.Remove(filepath.Join(to, "lib"))
}
