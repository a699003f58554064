package volume

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// ErrNotBootable is returned for a disk without an operating system.
var ErrNotBootable = errors.New("no bootable system")

// Bootable is what firmware needs to start a machine from a volume.
type Bootable struct {
	// Image is the raw image, and Offset and Size the root partition in it.
	// It is shared with other volumes and must be used read-only.
	Image        string
	Offset, Size int64
	// Key is the same for volumes that share their image.
	Key string
	// Writes is the volume's own directory, for what the machine writes.
	Writes string
}

// Boot finds the root file system on a volume.
func (s *Store) Boot(id string) (Bootable, error) {
	dir, _, err := s.load(id)
	if err != nil {
		return Bootable{}, err
	}
	b := Bootable{Image: filepath.Join(dir, imageFile), Writes: filepath.Join(dir, writesDir)}
	f, err := os.Open(b.Image)
	if errors.Is(err, fs.ErrNotExist) {
		return b, fmt.Errorf("disk %s is empty: %w", id, ErrNotBootable)
	}
	if err != nil {
		return b, fmt.Errorf("open disk %s: %w", id, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return b, fmt.Errorf("open disk %s: %w", id, err)
	}
	if b.Offset, b.Size, err = rootPartition(f, info.Size()); err != nil {
		return b, fmt.Errorf("disk %s: %w: %w", id, err, ErrNotBootable)
	}
	st := info.Sys().(*syscall.Stat_t)
	b.Key = fmt.Sprintf("%x-%x", st.Dev, st.Ino)
	return b, nil
}

// stampFile has the time at which the image was last written before a machine
// got the disk's blocks.
const stampFile = "blocks"

// Raw is the content of a disk as a file that may be written to, from the
// first byte to the last, until Settle. A disk that shares its content with
// others is refused.
func (s *Store) Raw(id string) (string, error) {
	dir, m, err := s.load(id)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, imageFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("open disk %s: %w", id, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("open disk %s: %w", id, err)
	}
	if info.Sys().(*syscall.Stat_t).Nlink > 1 {
		return "", fmt.Errorf("open disk %s for writing: other disks share its content", id)
	}
	if info.Size() < m.Size {
		if err := f.Truncate(m.Size); err != nil {
			return "", fmt.Errorf("open disk %s for writing: %w", id, err)
		}
		if info, err = f.Stat(); err != nil {
			return "", fmt.Errorf("open disk %s for writing: %w", id, err)
		}
	}
	stamp := filepath.Join(dir, stampFile)
	if _, err := os.Stat(stamp); err == nil {
		return path, nil // an earlier use was not settled, and may have written
	}
	if err := atomicfile.Write(stamp, []byte(writtenAt(info)), 0o600); err != nil {
		return "", fmt.Errorf("open disk %s for writing: %w", id, err)
	}
	return path, nil
}

// Settle ends what Raw began. If blocks have been written, the files that machines
// wrote to the disk are dropped: they belonged to what was on it before.
func (s *Store) Settle(id string) error {
	dir, _, err := s.load(id)
	if err != nil {
		return err
	}
	stamp := filepath.Join(dir, stampFile)
	before, err := os.ReadFile(stamp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settle disk %s: %w", id, err)
	}
	info, err := os.Stat(filepath.Join(dir, imageFile))
	if err != nil {
		return fmt.Errorf("settle disk %s: %w", id, err)
	}
	if writtenAt(info) != string(before) {
		if err := os.RemoveAll(filepath.Join(dir, writesDir)); err != nil {
			return fmt.Errorf("settle disk %s: %w", id, err)
		}
	}
	if err := os.Remove(stamp); err != nil {
		return fmt.Errorf("settle disk %s: %w", id, err)
	}
	return nil
}

func writtenAt(info fs.FileInfo) string { return strconv.FormatInt(info.ModTime().UnixNano(), 10) }
