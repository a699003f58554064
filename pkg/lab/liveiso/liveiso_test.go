package liveiso

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
)

// TestScripts runs shellcheck on the scripts of the initramfs.
func TestScripts(t *testing.T) {
	found := 0
	err := fs.WalkDir(initramfs(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		b, err := fs.ReadFile(initramfs(), path)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(t.Context(), "shellcheck", "-")
		cmd.Stdin = bytes.NewReader(b)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d scripts were found", found)
	}
}

func TestLibraries(t *testing.T) {
	got := libraries("\tlinux-vdso.so.1 (0x00007f8a7e153000)\n" +
		"\tlibblkid.so.1 => /lib/x86_64-linux-gnu/libblkid.so.1 (0x00007f8a7e0ea000)\n" +
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007f8a7e155000)\n")
	want := []string{"/lib/x86_64-linux-gnu/libblkid.so.1", "/lib64/ld-linux-x86-64.so.2"}
	if !slices.Equal(got, want) {
		t.Errorf("libraries are %q, want %q", got, want)
	}
}

// emptyISO makes the ISO of boot files without content.
func emptyISO(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tree, boot, path := filepath.Join(dir, "tree"), filepath.Join(dir, "boot"), filepath.Join(dir, File)
	for name, size := range map[string]int{
		"boot/isolinux.bin": 4096, "boot/isohdpfx.bin": 432, "boot/ldlinux.c32": 1000, "boot/grubx64.efi": 4096,
		"tree/images/pxeboot/vmlinuz": 100, "tree/images/pxeboot/initrd.img": 100, "tree/images/pxeboot/rootfs.img": 100,
	} {
		if err := writeFile(filepath.Join(dir, name), bytes.Repeat([]byte{'x'}, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := bootConfig(t.Context(), tree, boot); err != nil {
		t.Fatal(err)
	}
	if err := masterBoth(t.Context(), tree, boot, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMinimal makes the minimal ISO of the full one.
func TestMinimal(t *testing.T) {
	path := emptyISO(t)
	minimal := filepath.Join(t.TempDir(), "minimal.iso")
	err := iso.ExtractMinimal(t.Context(), path, minimal, iso.Minimal{
		RootfsURL: "http://198.18.0.9/rootfs.img", Rootfs: filepath.Join(t.TempDir(), "rootfs.img"),
	})
	if err != nil {
		t.Fatal(err)
	}
	err = iso.View(minimal, func(i *iso.Image) error {
		kargs, err := i.Kargs()
		if strings.Contains(kargs, "coreos.liveiso") || !strings.HasSuffix(kargs, "rootfs_url=http://198.18.0.9/rootfs.img") {
			t.Errorf("kernel arguments %q", kargs)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "xorriso", "-indev", minimal, "-find", "/", "-type", "f").Output()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); strings.Contains(text, "rootfs.img") || !strings.Contains(text, "vmlinuz") {
		t.Errorf("the minimal ISO has:\n%s", text)
	}
}

// TestLayout holds the ISO against what tools for CoreOS expect.
func TestLayout(t *testing.T) {
	path := emptyISO(t)
	err := iso.View(path, func(i *iso.Image) error {
		s, err := i.Inspect()
		if err != nil {
			return err
		}
		if s.Label != Label || s.Kargs != Kargs || s.DefaultKargs != Kargs || !s.Network || s.Used != 0 ||
			s.Ignition.Length != ignitionSize || len(s.KargAreas) != len(loaderConfigs) {
			t.Errorf("the ISO is %+v", s)
		}
		for _, a := range s.KargAreas {
			if want := int64(len(Kargs) + 1 + kargsRoom); a.Length != want {
				t.Errorf("%s has %d bytes for kernel arguments, want %d", a.File, a.Length, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for name := range loaderConfigs {
		to := filepath.Join(out, "config")
		cmd := exec.CommandContext(t.Context(), "xorriso", "-osirrox", "on", "-indev", path, "-extract", "/"+name, to)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		b, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		// AIS finds the end of the arguments by the mark.
		if !strings.Contains(string(b), Kargs+"\n"+strings.Repeat("#", kargsRoom)+kargsMarker+"\n") {
			t.Errorf("%s has no place for kernel arguments:\n%s", name, b)
		}
		for _, initrd := range []string{"/images/pxeboot/initrd.img", "/images/ignition.img"} {
			if !strings.Contains(string(b), initrd) {
				t.Errorf("%s does not load %s:\n%s", name, initrd, b)
			}
		}
	}
}

// TestFeatures: the initramfs applies embedded network profiles, and says so.
func TestFeatures(t *testing.T) {
	b, err := featuresJSON()
	if err != nil {
		t.Fatal(err)
	}
	var features map[string]any
	if err := json.Unmarshal(b, &features); err != nil || features["live-initrd-network"] != true {
		t.Errorf("features are %s, %v", b, err)
	}
}
