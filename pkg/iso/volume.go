package iso

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// WriteVolume makes an ISO image with files and a volume label, in a new file. It cannot be booted.
func WriteVolume(path, label string, files map[string][]byte) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(path), atomicfile.Prefix)
	if err != nil {
		return fmt.Errorf("write ISO image: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(work, name), data, 0o600); err != nil {
			return fmt.Errorf("write ISO image: %w", err)
		}
	}
	return atomicfile.Create(path, 0o600, func(out *os.File) error {
		volume, err := iso9660.Create(file.New(out, false), 0, 0, 2048, work)
		if err == nil {
			err = volume.Finalize(iso9660.FinalizeOptions{RockRidge: true, VolumeIdentifier: label})
		}
		if err != nil {
			return fmt.Errorf("write ISO image: %w", err)
		}
		return nil
	})
}
