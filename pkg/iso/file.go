package iso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/exit"
)

// View reads the image at path.
func View(path string, do func(*Image) error) error {
	f, i, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := do(i); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Edit changes the image at path: in place or, if output is not empty, in a copy. Output is the name of a new file, or
// "-" for stdout. A copy is written once, without a temporary one, and memory does not grow with the image.
func Edit(ctx context.Context, path, output string, stdout io.Writer, change func(*Image) error) error {
	mode := os.O_RDONLY
	if output == "" {
		mode = os.O_RDWR
	}
	f, i, err := openFile(path, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	err = change(i)
	var c changes
	if err == nil {
		c, err = i.planned()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch output {
	case "":
		err = overwrite(ctx, f, c)
	case "-":
		err = stream(ctx, stdout, f, c)
	default:
		err = atomicfile.Create(output, 0o600, func(out *os.File) error { return duplicate(ctx, out, f, c) })
	}
	if errors.Is(err, fs.ErrExist) {
		err = exit.With(exit.Other, "name another file, or leave --output out to edit the ISO in place", err)
	}
	if err != nil {
		return fmt.Errorf("write ISO image: %w", err)
	}
	return nil
}

func openFile(path string, mode int) (*os.File, *Image, error) {
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open ISO image: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd) // a USB stick has a size, too
	var i *Image
	if err == nil {
		i, err = Open(f, size)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, i, nil
}

// overwrite changes a file in place, first what is behind its end, last its first sectors: until then an image that
// grows is what it was.
func overwrite(ctx context.Context, f *os.File, c changes) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if c.resized() && !info.Mode().IsRegular() {
		return exit.New("name a new file with --output", "only a file can grow or shrink, and %s is a device", f.Name())
	}
	first := slices.IndexFunc(c.patches, func(p patch) bool { return p.Offset >= c.from })
	if first < 0 {
		first = len(c.patches)
	}
	if behind := c.patches[first:]; len(behind) > 0 {
		err := put(ctx, f, behind)
		if err == nil {
			err = f.Sync()
		}
		if err != nil && c.from == c.old { // nothing else has changed
			err = errors.Join(err, f.Truncate(info.Size()))
		}
		if err != nil {
			return err
		}
	}
	rest := slices.Clone(c.patches[:first])
	slices.Reverse(rest)
	if err := put(ctx, f, rest); err != nil {
		return err
	}
	if c.resized() {
		if err := f.Truncate(c.size); err != nil {
			return err
		}
	}
	return f.Sync()
}

// put writes areas. What they get may come from the same file, so that it is not left to the kernel to copy it.
func put(ctx context.Context, f *os.File, list []patch) error {
	for _, p := range list {
		w := struct{ io.Writer }{io.NewOffsetWriter(f, p.Offset)}
		if err := p.writeTo(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// duplicate makes a changed copy in a new file. Where the file system can, the two share what is the same.
func duplicate(ctx context.Context, out, in *os.File, c changes) error {
	if err := unix.IoctlFileClone(int(out.Fd()), int(in.Fd())); err != nil {
		return stream(ctx, out, in, c)
	}
	if err := out.Truncate(c.from); err != nil { // what was there may be secret
		return err
	}
	if err := out.Truncate(c.size); err != nil {
		return err
	}
	for _, p := range c.patches {
		if _, err := out.Seek(p.Offset, io.SeekStart); err != nil {
			return err
		}
		if err := p.writeTo(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// stream writes a changed copy from beginning to end.
func stream(ctx context.Context, out io.Writer, in *os.File, c changes) error {
	at := int64(0)
	upTo := func(end int64) error { // as it was, then zeros
		if old := min(end, c.from); at < old {
			if err := copyPart(ctx, out, in, at, old-at); err != nil {
				return err
			}
			at = old
		}
		err := fill(out, 0, end-at)
		at = end
		return err
	}
	for _, p := range c.patches {
		if err := upTo(p.Offset); err != nil {
			return err
		}
		if err := p.writeTo(ctx, out); err != nil {
			return err
		}
		at = p.Offset + p.Length
	}
	return upTo(c.size)
}

// copyPart copies n bytes from an offset. From file to file the kernel does it, without their passing through memory.
func copyPart(ctx context.Context, out io.Writer, in *os.File, offset, n int64) error {
	const step = 16 << 20 // bytes between two looks for an interruption
	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		done, err := io.CopyN(out, in, min(n, step))
		if err != nil {
			return err
		}
		n -= done
		if f, ok := out.(*os.File); ok {
			// The disk can begin, so that there is less to wait for at the end. Where it cannot, nothing is lost.
			_ = unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
		}
	}
	return nil
}
