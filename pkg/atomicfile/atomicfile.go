// Package atomicfile replaces files in one step: readers find the old content or
// the new content, even after a crash.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Prefix is the prefix of temporary files. A killed process may leave one
// behind, and it may contain secrets.
const Prefix = ".okd_install_tmp-"

// Write replaces the file at name, and returns once content and name are on
// disk. It replaces a symbolic link rather than the link's target.
func Write(name string, data []byte, mode fs.FileMode) (err error) {
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	tmp, err := Spool(root, ".", data, mode)
	if err == nil {
		err = root.Rename(tmp, filepath.Base(name))
	}
	if err != nil {
		if tmp != "" {
			_ = root.Remove(tmp)
		}
		return err
	}
	return SyncDir(root, ".")
}

// Spool writes data to a new file in dir and returns once it is on disk. The
// caller renames or removes it. The name is returned even if writing failed; it
// is empty if there is no file.
func Spool(root *os.Root, dir string, data []byte, mode fs.FileMode) (name string, err error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	name = path.Join(dir, Prefix+hex.EncodeToString(random))
	tmp, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(data)
	if err == nil && mode != 0o600 {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	return name, errors.Join(err, tmp.Close())
}

// SyncDir returns once the names in dir are on disk.
func SyncDir(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
