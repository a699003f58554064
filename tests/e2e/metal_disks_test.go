//go:build e2e

package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/lab/host"
)

// dataDisk is a disk that no hint names, with data of somebody else.
type dataDisk struct {
	name, file, sum string
}

// writeData puts a file system and other data on the second disk of master-0 and on the first of master-1, neither of
// which is to be installed to. The hosts must be off.
func (a *agents) writeData(t *testing.T) (disks []dataDisk) {
	t.Helper()
	for _, of := range []struct {
		host   string
		number int
	}{{"master-0", 2}, {"master-1", 1}} {
		h := a.host(t, of.host)
		d := dataDisk{
			name: fmt.Sprintf("disk %d of %s", of.number, of.host),
			file: a.File(filepath.Join("volumes", fmt.Sprintf("disk-%s-%d", h.ID, of.number), "image")),
		}
		size := h.Disks[of.number-1].Size
		d.make(t, size)
		// Also where a partition table has its copy, and where the mark of an installation would be.
		for _, at := range []int64{1<<20 - 4096, size / 2, size - 64<<10} {
			d.write(t, at, 64<<10)
		}
		d.sum = content(t, d.file)
		disks = append(disks, d)
	}
	return disks
}

// make makes a file system, and the file for it: disks have none before the first start of their machine.
func (d dataDisk) make(t *testing.T, size int64) {
	t.Helper()
	f, err := os.OpenFile(d.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-F", "-L", "KEEPME", d.file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// write writes random bytes.
func (d dataDisk) write(t *testing.T, at int64, size int) {
	t.Helper()
	f, err := os.OpenFile(d.file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// keptData checks that every byte of the disks is what it was.
func keptData(t *testing.T, disks []dataDisk) {
	t.Helper()
	for _, d := range disks {
		if content(t, d.file) != d.sum {
			t.Errorf("%s, which no hint names, has changed", d.name)
		}
	}
}

// content is a checksum of a file. Only what is written of a sparse file is read.
func content(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d bytes\n", info.Size())
	block, zeros := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); ; {
		data, err := f.Seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // the rest is a hole
			return fmt.Sprintf("%x", sum.Sum(nil))
		}
		if err != nil {
			t.Fatal(err)
		}
		at = data &^ (int64(len(block)) - 1)
		n, err := f.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if !bytes.Equal(block[:n], zeros[:n]) {
			fmt.Fprintf(sum, "%d %d\n", at, n)
			sum.Write(block[:n])
		}
		at += int64(len(block))
	}
}

// writtenDisks are the disks that were installed to, by the state, and checks that all of them have a system.
func (a *agents) writtenDisks(t *testing.T) (disks []dataDisk) {
	t.Helper()
	written, err := assets.StoredDisks(a.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range written {
		in := a.host(t, name)
		for i := range in.Disks {
			if id.Path == "/dev/"+host.DiskName(i) {
				disks = append(disks, dataDisk{
					name: id.Path + " of " + name,
					file: a.File(filepath.Join("volumes", fmt.Sprintf("disk-%s-%d", in.ID, i+1), "image")),
				})
			}
		}
	}
	if len(disks) != len(a.hosts) {
		t.Fatalf("the state has the disks of %d hosts, want %d: %v", len(disks), len(a.hosts), written)
	}
	for _, d := range disks {
		if first, _ := d.ends(t); !bytes.Contains(first, []byte("EFI PART")) {
			t.Errorf("%s has no partition table before it is wiped", d.name)
		}
	}
	return disks
}

// wipedDisks checks that disks have no partition table, and no copy of one.
func wipedDisks(t *testing.T, disks []dataDisk) {
	t.Helper()
	for _, d := range disks {
		first, end := d.ends(t)
		if zeros := make([]byte, len(first)); !bytes.Equal(first, zeros) || !bytes.Equal(end, zeros) {
			t.Errorf("%s is not wiped", d.name)
		}
	}
}

// ends are the first and the last MiB.
func (d dataDisk) ends(t *testing.T) (first, end []byte) {
	t.Helper()
	f, err := os.Open(d.file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	first, end = make([]byte, 1<<20), make([]byte, 1<<20)
	for at, b := range map[int64][]byte{0: first, info.Size() - 1<<20: end} {
		if _, err := f.ReadAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	return first, end
}
