// Package atomicfile replaces files in one step: whoever reads one, after
// whatever crash, finds the old content or the new one.
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

// Prefix starts the names of files that are being written. A killed process
// leaves one behind; they may hold secrets.
const Prefix = ".okd_install_tmp-"

// Write replaces the file at name, and returns once content and name are on the
// disk. It never writes through a symbolic link: the link itself is replaced.
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

// Spool writes data to a new file in dir and returns once it is on the disk. The
// caller renames it to its place, or removes it; the name is returned even if
// writing failed, empty only if there is no file.
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

// SyncDir returns once the names in dir are on the disk.
func SyncDir(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
