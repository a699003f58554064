package osimage

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// inspect fills in format and virtual size.
func (f *File) inspect() error {
	r, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	virtual, ok, err := qcow2Size(r)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	if ok {
		f.Format, f.Virtual = "qcow2", virtual
	} else {
		f.Format, f.Virtual = "raw", f.Size
	}
	return nil
}

// qcow2Size reads the virtual size out of a QCOW2 header. ok is false if r does not begin with one.
func qcow2Size(r io.ReaderAt) (size int64, ok bool, err error) {
	header := make([]byte, 32)
	n, err := r.ReadAt(header, 0)
	if n < 4 || string(header[:4]) != "QFI\xfb" {
		return 0, false, nil
	}
	if n < len(header) {
		return 0, true, fmt.Errorf("read QCOW2 header: %w", err)
	}
	if v := binary.BigEndian.Uint32(header[4:8]); v != 2 && v != 3 {
		return 0, true, fmt.Errorf("read QCOW2 header: unknown version %d", v)
	}
	if backing := binary.BigEndian.Uint64(header[8:16]); backing != 0 {
		return 0, true, fmt.Errorf("read QCOW2 header: the image needs a backing file")
	}
	v := binary.BigEndian.Uint64(header[24:32])
	if v == 0 || v > 1<<50 {
		return 0, true, fmt.Errorf("read QCOW2 header: impossible virtual size %d", v)
	}
	return int64(v), true, nil
}
