package liveiso

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/command"
)

// Label is the volume label, by which the live system finds its medium.
const Label = "scos-lab"

// Kargs are the kernel arguments of the ISO.
const Kargs = "coreos.liveiso=" + Label +
	" ignition.firstboot ignition.platform.id=metal console=tty0 console=ttyS0"

const (
	ignitionFile = "images/ignition.img"
	ignitionSize = 256 << 10
	// kargsRoom is for arguments that are added to the ISO.
	kargsRoom   = 1024
	kargsMarker = "# COREOS_KARG_EMBED_AREA"
	// espSectors is the size of the UEFI partition in sectors of 512 bytes.
	espSectors = 16384
)

// grubStub is the configuration in the UEFI partition: it finds the other one by
// the label of the medium.
const grubStub = "search --label " + Label + ` --set root --no-floppy
set prefix=($root)/EFI/debian
configfile $prefix/grub.cfg
`

// loaderConfigs are the configurations of the boot loaders with a place for the
// kernel arguments. All of them load the embedded config as a second initramfs.
var loaderConfigs = map[string]string{
	"EFI/debian/grub.cfg": `serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set default=0
set timeout=1
menuentry 'CoreOS of the lab (live)' {
	linux /images/pxeboot/vmlinuz %s
	initrd /images/pxeboot/initrd.img /images/ignition.img
}
`,
	"isolinux/isolinux.cfg": `serial 0 115200
default linux
prompt 0
timeout 10
label linux
  kernel /images/pxeboot/vmlinuz
  append initrd=/images/pxeboot/initrd.img,/images/ignition.img %s
`,
}

// layoutKey changes with what this file puts on the ISO.
func layoutKey() string {
	return fmt.Sprint(Kargs, ignitionSize, kargsRoom, kargsMarker, espSectors, grubStub, loaderConfigs, initramfsLinks,
		initramfsDirs, minimalRoom)
}

// features.json tells what the live system can do.
func featuresJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"installer-config": false, "live-initrd-network": true, "installer-config-directives": map[string]any{},
	})
}

type kargsPlace struct {
	Path   string `json:"path"`
	Offset int    `json:"offset"`
	Pad    string `json:"pad"`
	End    string `json:"end"`
}

// bootConfig writes boot loaders, their configurations and the files that tell
// tools what can be changed.
func bootConfig(ctx context.Context, tree, boot string) error {
	area := Kargs + "\n" + strings.Repeat("#", kargsRoom)
	files := map[string][]byte{ignitionFile: make([]byte, ignitionSize)}
	var places []kargsPlace
	for _, path := range []string{"EFI/debian/grub.cfg", "isolinux/isolinux.cfg"} {
		files[path] = fmt.Appendf(nil, loaderConfigs[path], area+kargsMarker)
		places = append(places, kargsPlace{path, bytes.Index(files[path], []byte(area)), "#", "\n"})
	}
	for path, v := range map[string]any{
		"coreos/igninfo.json": map[string]any{"file": ignitionFile},
		"coreos/kargs.json":   map[string]any{"default": Kargs, "size": len(area), "files": places},
	} {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		files[path] = raw
	}
	var err error
	if files["coreos/features.json"], err = featuresJSON(); err != nil {
		return err
	}
	for path, data := range files {
		if err := writeFile(filepath.Join(tree, path), data, 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"isolinux.bin", "ldlinux.c32"} {
		if err := copyFile(ctx, filepath.Join(boot, name), filepath.Join(tree, "isolinux", name)); err != nil {
			return err
		}
	}
	return esp(ctx, filepath.Join(tree, "images/efiboot.img"), filepath.Join(boot, "grubx64.efi"))
}

// esp makes the image of the UEFI partition. Debian's GRUB reads
// /EFI/debian/grub.cfg of the partition that it was loaded from.
func esp(ctx context.Context, path, grub string) error {
	stub := path + ".cfg"
	if err := os.WriteFile(stub, []byte(grubStub), 0o644); err != nil {
		return err
	}
	for _, argv := range [][]string{
		{"mformat", "-i", path, "-C", "-T", fmt.Sprint(espSectors), "-h", "16", "-s", "32", "-N", "4c414221", "::"},
		{"mmd", "-i", path, "::/EFI", "::/EFI/BOOT", "::/EFI/debian"},
		{"mcopy", "-i", path, grub, "::/EFI/BOOT/BOOTX64.EFI"},
		{"mcopy", "-i", path, stub, "::/EFI/debian/grub.cfg"},
	} {
		if _, err := command.Run(ctx, argv[0], argv[1:]...); err != nil {
			return fmt.Errorf("make UEFI partition: %w", err)
		}
	}
	return os.Remove(stub)
}

// master makes the ISO from its files: ISO 9660 level 1, so that tools find names
// in 8.3 form, with boot records for DVDs and USB sticks, BIOS and UEFI.
func master(ctx context.Context, tree, boot, path string) error {
	_, err := command.Run(ctx, "xorriso", "-as", "mkisofs", "-quiet", "-o", path,
		"-iso-level", "1", "-r", "-J", "-joliet-long", "-V", Label,
		"-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4",
		"-boot-info-table", "-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot",
		"-isohybrid-mbr", filepath.Join(boot, "isohdpfx.bin"), "-isohybrid-gpt-basdat", tree)
	return err
}
