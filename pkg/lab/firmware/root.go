package firmware

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Argument returns the value of a kernel argument, the last one.
func Argument(cmdline, name string) string {
	value := ""
	for word := range strings.FieldsSeq(cmdline) {
		if v, found := strings.CutPrefix(word, name+"="); found {
			value = v
		}
	}
	return value
}

// rootTypes are the file systems of roots by the names of their files.
var rootTypes = map[string]string{"root.squashfs": "squashfs", "root.erofs": "erofs"}

// RootInInitramfs finds the root that came as a part of an unpacked initramfs. The
// error is fs.ErrNotExist if none did.
func RootInInitramfs(dir string) (path string, root Root, err error) {
	for name, kind := range rootTypes {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", Root{}, err
		}
		return path, Root{Type: kind, Size: info.Size()}, nil
	}
	return "", Root{}, fmt.Errorf("find the root in the initramfs: %w", fs.ErrNotExist)
}

// RootInFile finds the root in a rootfs.img.
func RootInFile(path string) (Root, error) {
	f, err := os.Open(path)
	if err != nil {
		return Root{}, err
	}
	defer f.Close()
	root, err := rootIn(f)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return root, err
}
