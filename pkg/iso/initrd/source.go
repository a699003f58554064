package initrd

import (
	"bytes"
	"fmt"
	"io"
)

// memory is what was unpacked.
type memory []byte

func (m memory) size() int64                           { return int64(len(m)) }
func (m memory) slice(offset, n int64) ([]byte, error) { return m[offset : offset+n], nil }
func (m memory) mayHold(int64) bool                    { return true }

// outside is a file, or a part of an image.
type outside struct {
	io.ReaderAt
	length int64
	room   int64 // bytes that may still be kept in memory
	chunk  []byte
}

func (o *outside) size() int64 { return o.length }

func (o *outside) slice(offset, n int64) ([]byte, error) {
	data := make([]byte, n)
	if got, err := o.ReadAt(data, offset); got < len(data) {
		return nil, fmt.Errorf("read byte %d: %w", offset+int64(got), err)
	}
	return data, nil
}

func (o *outside) mayHold(n int64) bool {
	if n > maxHeld || n > o.room {
		return false
	}
	o.room -= n
	return true
}

func (m memory) next(at int64) (int64, byte, error) {
	for ; at < m.size(); at++ {
		if m[at] != 0 {
			return at, m[at], nil
		}
	}
	return at, 0, nil
}

func (o *outside) next(at int64) (int64, byte, error) {
	if o.chunk == nil {
		o.chunk = make([]byte, 64<<10)
	}
	for at < o.length {
		data := o.chunk[:min(int64(len(o.chunk)), o.length-at)]
		if got, err := o.ReadAt(data, at); got < len(data) {
			return 0, 0, fmt.Errorf("read byte %d: %w", at+int64(got), err)
		}
		rest := bytes.TrimLeft(data, "\x00")
		at += int64(len(data) - len(rest))
		if len(rest) > 0 {
			return at, rest[0], nil
		}
	}
	return at, 0, nil
}
