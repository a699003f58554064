package volume

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"
)

const testDiskSize = 8 << 20

// partitioned is a disk with an EFI partition and a root partition at 2 MiB of
// 5 MiB.
func partitioned(t testing.TB) *os.File {
	t.Helper()
	f := blank(t, testDiskSize)
	table := gpt.Table{ProtectiveMBR: true, Partitions: []*gpt.Partition{
		{Index: 1, Type: gpt.EFISystemPartition, Name: "EFI-SYSTEM", Start: 2048, Size: 1 << 20},
		{Index: 3, Type: gpt.LinuxRootX86_64, Name: "root", Start: 4096, Size: 5 << 20},
	}}
	if err := table.Write(f, testDiskSize); err != nil {
		t.Fatal(err)
	}
	return f
}

func blank(t testing.TB, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRootPartition(t *testing.T) {
	offset, size, err := rootPartition(partitioned(t), testDiskSize)
	if err != nil || offset != 2<<20 || size != 5<<20 {
		t.Errorf("root partition at %d of %d bytes, %v", offset, size, err)
	}
}

func TestRootPartitionRefuses(t *testing.T) {
	flip := func(at int64) func(*testing.T, *os.File) {
		return func(t *testing.T, f *os.File) {
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, at); err != nil {
				t.Fatal(err)
			}
			b[0] ^= 0xff
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(*testing.T, *os.File)
		size  int64
		want  error
	}{
		{"signature changed", flip(sector), testDiskSize, errNoTable},
		{"header changed", flip(sector + 40), testDiskSize, nil},
		{"entry changed", flip(2*sector + 32), testDiskSize, nil},
		{"disk shorter than its partition", func(*testing.T, *os.File) {}, 3 << 20, nil},
		{"table of 64 GiB", hugeTable, testDiskSize, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := partitioned(t)
			tt.spoil(t, f)
			_, _, err := rootPartition(f, tt.size)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	for _, size := range []int64{0, 100, 4096} {
		if _, _, err := rootPartition(blank(t, size), size); !errors.Is(err, errNoTable) {
			t.Errorf("%d empty bytes: %v, want %v", size, err, errNoTable)
		}
	}
}

// hugeTable writes a header with a good checksum that claims 512 Mi entries.
func hugeTable(t *testing.T, f *os.File) {
	header := make([]byte, 92)
	if _, err := f.ReadAt(header, sector); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(header[80:], 512<<20)
	clear(header[16:20])
	binary.LittleEndian.PutUint32(header[16:], crc32.ChecksumIEEE(header))
	if _, err := f.WriteAt(header, sector); err != nil {
		t.Fatal(err)
	}
}

func FuzzRootPartition(f *testing.F) {
	disk := partitioned(f)
	head := make([]byte, 2*sector+2*gpt.PartitionEntrySize)
	if _, err := disk.ReadAt(head, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(make([]byte, 4096))
	f.Add(head)
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		disk, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer disk.Close()
		offset, size, err := rootPartition(disk, int64(len(b)))
		if err == nil && (offset < 0 || size <= 0 || offset > int64(len(b))-size) {
			t.Errorf("partition at %d of %d bytes on a disk of %d", offset, size, len(b))
		}
	})
}
