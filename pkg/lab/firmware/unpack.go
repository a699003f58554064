package firmware

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// What the archives of a medium may have.
const (
	maxUnpacked = 4 << 30
	maxPacked   = 1 << 30 // of an archive that cannot be unpacked as a stream
	maxFiles    = 1 << 18
)

// Unpack makes dir the initramfs of the medium: that of the OS, and over it what is
// embedded. Skipped are files that the kernel would drop silently, because their
// directory does not exist.
func (m *Medium) Unpack(ctx context.Context, dir string) (skipped []string, err error) {
	return unpackAll(ctx, dir, func(each func(string, io.Reader) error) error {
		for _, e := range m.initrds {
			part := fmt.Sprintf("part at byte %d of the medium", e.Offset)
			if err := each(part, io.NewSectionReader(m.file, e.Offset, e.Size)); err != nil {
				return err
			}
		}
		return nil
	})
}

// unpackAll unpacks the parts of an initramfs over one another.
func unpackAll(
	ctx context.Context, dir string, parts func(each func(name string, r io.Reader) error) error,
) (skipped []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("unpack initramfs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("unpack initramfs: %w", err)
	}
	defer root.Close()
	u := &unpacker{ctx: ctx, root: root, bytes: maxUnpacked, files: maxFiles}
	err = parts(func(name string, r io.Reader) error {
		if err := u.archives(r, true); err != nil {
			return fmt.Errorf("unpack initramfs, %s: %w", name, err)
		}
		return nil
	})
	return u.skipped, err
}

type unpacker struct {
	ctx     context.Context
	root    *os.Root
	bytes   int64 // that may still come
	files   int
	skipped []string
}

// archives unpacks any number of archives, one after the other with zeros between
// them.
func (u *unpacker) archives(r io.Reader, compressed bool) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		switch b, err := in.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case b == 0:
			continue
		}
		if err := in.UnreadByte(); err != nil {
			return err
		}
		start, _ := in.Peek(6) // a short one is an error below
		switch {
		case bytes.HasPrefix(start, []byte("0707")):
			if err := u.archive(in); err != nil {
				return err
			}
		case !compressed:
			return fmt.Errorf("%q is not an archive in newc format", start)
		case bytes.HasPrefix(start, []byte("\x1f\x8b")):
			if err := u.gunzip(in); err != nil {
				return err
			}
		default:
			rest, err := u.other(in)
			if err != nil {
				return err
			}
			in = bufio.NewReaderSize(bytes.NewReader(rest), 1<<20)
		}
	}
}

// gunzip unpacks a stream and leaves in at its end.
func (u *unpacker) gunzip(in *bufio.Reader) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("unpack gzip: %w", err)
	}
	z.Multistream(false)
	return u.archives(z, false)
}

// other unpacks a stream of xz or zstd, whose decoders read ahead, and returns what
// comes after it.
func (u *unpacker) other(in io.Reader) ([]byte, error) {
	packed, err := io.ReadAll(io.LimitReader(in, maxPacked+1))
	if err != nil {
		return nil, err
	}
	if len(packed) > maxPacked {
		return nil, fmt.Errorf("a compressed archive has more than %d bytes", maxPacked)
	}
	plain, n, err := initrd.Decompress(packed, int(min(u.bytes, maxPacked)))
	if err != nil {
		return nil, err
	}
	return packed[n:], u.archives(bytes.NewReader(plain), false)
}

// archive unpacks one archive.
func (u *unpacker) archive(in *bufio.Reader) error {
	type key struct{ inode, major, minor uint32 }
	links := map[key]string{}
	for {
		if err := u.ctx.Err(); err != nil {
			return err
		}
		h, err := readHeader(in)
		if err != nil {
			return err
		}
		padded := align(int64(h.size))
		if u.files--; u.files < 0 {
			return fmt.Errorf("the archives have more than %d files", maxFiles)
		}
		if u.bytes -= padded; u.bytes < 0 {
			return fmt.Errorf("the archives have more than %d bytes", int64(maxUnpacked))
		}
		if h.name == "" {
			_, err := in.Discard(int(padded))
			return err
		}
		data := &io.LimitedReader{R: in, N: int64(h.size)}
		same := key{h.inode, h.major, h.minor}
		if first, again := links[same]; again && h.mode&typeMask == typeRegular && h.links > 1 {
			err = u.link(h, first, data)
		} else {
			links[same] = h.name
			err = u.file(h, data)
		}
		if errors.Is(err, fs.ErrNotExist) {
			u.skipped = append(u.skipped, h.name)
			err = nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
		if n, err := in.Discard(int(data.N + padded - int64(h.size))); err != nil && int64(n) < data.N {
			return cut(err) // the padding after the last file may be missing
		}
	}
}

// link makes another name of a file. The data may come with any of its names.
func (u *unpacker) link(h header, first string, data io.Reader) error {
	if err := u.clear(h.name); err != nil {
		return err
	}
	if err := u.root.Link(first, h.name); err != nil || h.size == 0 {
		return err
	}
	f, err := u.root.OpenFile(h.name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return errors.Join(copyAll(f, data, h.size), f.Close())
}

// file makes a file of any type. Devices are the kernel's to make.
func (u *unpacker) file(h header, data io.Reader) error {
	mode := fs.FileMode(h.mode & 0o777)
	switch h.mode & typeMask {
	case typeDir:
		if info, err := u.root.Lstat(h.name); err != nil || !info.IsDir() {
			if err := errors.Join(u.clear(h.name), u.root.Mkdir(h.name, 0o700)); err != nil {
				return err
			}
		}
	case typeLink:
		if h.size > maxName {
			return fmt.Errorf("a symbolic link has %d bytes", h.size)
		}
		target, err := io.ReadAll(data)
		if err == nil && len(target) < int(h.size) {
			err = cut(io.ErrUnexpectedEOF)
		}
		if err == nil {
			err = errors.Join(u.clear(h.name), u.root.Symlink(string(target), h.name))
		}
		if err != nil {
			return err
		}
		return u.own(h)
	case typeRegular:
		if err := u.clear(h.name); err != nil {
			return err
		}
		f, err := u.root.OpenFile(h.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(copyAll(f, data, h.size), f.Close()); err != nil {
			return err
		}
	default:
		return nil
	}
	for bit, to := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if h.mode&bit != 0 {
			mode |= to
		}
	}
	if err := u.own(h); err != nil {
		return err
	}
	return u.root.Chmod(h.name, mode)
}

// own gives a file to its owner.
func (u *unpacker) own(h header) error {
	if int(h.uid) == os.Geteuid() && int(h.gid) == os.Getegid() {
		return nil
	}
	return u.root.Lchown(h.name, int(h.uid), int(h.gid))
}

// clear removes what is in the way of a file of another archive.
func (u *unpacker) clear(name string) error {
	info, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New("a directory is in its place")
	}
	return u.root.Remove(name)
}

func copyAll(to io.Writer, from io.Reader, size uint32) error {
	n, err := io.Copy(to, from)
	if err == nil && n < int64(size) {
		err = cut(io.ErrUnexpectedEOF)
	}
	return err
}
