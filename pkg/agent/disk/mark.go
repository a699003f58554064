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

	"github.com/okd-install/okd-install/pkg/agent"
)

// The mark says which image a disk was written from. It lies between the partition table and the
// first partition, where it outlives the first boot, and can be read without mounting anything:
// even a read-only mount may replay a journal. Without the partition table it means nothing, so
// that wipefs removes it.
const (
	head    = 1 << 20     // bytes before the first partition of CoreOS
	markAt  = head - 4096 // a block of every disk
	maxMark = 512         // bytes, which no disk writes in two steps
	markKey = "okd-agent-image "
)

// mark leaves the name of the image on the disk. A disk without it works as well, so that it warns.
func (j *job) mark() {
	if j.Image == "" {
		return
	}
	if err := writeMark(j.Disk.Path, j.Image); err != nil {
		j.say("warning: %s does not say which image it was written from: %v; remove the medium before the host reboots",
			j.Disk.Path, err)
	}
}

func writeMark(path, image string) error {
	mark := make([]byte, maxMark)
	if n := copy(mark, markKey+image+"\n"); n == maxMark || strings.ContainsAny(image, "\x00\n") {
		return fmt.Errorf("%q is no name for an image", image)
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
	if err := room(b); err != nil {
		return err
	}
	if _, err := f.WriteAt(mark, markAt); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// eraseMark removes the mark of an earlier installation, which a new partition table would bring
// back before the disk is complete.
func eraseMark(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := readHead(f)
	if err != nil || !bytes.HasPrefix(b[markAt:], []byte(markKey)) {
		return err
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.WriteAt(make([]byte, maxMark), markAt); err != nil {
		return err
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
	line, rest, ended := bytes.Cut(b[markAt:markAt+maxMark], []byte("\n"))
	image, ours := bytes.CutPrefix(line, []byte(markKey))
	if !ended || !ours || len(bytes.Trim(rest, "\x00")) > 0 || bytes.ContainsRune(image, 0) {
		return ""
	}
	return string(image)
}

// room finds out whether the mark is in nobody's way.
func room(b []byte) error {
	sector := table(b)
	if sector == 0 {
		return errors.New("it has no GUID partition table")
	}
	for first := range partitions(b, sector) {
		if first < head/uint64(sector) {
			return fmt.Errorf("a partition begins at sector %d, where the mark would be", first)
		}
	}
	if markIn(b) == "" && len(bytes.Trim(b[markAt:head], "\x00")) > 0 {
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

// partitions yields the first sector of each partition, as far as the table lies in the head.
func partitions(b []byte, sector int) func(func(uint64) bool) {
	// Offsets are those of the UEFI specification, section 5.3.
	const at, count, size, first, typeSize = 72, 80, 84, 32, 16
	header := b[sector:]
	entry := binary.LittleEndian.Uint64(header[at:])
	n, each := binary.LittleEndian.Uint32(header[count:]), uint64(binary.LittleEndian.Uint32(header[size:]))
	return func(yield func(uint64) bool) {
		if each < 128 || entry > head {
			return
		}
		for offset := entry * uint64(sector); n > 0 && offset+each <= uint64(len(b)); n, offset = n-1, offset+each {
			e := b[offset:]
			if !bytes.Equal(e[:typeSize], make([]byte, typeSize)) && !yield(binary.LittleEndian.Uint64(e[first:])) {
				return
			}
		}
	}
}
