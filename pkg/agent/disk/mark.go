package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/okd-install/okd-install/pkg/agent"
)

// The marks are of the installation that wrote a disk. That of the image says which image a disk was
// written from; that of the cluster, which disks of all hosts have, of which cluster it is. They lie
// between the partition table and the first partition, where they outlive the first boot, and can be
// read without mounting anything: even a read-only mount may replay a journal. Without the partition
// table they mean nothing, so that wipefs removes them.
const (
	head    = 1 << 20     // bytes before the first partition of CoreOS
	markAt  = head - 4096 // a block of every disk
	maxMark = 512         // bytes, which no disk writes in two steps
	markKey = "okd-agent-image "
	// blockSize is that of the disks with the largest blocks.
	blockSize = 4096
	// ownerAt is where the mark of the cluster is, in the block before.
	ownerAt  = markAt - blockSize
	ownerKey = "okd-agent-cluster "
)

// own leaves the name of the cluster on the disk, by which Erase knows it. A disk without it works as well.
func (j *job) own() {
	if j.Cluster == "" {
		return
	}
	if err := writeMark(j.Disk.Path, ownerAt, ownerKey, j.Cluster); err != nil {
		j.say("warning: %s does not say of which cluster it is: %v; destroying the cluster cannot wipe it",
			j.Disk.Path, err)
	}
}

// mark leaves the name of the image on the disk. A disk without it works as well, so that it warns.
func (j *job) mark() {
	if j.Image == "" {
		return
	}
	if err := writeMark(j.Disk.Path, markAt, markKey, j.Image); err != nil {
		j.say("warning: %s does not say which image it was written from: %v; remove the medium before the host reboots",
			j.Disk.Path, err)
	}
}

func writeMark(path string, at int64, key, name string) error {
	mark := make([]byte, maxMark)
	if n := copy(mark, key+name+"\n"); n == maxMark || strings.ContainsAny(name, "\x00\n") {
		return fmt.Errorf("%q is no name for a mark", name)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := readHead(f)
	if err != nil {
		return err
	}
	if err := room(b, at, key); err != nil {
		return err
	}
	if _, err := f.WriteAt(mark, at); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// eraseMarks removes the marks of an earlier installation, which a new partition table would bring
// back before the disk is complete.
func eraseMarks(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := readHead(f)
	if err != nil {
		return err
	}
	var marks []int64
	if bytes.HasPrefix(b[markAt:], []byte(markKey)) {
		marks = append(marks, markAt)
	}
	if bytes.HasPrefix(b[ownerAt:], []byte(ownerKey)) {
		marks = append(marks, ownerAt)
	}
	if len(marks) == 0 {
		return nil
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	for _, at := range marks {
		if _, err := w.WriteAt(make([]byte, maxMark), at); err != nil {
			return err
		}
	}
	return errors.Join(w.Sync(), w.Close())
}

// ImageOn returns Options.Image of the installation that wrote a disk, empty if it had none. An
// error means that it is not known.
func ImageOn(ctx context.Context, d agent.Disk) (string, error) {
	type result struct {
		image string
		err   error
	}
	done := make(chan result, 1)
	go func() { // a dead disk may take longer than anybody waits
		image, err := readMark(d.Path)
		done <- result{image, err}
	}()
	select {
	case r := <-done:
		return r.image, r.err
	case <-ctx.Done():
		return "", fmt.Errorf("read %s: %w", d.Path, context.Cause(ctx))
	}
}

func readMark(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := readHead(f)
	if err != nil {
		return "", err
	}
	return markIn(b), nil
}

func readHead(f *os.File) ([]byte, error) {
	b := make([]byte, head)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil // a smaller disk ends with zeros
}

// markIn is the name of the image in the head of a disk, empty if there is none.
func markIn(b []byte) string {
	if table(b) == 0 {
		return ""
	}
	return nameIn(b, markAt, markKey)
}

// nameIn is the name in a mark, empty if there is none.
func nameIn(b []byte, at int64, key string) string {
	line, rest, ended := bytes.Cut(b[at:at+maxMark], []byte("\n"))
	name, ours := bytes.CutPrefix(line, []byte(key))
	if !ended || !ours || len(bytes.Trim(rest, "\x00")) > 0 || bytes.ContainsRune(name, 0) {
		return ""
	}
	return string(name)
}

// room finds out whether a mark is in nobody's way.
func room(b []byte, at int64, key string) error {
	sector := table(b)
	if sector == 0 {
		return errors.New("it has no GUID partition table")
	}
	for p := range partitions(b, sector) {
		if p.first < head/uint64(sector) {
			return fmt.Errorf("a partition begins at sector %d, where the mark would be", p.first)
		}
	}
	if nameIn(b, at, key) == "" && len(bytes.Trim(b[at:at+blockSize], "\x00")) > 0 {
		return errors.New("something else is where the mark would be")
	}
	return nil
}

// table returns the size of the sectors of a disk by where its GUID partition table is; 0 if it
// has none.
func table(b []byte) int {
	for _, sector := range []int{512, 4096} {
		if bytes.HasPrefix(b[sector:], []byte("EFI PART")) {
			return sector
		}
	}
	return 0
}

// entry is one of a partition table, in sectors.
type entry struct {
	first, last uint64
	name        string
}

// partitions yields those of a table, as far as it lies in the head.
func partitions(b []byte, sector int) func(func(entry) bool) {
	// Offsets are those of the UEFI specification, section 5.3.
	const at, count, size, first, last, name, typeSize, nameEnd = 72, 80, 84, 32, 40, 56, 16, 128
	header := b[sector:]
	start := binary.LittleEndian.Uint64(header[at:])
	n, each := binary.LittleEndian.Uint32(header[count:]), uint64(binary.LittleEndian.Uint32(header[size:]))
	return func(yield func(entry) bool) {
		if each < nameEnd || start > head {
			return
		}
		for offset := start * uint64(sector); n > 0 && offset+each <= uint64(len(b)); n, offset = n-1, offset+each {
			e := b[offset:]
			if bytes.Equal(e[:typeSize], make([]byte, typeSize)) {
				continue
			}
			p := entry{binary.LittleEndian.Uint64(e[first:]), binary.LittleEndian.Uint64(e[last:]), utf16Name(e[name:nameEnd])}
			if !yield(p) {
				return
			}
		}
	}
}

// utf16Name is the name of a partition, which ends with a zero.
func utf16Name(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u := binary.LittleEndian.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
