// Package hybrid changes the partition tables of an ISO image that grows. They make the image a disk as well: one that
// boots from a USB stick. A partition that has the image's file system covers what is added; others stay as they are.
package hybrid

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/okd-install/okd-install/pkg/exit"
)

// sector is the size that partition tables count in, block the one that ISO 9660 counts in.
const (
	sector = 512
	block  = 2048
)

// fileSystem is where the volume descriptors begin. The partition of the ISO has them.
const fileSystem = 16 * block / sector

// Image is an image that is going to grow.
type Image struct {
	io.ReaderAt
	Size    int64 // of the image, in bytes, as it is
	Used    int64 // end of a file that the partition of the ISO has
	NewUsed int64 // end of the new data, from which the image may be padded
}

// Patch is what is to be written at an offset.
type Patch struct {
	Offset int64
	Data   []byte
}

// Grow returns the size that the image is going to have, and what changes in its partition tables. An image without
// any just grows.
func Grow(i Image) (size int64, patches []Patch, err error) {
	mbr, err := readMBR(i)
	if err != nil {
		return 0, nil, err
	}
	gpt, err := readGPT(i)
	if err != nil {
		return 0, nil, err
	}
	for _, s := range append(mbr.list(), gpt.list()...) {
		if err := noOwnTree(i, s); err != nil {
			return 0, nil, err
		}
	}
	size = i.NewUsed
	if gpt != nil {
		size = roundUp(size, sector) + gpt.tail()
	}
	size = roundUp(size, block)
	if mbr != nil {
		size = roundUp(size, mbr.cylinder(i.Size))
	}
	if size/sector > math.MaxUint32 {
		return 0, nil, fmt.Errorf("the ISO image would have %d bytes, more than a partition table can express", size)
	}
	if mbr != nil {
		patches = mbr.grow(i, size)
	}
	if gpt != nil {
		patches = append(patches, gpt.grow(i, size)...)
	}
	return size, patches, nil
}

// span is where a partition lies, in sectors; end is the first one behind it.
type span struct{ start, end int64 }

func (s span) overlaps(o span) bool { return s.start < o.end && o.start < s.end }

// has reports whether the partition has the file system of the ISO, up to the end of what is used.
func (s span) has(used int64) bool { return s.start <= fileSystem && s.end*sector >= used }

// noOwnTree refuses partitions that xorriso made with -partition_offset: they have volume descriptors of their own, in
// which addresses count from the beginning of the partition.
func noOwnTree(i Image, s span) error {
	if s.start == 0 || !s.has(i.Used) {
		return nil
	}
	id, err := readAt(i, s.start*sector+fileSystem*sector+1, 5)
	if err == nil && string(id) == "CD001" {
		err = exit.New("use an ISO that was made without -partition_offset",
			"the ISO image cannot grow: its partition at sector %d has file records of its own", s.start)
	}
	return err
}

// mayGrow reports whether a partition can get a new end. It must not run into one behind it: UEFI firmware ignores
// both then (EDK II, PartitionDxe).
func mayGrow(n int, list []span, end int64) bool {
	larger := span{list[n].start, end}
	for m, other := range list {
		if m != n && other.start < other.end && larger.overlaps(other) && !list[n].overlaps(other) {
			return false
		}
	}
	return end >= list[n].end
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

func damaged(format string, args ...any) error {
	return exit.New("download the ISO again, and compare its checksum with the published one",
		"the partition table of the ISO image is damaged: "+format, args...)
}

func readAt(i Image, offset, n int64) ([]byte, error) {
	data := make([]byte, n)
	if got, err := i.ReadAt(data, offset); got < len(data) {
		return nil, fmt.Errorf("read the partition table of the ISO image, byte %d: %w", offset, err)
	}
	return data, nil
}

var le = binary.LittleEndian
