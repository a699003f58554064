package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/okd-install/okd-install/pkg/agent"
)

// Erasure is what Erase needs.
type Erasure struct {
	// Disk is the recorded one.
	Disk agent.Disk
	// Cluster is the infrastructure ID of the cluster that the disk has to be of.
	Cluster string
	// Inventory reads the hardware again, just before the disk is changed.
	Inventory func(context.Context) (agent.Inventory, error)
	Say       func(line string) // may be nil
	Runner    Runner
}

// ErrForeign is wrapped by the error for a disk that does not show that it is the cluster's. Nothing on it was changed.
var ErrForeign = errors.New("nothing was erased")

// Erase makes a disk one without signatures and partition tables, and discards what is on it if the disk can do that.
//
// The disk has to bear the mark of the cluster that Install has left, in the table of a system that it has written. One
// that is empty is left alone, which is success. If Erase is interrupted it can be called again: the mark and the
// header of the partition table go last.
func Erase(ctx context.Context, o Erasure) error {
	j := &job{Options: Options{Disk: o.Disk, Inventory: o.Inventory, Runner: o.Runner}}
	if o.Say != nil {
		j.Progress = func(_ int, line string) { o.Say(line) }
	}
	if err := j.recheck(ctx); err != nil {
		return err
	}
	c, err := lookAt(o.Disk.Path, o.Cluster)
	switch {
	case err != nil:
		return err
	case c.empty:
		j.say("%s is empty: there is nothing to erase", Describe(o.Disk))
		return nil
	}
	if _, err := j.stopAll(ctx); err != nil {
		return err
	}
	j.say("erasing %s", Describe(o.Disk))
	j.discard(ctx, c.size)
	if err := j.overwrite(o.Cluster); err != nil {
		return fmt.Errorf("erase %s: %w", Describe(o.Disk), err)
	}
	if c, err = lookAt(o.Disk.Path, o.Cluster); err != nil || !c.empty {
		return fmt.Errorf("erase %s: it was overwritten, and is not empty when it is read again: %w", Describe(o.Disk),
			errors.Join(err, errors.New("the disk does not keep what is written")))
	}
	j.say("%s is erased", o.Disk.Path)
	return nil
}

// contents is what matters of a disk.
type contents struct {
	size  int64
	empty bool
	// header is where the header of the partition table is, 0 if that is erased already.
	header int64
	spans  []span // outside of the head
}

// span is a part of a disk in bytes.
type span struct{ from, to int64 }

// lookAt judges the disk at path.
func lookAt(path, cluster string) (contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return contents{}, err
	}
	defer f.Close()
	return judge(f, cluster)
}

// judge finds out what has to be overwritten. The error is why the disk is not the cluster's.
func judge(f *os.File, cluster string) (contents, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return contents{}, err
	}
	c := contents{size: size}
	if size < 3*head {
		return c, fmt.Errorf("%w: %s is smaller than any disk that was installed to", ErrForeign, f.Name())
	}
	b, tail := make([]byte, head), make([]byte, head)
	if _, err := f.ReadAt(b, 0); err != nil {
		return c, err
	}
	if _, err := f.ReadAt(tail, size-head); err != nil {
		return c, err
	}
	if c.empty = zero(b) && zero(tail); c.empty {
		return c, nil
	}
	sector, owner := table(b), nameIn(b, ownerAt, ownerKey)
	switch {
	case sector == 0 && !erased(b, tail):
		return c, fmt.Errorf("%w: %s has something else than an installed system", ErrForeign, f.Name())
	case owner == "":
		return c, fmt.Errorf("%w: %s has no mark of the installation of a cluster", ErrForeign, f.Name())
	case cluster == "" || owner != cluster:
		return c, fmt.Errorf("%w: %s is a disk of cluster %s", ErrForeign, f.Name(), owner)
	case sector != 0 && !installed(b, sector):
		return c, fmt.Errorf("%w: %s has other partitions than an installation has written", ErrForeign, f.Name())
	}
	c.header, c.spans = int64(sector), spans(b, sector, size)
	return c, nil
}

// erased reports whether nothing but the mark is left, as of an interrupted Erase. With anything else beside it the
// mark means nothing: somebody may have written to the disk what does not reach it.
func erased(b, tail []byte) bool {
	return zero(tail) && zero(b[:ownerAt]) && zero(b[ownerAt+maxMark:])
}

// rootName is the name of the partition that every system has which an installation writes.
const rootName = "root"

// installed reports whether the partitions are those of an installation. None are left if Erase was interrupted.
func installed(b []byte, sector int) bool {
	n := 0
	for p := range partitions(b, sector) {
		if n++; p.name == rootName {
			return true
		}
	}
	return n == 0
}

// spans are the parts of a disk in which something would look for signatures: both ends of each partition, the end of
// the disk and the copy of the partition table, which is elsewhere if the disk is larger than the image was.
func spans(b []byte, sector int, size int64) []span {
	out := []span{{size - head, size}}
	if sector == 0 {
		return out
	}
	add := func(from, to int64) {
		if from, to = max(from, head), min(to, size); from < to {
			out = append(out, span{from, to})
		}
	}
	for p := range partitions(b, sector) {
		from, fits := offset(p.first, sector, size)
		to, ends := offset(p.last, sector, size)
		if !fits || !ends || to < from {
			continue // of a table that is damaged; nothing is there
		}
		to += int64(sector)
		add(from, min(from+head, to))
		add(max(from, to-head), to)
	}
	const alternate = 32 // in the header, by the UEFI specification, section 5.3.2
	if at, fits := offset(binary.LittleEndian.Uint64(b[sector+alternate:]), sector, size); fits {
		add(at+int64(sector)-head, at+int64(sector))
	}
	return out
}

// offset is where a sector is, in bytes, and whether the disk has it.
func offset(lba uint64, sector int, size int64) (int64, bool) {
	if lba >= uint64(size)/uint64(sector) {
		return 0, false
	}
	return int64(lba) * int64(sector), true
}

// discard lets the disk forget what is between its ends. Where the mark and the table are it is overwritten.
func (j *job) discard(ctx context.Context, size int64) {
	err := j.Runner.Run(ctx, nil, "blkdiscard", "--offset", strconv.Itoa(head),
		"--length", strconv.FormatInt((size-2*head)&^(blockSize-1), 10), j.Disk.Path)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		j.say("blkdiscard is missing: signatures and partition tables are overwritten, and the rest stays")
	case err != nil:
		j.say("%s cannot discard: signatures and partition tables are overwritten, and the rest stays: %v",
			j.Disk.Path, err)
	}
}

// overwrite writes zeros, in an order in which the disk shows to the last that it is the cluster's.
func (j *job) overwrite(cluster string) error {
	// With O_EXCL a disk of which anything is in use cannot be opened.
	f, err := os.OpenFile(j.Disk.Path, os.O_RDWR|os.O_EXCL, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := judge(f, cluster) // nobody can write to it any more
	if err != nil || c.empty {
		return err
	}
	const mark = ownerAt + maxMark
	header := span{c.header, 2 * c.header}
	for _, step := range [][]span{
		c.spans,
		{{0, header.from}, {header.to, ownerAt}, {mark, head}},
		{header},
		{{ownerAt, mark}},
	} {
		for _, s := range step {
			if err := zeros(f, s); err != nil {
				return err
			}
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return errors.Join(forget(f), f.Close())
}

func zeros(f *os.File, s span) error {
	_, err := f.WriteAt(make([]byte, s.to-s.from), s.from)
	return err
}

func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
