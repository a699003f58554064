// Package volume keeps the contents of the lab's disks. A disk is what was
// uploaded, unpacked once into a raw image that nothing changes any more, plus
// a plain directory with everything that a machine wrote since. Copies share
// the image by hard link, so a clone costs nothing and outlives its source.
package volume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/command"
)

// The files of one volume.
const (
	metaFile   = "volume.json"
	uploadFile = "upload" // as it was sent
	imageFile  = "image"  // raw; a hard link to upload when that is raw
	writesDir  = "writes" // what machines wrote
)

// Store is a directory of volumes. It is safe for concurrent use.
type Store struct {
	dir string
	mu  sync.Mutex // guards creation and removal of volumes
}

// meta is the part of a volume that is not content.
type meta struct {
	Size   int64  `json:"size"`             // virtual
	Format string `json:"format,omitempty"` // raw or cow; empty until an upload ended
}

// Open uses dir, which it makes, as a store.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open volume store: %w", err)
	}
	return &Store{dir: dir}, nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (s *Store) path(id string) (string, error) {
	if !idPattern.MatchString(id) {
		return "", fmt.Errorf("volume id %q is not usable as a name", id)
	}
	return filepath.Join(s.dir, id), nil
}

// Create makes an empty disk.
func (s *Store) Create(_ context.Context, id string, size int64) error {
	dir, err := s.path(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("create volume %s: %w", id, err)
	}
	return save(dir, meta{Size: size})
}

// Write stores uploaded bytes as they were sent.
func (s *Store) Write(ctx context.Context, id string, offset int64, r io.Reader) (int64, error) {
	dir, _, err := s.load(id)
	if err != nil {
		return 0, err
	}
	path := filepath.Join(dir, uploadFile)
	if err := unshare(ctx, path); err != nil {
		return 0, fmt.Errorf("write volume %s: %w", id, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write volume %s: %w", id, err)
	}
	n, err := io.Copy(&sparseWriter{f: f, at: offset}, contextReader{ctx, r})
	if err = errors.Join(err, f.Close()); err != nil {
		return n, fmt.Errorf("write volume %s: %w", id, err)
	}
	return n, nil
}

// unshare gives a file that other volumes share, or that is the volume's image
// as well, an inode of its own, so that writing to it changes nothing else.
func unshare(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Sys().(*syscall.Stat_t).Nlink == 1 {
		return nil
	}
	own := path + ".own"
	_, err = command.Run(ctx, "cp", "--reflink=auto", "--sparse=always", "--preserve=mode", "--", path, own)
	if err != nil {
		return errors.Join(fmt.Errorf("copy what others share: %w", err), os.RemoveAll(own))
	}
	return os.Rename(own, path)
}

// Commit ends an upload: the content is checked and unpacked.
func (s *Store) Commit(ctx context.Context, id, format string) (int64, error) {
	dir, m, err := s.load(id)
	if err != nil {
		return 0, err
	}
	upload := filepath.Join(dir, uploadFile)
	if _, err := os.Stat(upload); errors.Is(err, fs.ErrNotExist) {
		m.Format = format
		return m.Size, save(dir, m) // nothing was sent: an empty disk
	}
	size, err := unpack(ctx, upload, filepath.Join(dir, imageFile), format)
	if err != nil {
		return 0, fmt.Errorf("check content of volume %s: %w", id, err)
	}
	m.Format, m.Size = format, max(m.Size, size)
	return m.Size, save(dir, m)
}

// Read opens the content for download, in the form it was uploaded. What a
// machine wrote since is files, not blocks; such a disk cannot be downloaded.
func (s *Store) Read(_ context.Context, id string) (io.ReadSeekCloser, int64, error) {
	dir, m, err := s.load(id)
	if err != nil {
		return nil, 0, err
	}
	if _, err := os.Stat(filepath.Join(dir, writesDir)); err == nil {
		return nil, 0, fmt.Errorf("read volume %s: a machine has written to it, and the lab keeps that as files", id)
	}
	f, err := os.Open(filepath.Join(dir, uploadFile))
	if errors.Is(err, fs.ErrNotExist) {
		return readSeekNopCloser{io.NewSectionReader(zeros{}, 0, m.Size)}, m.Size, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read volume %s: %w", id, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("read volume %s: %w", id, err)
	}
	return f, info.Size(), nil
}

// Clone makes dst a copy of src as it is now.
func (s *Store) Clone(ctx context.Context, src, dst string) error {
	from, m, err := s.load(src)
	if err != nil {
		return err
	}
	to, err := s.path(dst)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Stat(filepath.Join(to, metaFile)); err == nil {
		return fmt.Errorf("clone volume %s: %s exists already", src, dst)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("clone volume %s: %w", src, err)
	}
	if err := copyContent(ctx, from, to); err != nil {
		return errors.Join(fmt.Errorf("clone volume %s to %s: %w", src, dst, err), os.RemoveAll(to))
	}
	return save(to, m)
}

func copyContent(ctx context.Context, from, to string) error {
	for _, name := range []string{uploadFile, imageFile} {
		err := os.Link(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	writes := filepath.Join(from, writesDir)
	if _, err := os.Stat(writes); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// cp keeps owners, whiteouts (character devices) and extended attributes.
	if _, err := command.Run(ctx, "cp", "-a", "--reflink=auto", "--", writes, to+"/"); err != nil {
		return fmt.Errorf("copy what machines wrote: %w", err)
	}
	return nil
}

// Resize changes the virtual size.
func (s *Store) Resize(_ context.Context, id string, size int64) error {
	dir, m, err := s.load(id)
	if err != nil {
		return err
	}
	if size < m.Size {
		return fmt.Errorf("resize volume %s: %d bytes is less than its %d", id, size, m.Size)
	}
	m.Size = size
	return save(dir, m)
}

// Delete drops a disk.
func (s *Store) Delete(_ context.Context, id string) error {
	dir, err := s.path(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("delete volume %s: %w", id, err)
	}
	return nil
}

// IDs lists all volumes.
func (s *Store) IDs() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids, nil
}

func (s *Store) load(id string) (dir string, m meta, err error) {
	dir, err = s.path(id)
	if err != nil {
		return "", m, err
	}
	b, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return "", m, fmt.Errorf("look up volume %s: %w", id, err)
	}
	return dir, m, nil
}

func save(dir string, m meta) error {
	b, err := json.Marshal(m)
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, metaFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("save volume %s: %w", filepath.Base(dir), err)
	}
	return nil
}
