package iso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

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
	var patches []patch
	if err == nil {
		patches, err = i.planned()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch output {
	case "":
		err = overwrite(f, patches)
	case "-":
		err = stream(ctx, stdout, f, i.size, patches)
	default:
		err = atomicfile.Create(output, 0o600, func(out *os.File) error {
			return duplicate(ctx, out, f, i.size, patches)
		})
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

// overwrite changes the areas of a file.
func overwrite(f *os.File, patches []patch) error {
	for _, p := range patches {
		if _, err := f.WriteAt(p.content(), p.Offset); err != nil {
			return err
		}
	}
	return f.Sync()
}

// duplicate makes a changed copy in a new file. Where the file system can, the two share what is the same.
func duplicate(ctx context.Context, out, in *os.File, size int64, patches []patch) error {
	if err := unix.IoctlFileClone(int(out.Fd()), int(in.Fd())); err != nil {
		return stream(ctx, out, in, size, patches)
	}
	for _, p := range patches {
		if _, err := out.WriteAt(p.content(), p.Offset); err != nil {
			return err
		}
	}
	return nil
}

// stream writes a changed copy from beginning to end.
func stream(ctx context.Context, out io.Writer, in *os.File, size int64, patches []patch) error {
	at := int64(0)
	for _, p := range patches {
		if err := copyPart(ctx, out, in, at, p.Offset-at); err != nil {
			return err
		}
		if _, err := out.Write(p.content()); err != nil {
			return err
		}
		at = p.Offset + p.Length
	}
	return copyPart(ctx, out, in, at, size-at)
}

// copyPart copies n bytes from an offset. From file to file the kernel does it, without their passing through memory.
func copyPart(ctx context.Context, out io.Writer, in *os.File, offset, n int64) error {
	const step = 64 << 20 // between two looks for an interruption
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
	}
	return nil
}
