package volume

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/partition/gpt"
)

const (
	sector = 512 // logical block size of the lab's disks
	// maxTable bounds the size of a partition table, since images come from outside.
	maxTable = 1 << 20
)

var (
	errNoTable = errors.New("no GUID partition table")
	errNoRoot  = errors.New("no root partition")
)

// rootPartition finds the first Linux root partition for x86-64, as the
// Discoverable Partitions Specification has it.
func rootPartition(disk *os.File, diskSize int64) (offset, size int64, err error) {
	if err := checkTableSize(disk); err != nil {
		return 0, 0, err
	}
	table, err := gpt.Read(primaryOnly{disk}, sector, sector)
	if err != nil {
		return 0, 0, fmt.Errorf("read partition table: %w", err)
	}
	for _, p := range table.Partitions {
		if p.Type != gpt.LinuxRootX86_64 {
			continue
		}
		if p.Start > p.End || p.End >= uint64(diskSize/sector) {
			return 0, 0, fmt.Errorf("partition %q lies outside of the disk", p.Name)
		}
		return int64(p.Start) * sector, int64(p.End-p.Start+1) * sector, nil
	}
	return 0, 0, errNoRoot
}

// checkTableSize looks at the header first: gpt.Read allocates as much as the
// header says the table has.
func checkTableSize(disk io.ReaderAt) error {
	header := make([]byte, sector)
	if _, err := disk.ReadAt(header, sector); errors.Is(err, io.EOF) {
		return errNoTable
	} else if err != nil {
		return fmt.Errorf("read partition table header: %w", err)
	}
	if string(header[:8]) != "EFI PART" {
		return errNoTable
	}
	count, each := uint64(binary.LittleEndian.Uint32(header[80:])), uint64(binary.LittleEndian.Uint32(header[84:]))
	if count*each > maxTable {
		return fmt.Errorf("a partition table of %d entries of %d bytes is not supported", count, each)
	}
	return nil
}

// primaryOnly keeps gpt.Read from the backup table at the end of the disk: a
// disk without a valid table at its start is not completely installed.
type primaryOnly struct{ *os.File }

func (primaryOnly) Seek(int64, int) (int64, error) {
	return 0, errors.New("the backup table is not used")
}
