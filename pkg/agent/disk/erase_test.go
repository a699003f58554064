package disk

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
	testCluster = "demo-x7k2p"
	testSize    = 64 << 20
)

// written is a disk as an installation leaves it, larger than the image that was written, with data in its partitions.
func written(t *testing.T, cluster string, names ...string) (string, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sda")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	table := gpt.Table{ProtectiveMBR: true, GUID: "11111111-2222-3333-4444-555555555555"}
	start := uint64(2048)
	for i, name := range names {
		table.Partitions = append(table.Partitions, &gpt.Partition{
			Index: i + 1, Type: gpt.LinuxFilesystem, Name: name, Start: start, Size: 8 << 20,
		})
		start += 8 << 20 / 512
	}
	if err := f.Truncate(testSize); err != nil {
		t.Fatal(err)
	}
	for at := int64(head); at < testSize; at += 1 << 20 {
		if _, err := f.WriteAt(bytes.Repeat([]byte("DATA"), 256<<10), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(table.Write(f, 40<<20), f.Close()); err != nil {
		t.Fatal(err)
	}
	if cluster != "" {
		if err := writeMark(path, ownerAt, ownerKey, cluster); err != nil {
			t.Fatal(err)
		}
	}
	return path, fileOf(t, path)
}

func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// quiet runs no programs, as a disk that cannot discard.
type quiet struct{ ran []string }

func (q *quiet) Run(_ context.Context, _ func(Line), name string, args ...string) error {
	q.ran = append(q.ran, name+" "+strings.Join(args, " "))
	if name == "blkdiscard" {
		return errors.New("exit status 1: Operation not supported")
	}
	return nil
}

func erasure(path string, said *[]string) Erasure {
	d := agent.Disk{Name: "sda", Path: path, Serial: "S1", SizeBytes: testSize}
	return Erasure{
		Disk: d, Cluster: testCluster, Runner: &quiet{},
		Inventory: func(context.Context) (agent.Inventory, error) {
			return agent.Inventory{Disks: []agent.Disk{d}}, nil
		},
		Say: func(line string) { *said = append(*said, line) },
	}
}

// What an installation has written is gone where anything would look for it; a second time there is nothing to do.
func TestErase(t *testing.T) {
	path, _ := written(t, testCluster, "EFI-SYSTEM", "boot", "root")
	var said []string
	o := erasure(path, &said)
	if err := Erase(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b := fileOf(t, path)
	ranges := map[string][2]int{
		"head": {0, head}, "end": {testSize - head, testSize}, "copy of the table": {39 << 20, 40 << 20},
	}
	for i, name := range []string{"first", "second", "third"} {
		from := head + i*8<<20
		ranges["start of the "+name] = [2]int{from, from + head}
		ranges["end of the "+name] = [2]int{from + 7<<20, from + 8<<20}
	}
	for name, r := range ranges {
		if !zero(b[r[0]:r[1]]) {
			t.Errorf("the %s is still there", name)
		}
	}
	if bytes.Contains(b, []byte("EFI PART")) || !bytes.Contains(b, []byte("DATA")) {
		t.Error("a table is left, or everything was overwritten although the disk cannot discard")
	}
	ran := strings.Join(o.Runner.(*quiet).ran, "\n")
	if !strings.Contains(ran, "blkdiscard --offset 1048576 --length 65011712 "+path) {
		t.Errorf("ran %s", ran)
	}
	said = nil
	if err := Erase(t.Context(), o); err != nil || !strings.Contains(strings.Join(said, "\n"), "nothing to erase") {
		t.Errorf("%v, said %q", err, said)
	}
}

// A disk that is not proved to be the cluster's stays as it is, to the bit.
func TestEraseForeign(t *testing.T) {
	for _, tt := range []struct {
		name, cluster, want string
		edit                func(b []byte)
		changed             func(o *Erasure)
	}{
		{name: "no mark", want: "no mark of the installation"},
		{name: "of another cluster", cluster: "other-aaaaa", want: "a disk of cluster other-aaaaa"},
		{name: "other partitions", cluster: testCluster, want: "other partitions", edit: func(b []byte) {
			copy(b[1024+2*128+56:], "R\x00o\x00")
		}},
		{name: "a file system since", cluster: testCluster, want: "something else", edit: func(b []byte) {
			clear(b[:ownerAt]) // as mkfs leaves the rest
			copy(b[1080:], "\x53\xef")
		}},
		{name: "data behind an erased table", cluster: testCluster, want: "something else", edit: func(b []byte) {
			clear(b[:ownerAt])
		}},
		{name: "empty table, data at the end", want: "something else", edit: func(b []byte) { clear(b[:head]) }},
		{name: "another disk now", cluster: testCluster, want: "the chosen disk was", changed: func(o *Erasure) {
			o.Disk.Serial = "S2"
		}},
		{name: "in use", cluster: testCluster, want: "cannot be used", changed: func(o *Erasure) {
			d := o.Disk
			d.Unusable = "mounted"
			o.Inventory = func(context.Context) (agent.Inventory, error) {
				return agent.Inventory{Disks: []agent.Disk{d}}, nil
			}
		}},
		{name: "no cluster", cluster: testCluster, want: "a disk of cluster", changed: func(o *Erasure) { o.Cluster = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, b := written(t, tt.cluster, "EFI-SYSTEM", "boot", "root")
			if tt.edit != nil {
				tt.edit(b)
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var said []string
			o := erasure(path, &said)
			if tt.changed != nil {
				tt.changed(&o)
			}
			if err := Erase(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
			if !bytes.Equal(fileOf(t, path), b) {
				t.Error("the disk was changed")
			}
			if ran := o.Runner.(*quiet).ran; len(ran) > 0 {
				t.Errorf("ran %q", ran)
			}
		})
	}
}

// Wherever Erase is interrupted, another one completes it.
func TestEraseInterrupted(t *testing.T) {
	path, b := written(t, testCluster, "boot", "root")
	for i, cut := range []func(b []byte){
		func(b []byte) { clear(b[testSize-head:]) },
		func(b []byte) { clear(b[head : 2*head]) },
		func(b []byte) { clear(b[1024:ownerAt]) }, // no partitions
		func(b []byte) { clear(b[:512]); clear(b[ownerAt+maxMark : head]) },
		func(b []byte) { clear(b[512:1024]) }, // only the mark
	} {
		cut(b)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var said []string
		if err := Erase(t.Context(), erasure(path, &said)); err != nil {
			t.Errorf("after step %d: %v", i, err)
		}
		after := fileOf(t, path)
		if !zero(after[:head]) || !zero(after[testSize-head:]) {
			t.Errorf("after step %d something is left", i)
		}
	}
}

// An installation leaves the mark that Erase looks for, on disks of all hosts.
func TestInstallOwns(t *testing.T) {
	w := newWorld(t)
	w.Cluster = testCluster
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	b := []byte(w.content())
	if got := nameIn(b, ownerAt, ownerKey); got != testCluster || w.imageOn() != "" {
		t.Errorf("the disk is of %q, and of image %q", got, w.imageOn())
	}
	w.Cluster, w.Image = "", "I"
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	if got := nameIn([]byte(w.content()), ownerAt, ownerKey); got != "" || w.imageOn() != "I" {
		t.Errorf("a later installation is of %q", got)
	}
}

func TestWritten(t *testing.T) {
	disks := testDisks()
	id := func(i int, edit func(*agent.DiskID)) *agent.DiskID {
		id := disks[i].Identity()
		id.Path = "/dev/sdx" // names change
		if edit != nil {
			edit(&id)
		}
		return &id
	}
	twin := disks[2]
	twin.Name = "nvme1n1"
	for _, tt := range []struct {
		name       string
		host       agent.WipeHost
		more       []agent.Disk
		want, fail string
	}{
		{name: "recorded", host: agent.WipeHost{Disk: id(1, nil)}, want: "sdb"},
		{name: "hints count only without a record", host: agent.WipeHost{Disk: id(1, nil),
			Hints: &types.RootDeviceHints{DeviceName: "/dev/sda"}}, want: "sdb"},
		{name: "another serial", host: agent.WipeHost{Disk: id(1, func(d *agent.DiskID) { d.Serial = "S9" })},
			fail: "is not in host"},
		{name: "another size", host: agent.WipeHost{Disk: id(1, func(d *agent.DiskID) { d.SizeBytes++ })},
			fail: "is not in host"},
		{name: "twins", host: agent.WipeHost{Disk: id(2, nil)}, more: []agent.Disk{twin}, fail: "2 disks"},
		{name: "no serial, elsewhere", host: agent.WipeHost{Disk: id(4, nil)}, fail: "is not in host"},
		{name: "unusable", host: agent.WipeHost{Disk: &agent.DiskID{ByPath: "p", SizeBytes: 1}},
			more: []agent.Disk{{Name: "x", ByPath: "p", SizeBytes: 1, Unusable: "read-only"}}, fail: "read-only"},
		{name: "hints", host: agent.WipeHost{Hints: &types.RootDeviceHints{SerialNumber: "S1"}}, want: "sda"},
		{name: "nothing is known", fail: "not recorded"},
		{name: "empty hints", host: agent.WipeHost{Hints: &types.RootDeviceHints{}}, fail: "not recorded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Written(&tt.host, append(disks[:len(disks):len(disks)], tt.more...))
			if got.Name != tt.want || (err == nil) != (tt.fail == "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("%q, %v", got.Name, err)
			}
		})
	}
}

// Whatever is on a disk, what is overwritten of it lies in it.
func FuzzSpans(f *testing.F) {
	f.Add([]byte("EFI PART"), []byte{}, false)
	f.Add([]byte("EFI PART"), bytes.Repeat([]byte{0xff}, 256), true)
	f.Fuzz(func(t *testing.T, header, entries []byte, large bool) {
		b, sector := make([]byte, head), 512
		if large {
			sector = 4096
		}
		copy(b[sector:2*sector], header)
		copy(b[2*sector:ownerAt], entries)
		_ = installed(b, sector)
		for _, s := range spans(b, sector, testSize) {
			if s.from < head || s.to > testSize || s.from >= s.to || s.to-s.from > head {
				t.Errorf("from %d to %d", s.from, s.to)
			}
		}
	})
}
