// Package isotest makes small live ISOs that are laid out like those of CoreOS.
package isotest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
)

// Kargs are the default kernel arguments of the images.
const Kargs = "coreos.liveiso=fedora-coreos-test ignition.firstboot ignition.platform.id=metal"

// Label is the volume label of the images.
const Label = "fedora-coreos-test"

// kargsRoom is what a configuration has for more arguments.
const kargsRoom = 1024

// Layout is what may differ between images.
type Layout struct {
	IgnitionSize int  // of the area for the config; 256 KiB if 0
	InFile       bool // the area is a part of a larger file
	Legacy       bool // headers in the system area instead of files
	NoNetwork    bool // the live system ignores network settings
	NoKargs      bool // kernel arguments cannot be changed
	Minimal      bool // a minimal ISO can be made of it
}

func (l Layout) ignitionSize() int {
	if l.IgnitionSize == 0 {
		return 256 << 10
	}
	return l.IgnitionSize
}

// before is what lies in a larger file before the area.
var before = bytes.Repeat([]byte("boot loader "), 100)

// configs are the configurations of the boot loaders, with a format for the arguments.
var configs = map[string]string{
	"EFI/fedora/grub.cfg": "menuentry 'CoreOS' {\n\tlinux /images/pxeboot/vmlinuz %s# COREOS_KARG_EMBED_AREA\n" +
		"\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n}\n",
	"isolinux/isolinux.cfg": "label linux\n  kernel /images/pxeboot/vmlinuz\n" +
		"  append initrd=/images/pxeboot/initrd.img,/images/ignition.img %s# COREOS_KARG_EMBED_AREA\n",
}

// Tree writes the files of an image to a directory.
func Tree(dir string, l Layout) error {
	files := map[string][]byte{
		"images/pxeboot/vmlinuz":    bytes.Repeat([]byte("kernel "), 1000),
		"images/pxeboot/initrd.img": bytes.Repeat([]byte("initrd "), 1000),
		"images/pxeboot/rootfs.img": bytes.Repeat([]byte("rootfs "), 1000),
		"isolinux/isolinux.bin":     bytes.Repeat([]byte{0x90}, 4096),
		"images/efiboot.img":        bytes.Repeat([]byte("esp "), 1024),
	}
	embed := Kargs + "\n" + strings.Repeat("#", kargsRoom)
	type place struct {
		Path   string `json:"path"`
		Offset int    `json:"offset"`
		Pad    string `json:"pad,omitempty"`
		End    string `json:"end,omitempty"`
	}
	var places []place
	for path, format := range configs {
		files[path] = fmt.Appendf(nil, format, embed)
		places = append(places, place{path, bytes.Index(files[path], []byte(Kargs)), "#", "\n"})
	}
	ignition := map[string]any{"file": "images/ignition.img"}
	area := make([]byte, l.ignitionSize())
	if l.Legacy {
		area = bytes.Repeat(marker, l.ignitionSize()/len(marker)) // Write looks for it
		files["images/kargs.dat"] = []byte(defaultKargs + embed)
	}
	if l.InFile {
		ignition = map[string]any{"file": "images/cdboot.img", "offset": len(before), "length": len(area)}
		files["images/cdboot.img"] = append(append(bytes.Clone(before), area...), "the end"...)
	} else {
		files["images/ignition.img"] = area
	}
	headers := map[string]any{
		"coreos/igninfo.json":  ignition,
		"coreos/kargs.json":    map[string]any{"default": Kargs, "size": len(embed), "files": places},
		"coreos/features.json": map[string]any{"installer-config": true, "live-initrd-network": !l.NoNetwork},
	}
	if l.Legacy {
		headers = nil
	}
	if l.NoKargs {
		delete(headers, "coreos/kargs.json")
	}
	for path, v := range headers {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		files[path] = raw
	}
	for path, data := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

var marker = []byte("0123456789abcdef")

const defaultKargs = "default: "

// Write makes an image at path.
func Write(path string, l Layout) (err error) {
	if l.Minimal {
		l.Minimal = false
		return writeWithMinimal(path, l)
	}
	return write(path, l, func(string) error { return nil })
}

// write makes an image of a tree that prepare has changed.
func write(path string, l Layout, prepare func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "isotest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := errors.Join(Tree(dir, l), prepare(dir)); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	v, err := iso9660.Create(file.New(f, false), 0, 0, 2048, dir)
	if err == nil {
		err = v.Finalize(iso9660.FinalizeOptions{RockRidge: true, VolumeIdentifier: Label, ElTorito: &iso9660.ElTorito{
			Entries: []*iso9660.ElToritoEntry{
				{Platform: iso9660.BIOS, BootFile: "isolinux/isolinux.bin", BootTable: true},
				{Platform: iso9660.EFI, BootFile: "images/efiboot.img"},
			},
		}})
	}
	if err != nil {
		return err
	}
	return systemArea(f, l)
}

// systemArea fills the first 32 KiB: an MBR like that of a hybrid image and, in an old one, the headers.
func systemArea(f *os.File, l Layout) error {
	area := bytes.Repeat([]byte("boot"), 32768/4)
	area[510], area[511] = 0x55, 0xaa
	if l.Legacy {
		raw, err := os.ReadFile(f.Name())
		if err != nil {
			return err
		}
		size := l.ignitionSize()
		config := bytes.Index(raw, marker)
		clear(raw[config : config+size])
		if _, err := f.WriteAt(raw[config:config+size], int64(config)); err != nil {
			return err
		}
		header(area[32744:], "coreiso+", config, size)
		after := func(text string) int { return bytes.Index(raw, []byte(text+Kargs)) + len(text) }
		clear(area[32672:32744])
		header(area[32672:], "coreKarg", len(Kargs)+1+kargsRoom, after(defaultKargs), after("vmlinuz "),
			after("ignition.img "))
	}
	_, err := f.WriteAt(area, 0)
	return err
}

func header(out []byte, magic string, numbers ...int) {
	n := copy(out, magic)
	for _, v := range numbers {
		binary.LittleEndian.PutUint64(out[n:], uint64(v))
		n += 8
	}
}
