package iso_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// How images become bootable from a USB stick, too. hack/packages.sh installs the tools.
var hybrids = map[string]func(t *testing.T, tree, path string){
	"xorriso, MBR and GPT": func(t *testing.T, tree, path string) {
		xorriso(t, tree, path, slices.Concat(bios, efi, []string{"-isohybrid-mbr", isohybridMBR, "-isohybrid-gpt-basdat"})...)
	},
	"xorriso, MBR": func(t *testing.T, tree, path string) {
		xorriso(t, tree, path, slices.Concat(bios, efi, []string{"-isohybrid-mbr", isohybridMBR})...)
	},
	"xorriso, GPT": func(t *testing.T, tree, path string) {
		xorriso(t, tree, path, slices.Concat(efi, []string{"-efi-boot-part", "--efi-boot-image"})...)
	},
	"xorriso, appended partition": func(t *testing.T, tree, path string) {
		xorriso(t, tree, path, "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
			"-append_partition", "2", "0xef", filepath.Join(tree, "images/efiboot.img"))
	},
	"isohybrid": func(t *testing.T, tree, path string) { // CoreOS
		genisoimage(t, tree, path)
		run(t, "isohybrid", "--uefi", path)
	},
	"none": genisoimage,
}

const isohybridMBR = "/usr/lib/ISOLINUX/isohdpfx.bin"

var (
	bios = []string{"-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4",
		"-boot-info-table", "-eltorito-alt-boot"}
	efi = []string{"-e", "images/efiboot.img", "-no-emul-boot"}
)

func xorriso(t *testing.T, tree, path string, args ...string) {
	run(t, "xorriso", slices.Concat([]string{"-as", "mkisofs", "-o", path, "-iso-level", "1", "-r", "-J", "-joliet-long",
		"-V", isotest.Label}, args, []string{tree})...)
}

func genisoimage(t *testing.T, tree, path string) {
	run(t, "genisoimage", slices.Concat([]string{"-quiet", "-o", path, "-rational-rock", "-J", "-joliet-long",
		"-V", isotest.Label}, bios, efi, []string{tree})...)
}

// hybrid makes an image with real boot loaders for BIOS; they are not started.
func hybrid(t *testing.T, kind string) string {
	t.Helper()
	dir := t.TempDir()
	tree, path := filepath.Join(dir, "tree"), filepath.Join(dir, "live.iso")
	if err := isotest.Tree(tree, isotest.Layout{}); err != nil {
		t.Fatal(err)
	}
	loader, err := os.ReadFile("/usr/lib/ISOLINUX/isolinux.bin")
	if err == nil {
		err = os.WriteFile(filepath.Join(tree, "isolinux/isolinux.bin"), loader, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(tree, "images/efiboot.img"), make([]byte, 1<<20), 0o600)
	}
	if err != nil {
		t.Fatalf("%v; hack/packages.sh installs isolinux", err)
	}
	hybrids[kind](t, tree, path)
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; hack/packages.sh installs it\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return string(out)
}

// TestXorrisoSeesTheSameImage embeds all that can be embedded, and asks xorriso what boots and what is in the files.
func TestXorrisoSeesTheSameImage(t *testing.T) {
	path := hybrid(t, "xorriso, MBR and GPT")
	before := read(t, path)
	records := func() string {
		return run(t, "xorriso", "-indev", path, "-report_el_torito", "plain", "-report_system_area", "plain")
	}
	want := records()
	for _, record := range []string{"MBR partition", "GPT start and size", "BIOS", "UEFI"} {
		if !strings.Contains(want, record) {
			t.Fatalf("the image has no %s:\n%s", record, want)
		}
	}
	edit(t, path, func(i *iso.Image) error {
		if err := embed(i); err != nil {
			return err
		}
		list := []iso.Keyfile{{Name: "eth0.nmconnection", Data: []byte("[connection]\nid=eth0\n")}}
		if err := i.SetKeyfiles(list, false); err != nil {
			return err
		}
		return i.SetKargs(isotest.Kargs + " console=ttyS0")
	})
	if got := records(); got != want {
		t.Errorf("the boot records were:\n%s\nand are:\n%s", want, got)
	}
	onlyAreas(t, before, read(t, path), inspect(t, path))

	out := t.TempDir()
	grub, ignition := filepath.Join(out, "grub.cfg"), filepath.Join(out, "ignition.img")
	run(t, "xorriso", "-osirrox", "on", "-indev", path, "-extract", "/EFI/fedora/grub.cfg", grub,
		"-extract", "/images/ignition.img", ignition)
	line := "linux /images/pxeboot/vmlinuz " + isotest.Kargs + " console=ttyS0\n###"
	if text := string(read(t, grub)); !strings.Contains(text, line) {
		t.Errorf("grub.cfg has no %q:\n%s", line, text)
	}
	got, err := iso.UnwrapIgnition(read(t, ignition))
	if err != nil || string(got) != config {
		t.Errorf("%q, %v", got, err)
	}
	edit(t, path, (*iso.Image).Reset)
	if !bytes.Equal(before, read(t, path)) {
		t.Error("reset does not restore the image")
	}
}
