// Package gpt reads and writes GUID partition tables of disk images, as far as
// the lab's firmware needs them: to find the root file system of an image.
package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"

	"github.com/google/uuid"
)

const (
	// Sector is the logical block size of the lab's disks.
	Sector = 512

	signature  = "EFI PART"
	entryCount = 128
	entrySize  = 128
	tableSize  = entryCount * entrySize
	headerSize = 92
	// maxTable bounds what a header may claim, since images come from outside.
	maxTable = 1 << 20
)

// RootX86 is the type of a Linux root partition for x86-64 (Discoverable
// Partitions Specification).
var RootX86 = uuid.MustParse("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")

// ErrNoTable says that a disk has no partition table: firmware calls it not
// bootable.
var ErrNoTable = errors.New("no GUID partition table")

// Partition is one entry of the table; Offset and Size are bytes.
type Partition struct {
	Type, ID uuid.UUID
	Name     string
	Offset   int64
	Size     int64
}

// Parse reads the primary table of a disk of the given size.
func Parse(disk io.ReaderAt, size int64) ([]Partition, error) {
	header := make([]byte, Sector)
	if _, err := disk.ReadAt(header, Sector); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrNoTable
		}
		return nil, fmt.Errorf("read partition table header: %w", err)
	}
	if string(header[:8]) != signature {
		return nil, ErrNoTable
	}
	length := binary.LittleEndian.Uint32(header[12:])
	if length < headerSize || length > Sector {
		return nil, fmt.Errorf("partition table header says it is %d bytes long", length)
	}
	want := binary.LittleEndian.Uint32(header[16:])
	binary.LittleEndian.PutUint32(header[16:], 0)
	if got := crc32.ChecksumIEEE(header[:length]); got != want {
		return nil, fmt.Errorf("partition table header checksum is %08x, not %08x", got, want)
	}
	table, each, err := readTable(disk, header)
	if err != nil {
		return nil, err
	}
	var parts []Partition
	for e := range bytesChunks(table, each) {
		p, ok := decode(e)
		if !ok {
			continue
		}
		if p.Offset < 0 || p.Size <= 0 || p.Offset > size-p.Size {
			return nil, fmt.Errorf("partition %q lies outside the disk", p.Name)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func readTable(disk io.ReaderAt, header []byte) (table []byte, each int, err error) {
	start := binary.LittleEndian.Uint64(header[72:])
	count := uint64(binary.LittleEndian.Uint32(header[80:]))
	size := uint64(binary.LittleEndian.Uint32(header[84:]))
	if size < entrySize || size > 4096 || count*size > maxTable || start > 1<<40 {
		return nil, 0, fmt.Errorf("partition table of %d entries of %d bytes is not usable", count, size)
	}
	table = make([]byte, count*size)
	if _, err := disk.ReadAt(table, int64(start)*Sector); err != nil {
		return nil, 0, fmt.Errorf("read partition table: %w", err)
	}
	if got, want := crc32.ChecksumIEEE(table), binary.LittleEndian.Uint32(header[88:]); got != want {
		return nil, 0, fmt.Errorf("partition table checksum is %08x, not %08x", got, want)
	}
	return table, int(size), nil
}

func bytesChunks(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) >= n {
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

func decode(e []byte) (Partition, bool) {
	p := Partition{Type: fromGUID(e[0:16]), ID: fromGUID(e[16:32])}
	if p.Type == uuid.Nil {
		return p, false
	}
	first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
	if last < first || last > 1<<40 {
		return Partition{Type: p.Type, Offset: -1}, true
	}
	p.Offset = int64(first) * Sector
	p.Size = int64(last-first+1) * Sector
	var name []uint16
	for i := 56; i < 128; i += 2 {
		c := binary.LittleEndian.Uint16(e[i:])
		if c == 0 {
			break
		}
		name = append(name, c)
	}
	p.Name = string(utf16.Decode(name))
	return p, true
}

// Write puts a protective MBR and both copies of the table on a disk of the
// given size. The partitions have to be aligned to sectors and inside
// Usable(size).
func Write(disk io.WriterAt, size int64, id uuid.UUID, parts []Partition) error {
	if len(parts) > entryCount {
		return fmt.Errorf("write partition table: %d partitions do not fit", len(parts))
	}
	first, last := Usable(size)
	table := make([]byte, tableSize)
	for i, p := range parts {
		if p.Offset%Sector != 0 || p.Size%Sector != 0 || p.Offset < first || p.Offset+p.Size > last {
			return fmt.Errorf("write partition table: partition %q is misplaced", p.Name)
		}
		encode(table[i*entrySize:], p)
	}
	sectors := uint64(size / Sector)
	tableSectors := uint64(tableSize / Sector)
	pieces := []struct {
		at   uint64
		data []byte
	}{
		{0, protectiveMBR(sectors)},
		{1, header(id, table, 1, sectors-1, 2, first, last)},
		{2, table},
		{sectors - 1 - tableSectors, table},
		{sectors - 1, header(id, table, sectors-1, 1, sectors-1-tableSectors, first, last)},
	}
	for _, p := range pieces {
		if _, err := disk.WriteAt(p.data, int64(p.at)*Sector); err != nil {
			return fmt.Errorf("write partition table: %w", err)
		}
	}
	return nil
}

// Usable is the range of bytes that partitions of a disk may cover.
func Usable(size int64) (first, end int64) {
	return 2*Sector + tableSize, size/Sector*Sector - Sector - tableSize
}

func header(id uuid.UUID, table []byte, at, other, tableAt uint64, first, end int64) []byte {
	h := make([]byte, Sector)
	copy(h, signature)
	le := binary.LittleEndian
	le.PutUint32(h[8:], 0x00010000)
	le.PutUint32(h[12:], headerSize)
	le.PutUint64(h[24:], at)
	le.PutUint64(h[32:], other)
	le.PutUint64(h[40:], uint64(first/Sector))
	le.PutUint64(h[48:], uint64(end/Sector-1))
	copy(h[56:], toGUID(id))
	le.PutUint64(h[72:], tableAt)
	le.PutUint32(h[80:], entryCount)
	le.PutUint32(h[84:], entrySize)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(table))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:headerSize]))
	return h
}

func encode(e []byte, p Partition) {
	copy(e[0:], toGUID(p.Type))
	copy(e[16:], toGUID(p.ID))
	binary.LittleEndian.PutUint64(e[32:], uint64(p.Offset/Sector))
	binary.LittleEndian.PutUint64(e[40:], uint64((p.Offset+p.Size)/Sector-1))
	for i, c := range utf16.Encode([]rune(p.Name)) {
		if i < 36 {
			binary.LittleEndian.PutUint16(e[56+2*i:], c)
		}
	}
}

// protectiveMBR has one partition of type 0xEE over the whole disk, which
// keeps tools that know nothing of GPT away.
func protectiveMBR(sectors uint64) []byte {
	m := make([]byte, Sector)
	e := m[446:]
	copy(e, []byte{0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(sectors-1, 0xffffffff)))
	m[510], m[511] = 0x55, 0xaa
	return m
}

// GUIDs on disk have their first three fields in little-endian order.
func swapGUID(b []byte) []byte {
	out := bytes.Clone(b)
	out[0], out[1], out[2], out[3] = b[3], b[2], b[1], b[0]
	out[4], out[5] = b[5], b[4]
	out[6], out[7] = b[7], b[6]
	return out
}

func toGUID(id uuid.UUID) []byte { return swapGUID(id[:]) }

func fromGUID(b []byte) uuid.UUID {
	id, _ := uuid.FromBytes(swapGUID(b))
	return id
}
