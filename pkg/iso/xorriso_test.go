package iso_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

// hybrid makes an image with xorriso that boots from a DVD and a USB stick, with BIOS and UEFI, as far as its boot
// records go. hack/packages.sh installs xorriso.
func hybrid(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("xorriso"); err != nil {
		t.Fatal("xorriso is not installed; hack/packages.sh installs it")
	}
	dir := t.TempDir()
	tree, mbr, path := filepath.Join(dir, "tree"), filepath.Join(dir, "mbr.bin"), filepath.Join(dir, "live.iso")
	if err := isotest.Tree(tree, isotest.Layout{}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mbr, bytes.Repeat([]byte("mbr "), 108), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "xorriso", "-as", "mkisofs", "-o", path, "-iso-level", "1", "-r", "-J", "-joliet-long", "-V", isotest.Label,
		"-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4",
		"-boot-info-table", "-eltorito-alt-boot", "-e", "images/efiboot.img", "-no-emul-boot",
		"-isohybrid-mbr", mbr, "-isohybrid-gpt-basdat", tree)
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, stderr.String())
	}
	return string(out)
}

// TestXorrisoSeesTheSameImage embeds all that can be embedded, and asks xorriso what boots and what is in the files.
func TestXorrisoSeesTheSameImage(t *testing.T) {
	path := hybrid(t)
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
