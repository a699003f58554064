package iso

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Part is an archive to embed.
type Part interface {
	Size() int64
	io.WriterTo
}

// Bytes is an archive in memory.
type Bytes []byte

// Size is the number of bytes.
func (b Bytes) Size() int64 { return int64(len(b)) }

// WriteTo writes them.
func (b Bytes) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, bytes.NewReader(b)) }

// kept is an archive that the image has already, and that stays as it is.
type kept struct {
	r            io.ReaderAt
	offset, size int64
}

func (k kept) Size() int64 { return k.size }

func (k kept) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(k.r, k.offset, k.size))
	if err == nil && n < k.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// align is where the kernel looks for the next archive.
func align(n int64) int64 { return (n + 3) &^ 3 }

func sizeOf(list []Part) (n int64) {
	for _, p := range list {
		n = align(n) + p.Size()
	}
	return n
}

// patch is what an area is going to hold: archives, or other data, and what fills the rest.
type patch struct {
	Area
	parts []Part
	fill  byte
}

// writeTo writes the whole area.
func (p patch) writeTo(ctx context.Context, w io.Writer) error {
	at := int64(0)
	for _, part := range p.parts {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := fill(w, 0, align(at)-at); err != nil {
			return err
		}
		n, err := part.WriteTo(w)
		if err == nil && n != part.Size() {
			err = fmt.Errorf("%d bytes were announced for %s, and %d came", part.Size(), p.Area, n)
		}
		if err != nil {
			return err
		}
		at = align(at) + n
	}
	return fill(w, p.fill, p.Length-at)
}

// fill writes n times the same byte.
func fill(w io.Writer, b byte, n int64) error {
	chunk := bytes.Repeat([]byte{b}, int(min(n, 64<<10)))
	for n > 0 {
		done, err := w.Write(chunk[:min(n, int64(len(chunk)))])
		if err != nil {
			return err
		}
		n -= int64(done)
	}
	return nil
}
