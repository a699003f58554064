package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// View is what the system of a host sees of its hardware at one start.
type View struct {
	Spec
	CPUs      int
	MemoryMiB int64
	Cmdline   string // of the kernel
	NICs      []string
	Nodes     []Node
	Opticals  []Optical // the drives with media
}

// Node is the block device of the lab's computer that stands for a disk.
type Node struct{ Major, Minor uint32 }

// Optical is a drive with a medium in it.
type Optical struct {
	Name string // sr0
	Node
	Size  int64
	Label string
}

// The parts of the directory that Write fills.
const (
	sysDir  = "sys"  // laid over the kernel's own /sys
	procDir = "proc" // files that replace those of the kernel
	udevDir = "udev" // /run/udev
	diskDir = "disk" // /dev/disk
	nicDir  = "nic"  // what is added to the directory of each network card
	realDir = "real" // where the kernel's own /sys is mounted
	viewDir = "view" // and the two as one
)

// tree is a directory that is being filled.
type tree struct {
	root string
	errs []error
}

// Write describes the hardware below dir, which it makes anew.
func (v View) Write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("describe hardware: %w", err)
	}
	t := &tree{root: dir}
	t.identity(v)
	t.processors(v)
	t.memory(v)
	t.proc(v)
	t.storage(v)
	t.network(v)
	t.dir(realDir)
	t.dir(viewDir)
	if err := errors.Join(t.errs...); err != nil {
		return fmt.Errorf("describe hardware: %w", err)
	}
	return nil
}

// file writes a file; a text gets a newline as in sysfs.
func (t *tree) file(path, content string) { t.raw(path, []byte(content+"\n"), 0o444) }

func (t *tree) raw(path string, content []byte, mode os.FileMode) {
	path = filepath.Join(t.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.errs = append(t.errs, err)
		return
	}
	t.errs = append(t.errs, os.WriteFile(path, content, mode))
}

// files writes several files of one directory.
func (t *tree) files(dir string, content map[string]string) {
	for name, text := range content {
		t.file(filepath.Join(dir, name), text)
	}
}

// link makes a symbolic link to another path of the tree, relative as in sysfs.
func (t *tree) link(path, to string) {
	rel, err := filepath.Rel(filepath.Dir(path), to)
	if err != nil {
		t.errs = append(t.errs, err)
		return
	}
	t.symlink(path, rel)
}

func (t *tree) symlink(path, target string) {
	path = filepath.Join(t.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.errs = append(t.errs, err)
		return
	}
	if err := os.Symlink(target, path); err != nil && !errors.Is(err, os.ErrExist) {
		t.errs = append(t.errs, err)
	}
}

func (t *tree) dir(path string) {
	t.errs = append(t.errs, os.MkdirAll(filepath.Join(t.root, path), 0o755))
}

// instead makes a directory that hides the kernel's own of that name, where
// those that are not instead add to it.
func (t *tree) instead(path string) {
	t.dir(path)
	err := unix.Setxattr(filepath.Join(t.root, path), "trusted.overlay.opaque", []byte("y"), 0)
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("mark %s: %w", path, err))
	}
}

// identity is what the firmware says of the computer.
func (t *tree) identity(v View) {
	const dmi = sysDir + "/devices/virtual/dmi/id"
	t.instead(sysDir + "/devices/virtual/dmi")
	t.instead(sysDir + "/class/dmi")
	t.files(dmi, map[string]string{
		"sys_vendor": v.Vendor, "product_name": v.Product, "product_version": "1.0", "product_family": "",
		"product_sku":  "",
		"board_vendor": v.Vendor, "board_name": v.Product + " board", "board_version": "A00",
		"chassis_vendor": v.Vendor, "chassis_type": "23", "chassis_version": "",
		"bios_vendor": v.Vendor, "bios_version": "2.4.1", "bios_date": "03/14/2025", "bios_release": "2.4",
		"modalias": "dmi:svn" + strings.ReplaceAll(v.Vendor, " ", "") + ":pn" + strings.ReplaceAll(v.Product, " ", "") + ":",
		"uevent":   "",
	})
	for name, text := range map[string]string{ // which only root may read
		"product_uuid": v.UUID, "product_serial": v.Serial, "board_serial": v.Serial, "chassis_serial": v.Serial,
	} {
		t.raw(filepath.Join(dmi, name), []byte(text+"\n"), 0o400)
	}
	t.link(sysDir+"/class/dmi/id", dmi)
	t.link(dmi+"/subsystem", sysDir+"/class/dmi")
	t.instead(sysDir + "/firmware/efi")
	if !v.UEFI {
		// Whether this computer has it or not.
		t.errs = append(t.errs, os.RemoveAll(filepath.Join(t.root, sysDir, "firmware/efi")))
		t.whiteout(sysDir + "/firmware/efi")
		return
	}
	t.files(sysDir+"/firmware/efi", map[string]string{"fw_platform_size": "64", "runtime": "0x0"})
	t.dir(sysDir + "/firmware/efi/efivars")
}

// whiteout hides what the kernel has at a path.
func (t *tree) whiteout(path string) {
	t.dir(filepath.Dir(path))
	t.errs = append(t.errs, unix.Mknod(filepath.Join(t.root, path), unix.S_IFCHR, 0))
}
