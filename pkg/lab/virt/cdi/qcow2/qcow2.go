// Package qcow2 reads disk images of QEMU's format without QEMU: what an importer needs of it, which is the guest's
// view of an image that stands for itself.
package qcow2

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic = "QFI\xfb"

	minBits, maxBits = 9, 21 // of the size of a cluster
	maxTable         = 32 << 20
	maxSize          = 1 << 46

	offsetMask     = 0x00fffffffffffe00
	compressedFlag = 1 << 62
	zeroFlag       = 1

	dirtyFeature       = 1
	corruptFeature     = 1 << 1
	dataFileFeature    = 1 << 2
	compressionFeature = 1 << 3
)

// Image is an open image.
type Image struct {
	// Size is that of the disk.
	Size int64

	from    io.ReaderAt
	bits    uint
	version uint32
	l1      []uint64
	tables  map[uint64][]uint64 // second level, by where they are
}

// Is reports whether a file begins like an image of this format.
func Is(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

type header struct {
	Magic                 [4]byte
	Version               uint32
	BackingOffset         uint64
	BackingLength         uint32
	Bits                  uint32
	Size                  uint64
	Encryption            uint32
	L1Length              uint32
	L1Offset              uint64
	RefcountOffset        uint64
	RefcountClusters      uint32
	Snapshots             uint32
	SnapshotsOffset       uint64
	Incompatible          uint64
	Compatible, AutoClear uint64
}

// Open reads the header and the first table.
func Open(from io.ReaderAt) (*Image, error) {
	raw := make([]byte, 96)
	n, err := from.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if n < 72 || !Is(raw) {
		return nil, errors.New("no qcow2 image")
	}
	var h header
	if err := binary.Read(bytes.NewReader(raw), binary.BigEndian, &h); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if h.Version == 2 {
		h.Incompatible = 0 // an older header ends before
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	i := &Image{Size: int64(h.Size), from: from, bits: uint(h.Bits), version: h.Version, tables: map[uint64][]uint64{}}
	i.l1, err = i.table(h.L1Offset, int(h.L1Length))
	if err != nil {
		return nil, fmt.Errorf("read table of tables: %w", err)
	}
	return i, nil
}

func (h header) check() error {
	switch {
	case h.Version != 2 && h.Version != 3:
		return fmt.Errorf("version %d of the format is not supported", h.Version)
	case h.Bits < minBits || h.Bits > maxBits:
		return fmt.Errorf("clusters of 2^%d bytes are not supported", h.Bits)
	case h.Size > maxSize:
		return fmt.Errorf("a disk of %d bytes is too large", h.Size)
	case h.BackingOffset != 0:
		return errors.New("it has invalid backing file")
	case h.Encryption != 0:
		return errors.New("it is encrypted")
	case h.Incompatible&corruptFeature != 0:
		return errors.New("it is marked as corrupt")
	case h.Incompatible&(dataFileFeature|compressionFeature) != 0:
		return errors.New("data files and other compressions than deflate are not supported")
	case h.Incompatible&^dirtyFeature != 0:
		return fmt.Errorf("features %#x are not supported", h.Incompatible)
	case uint64(h.L1Length)*8 > maxTable:
		return errors.New("the table of tables is too large")
	}
	// Each table of the second level maps as many clusters as entries of eight bytes are in one.
	per := uint64(1) << (2*h.Bits - 3)
	if uint64(h.L1Length) < (h.Size+per-1)/per {
		return errors.New("the table of tables is too short for the disk")
	}
	return nil
}

func (i *Image) table(offset uint64, length int) ([]uint64, error) {
	raw := make([]byte, length*8)
	if _, err := i.from.ReadAt(raw, int64(offset&(1<<62-1))); err != nil && (length > 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	out := make([]uint64, length)
	for n := range out {
		out[n] = binary.BigEndian.Uint64(raw[n*8:])
	}
	return out, nil
}

// cluster reads the n-th cluster into a buffer of its size and reports whether there is anything in it.
func (i *Image) cluster(n uint64, into []byte) (bool, error) {
	perTable := uint64(1) << (i.bits - 3)
	at := i.l1[n/perTable] & offsetMask
	if at == 0 {
		return false, nil
	}
	t, ok := i.tables[at]
	if !ok {
		var err error
		if t, err = i.table(at, int(perTable)); err != nil {
			return false, fmt.Errorf("read table at %#x: %w", at, err)
		}
		clear(i.tables) // clusters are read in order
		i.tables[at] = t
	}
	entry := t[n%perTable]
	switch {
	case entry&compressedFlag != 0:
		return true, i.inflate(entry, into)
	case i.version >= 3 && entry&zeroFlag != 0, entry&offsetMask == 0:
		return false, nil
	}
	read, err := i.from.ReadAt(into, int64(entry&offsetMask))
	if errors.Is(err, io.EOF) {
		clear(into[read:]) // the last one may be cut off
		return true, nil
	}
	return true, err
}

// inflate reads a compressed cluster.
func (i *Image) inflate(entry uint64, into []byte) error {
	shift := 62 - (i.bits - 8)
	offset := entry & (1<<shift - 1)
	sectors := (entry&(1<<62-1))>>shift + 1
	length := int64(sectors)*512 - int64(offset%512)
	// It may be shorter than its sectors; the stream knows where it ends.
	r := flate.NewReader(io.NewSectionReader(i.from, int64(offset), length))
	defer r.Close()
	if _, err := io.ReadFull(r, into); err != nil {
		return fmt.Errorf("inflate: %w", err)
	}
	return nil
}

// Target is where a disk is written: zeroes that it has already are left out.
type Target interface {
	io.WriterAt
	Truncate(size int64) error
}

// Convert writes the disk as it is to a target that is empty.
func (i *Image) Convert(to Target) error {
	if err := to.Truncate(i.Size); err != nil {
		return err
	}
	size := int64(1) << i.bits
	buffer := make([]byte, size)
	for n := int64(0); n*size < i.Size; n++ {
		some, err := i.cluster(uint64(n), buffer)
		if err != nil {
			return fmt.Errorf("cluster %d: %w", n, err)
		}
		if !some {
			continue
		}
		part := buffer[:min(size, i.Size-n*size)]
		if _, err := to.WriteAt(part, n*size); err != nil {
			return err
		}
	}
	return nil
}
