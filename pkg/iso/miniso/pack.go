package miniso

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// Image is an ISO.
type Image struct {
	io.ReaderAt
	Size int64
}

// Pack finds out how to make a minimal ISO of a full one. Paths are the files that both have; what is not named, and
// what differs, is in the result.
func Pack(full, minimal Image, paths []string) (*Data, error) {
	from, err := iso9660.Open(full, full.Size)
	if err != nil {
		return nil, err
	}
	to, err := iso9660.Open(minimal, minimal.Size)
	if err != nil {
		return nil, err
	}
	d := &Data{}
	for _, path := range paths {
		a, err := from.Find(path)
		if err != nil {
			return nil, err
		}
		b, err := to.Find(path)
		if err != nil {
			return nil, err
		}
		if a.Size != b.Size || a.Size == 0 {
			continue
		}
		if same, err := equal(full, minimal, a, b); err != nil {
			return nil, err
		} else if same {
			d.Entries = append(d.Entries, Entry{uint32(b.Offset / sectorSize), uint32(a.Offset / sectorSize), uint32(a.Size)})
		}
	}
	slices.SortFunc(d.Entries, func(a, b Entry) int { return cmp.Compare(a.Minimal, b.Minimal) })
	d.Entries = slices.Compact(d.Entries)
	if len(d.Entries) == 0 {
		return nil, fmt.Errorf("the ISO images have none of %d files in common", len(paths))
	}
	return d, d.rest(minimal)
}

// equal compares a file of one image with a file of another one.
func equal(full, minimal Image, a, b iso9660.Extent) (bool, error) {
	const step = 1 << 20
	one, two := make([]byte, min(step, a.Size)), make([]byte, min(step, a.Size))
	for at := int64(0); at < a.Size; at += step {
		n := min(step, a.Size-at)
		if _, err := full.ReadAt(one[:n], a.Offset+at); err != nil {
			return false, err
		}
		if _, err := minimal.ReadAt(two[:n], b.Offset+at); err != nil {
			return false, err
		}
		if !bytes.Equal(one[:n], two[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// rest reads what is not in the files, and the checksum of all.
func (d *Data) rest(minimal Image) error {
	var rest bytes.Buffer
	at := int64(0)
	end := Entry{Minimal: uint32((minimal.Size + sectorSize - 1) / sectorSize)}
	for _, e := range append(slices.Clone(d.Entries), end) {
		end := min(int64(e.Minimal)*sectorSize, minimal.Size)
		if end < at {
			return fmt.Errorf("the files at sector %d and before it overlap", e.Minimal)
		}
		if _, err := io.Copy(&rest, io.NewSectionReader(minimal, at, end-at)); err != nil {
			return err
		}
		at = end + int64(e.Length)
	}
	d.Rest = rest.Bytes()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(minimal, 0, minimal.Size)); err != nil {
		return err
	}
	d.Digest = [32]byte(sum.Sum(nil))
	return nil
}
