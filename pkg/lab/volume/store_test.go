package volume_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs/partition/gpt"

	"github.com/okd-install/okd-install/pkg/lab/volume"
)

const (
	diskSize   = 4 << 20
	rootOffset = 1 << 20
	rootSize   = 2 << 20
)

// bootDisk is a raw image with a root partition whose first bytes are mark.
func bootDisk(t *testing.T, mark string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(diskSize); err != nil {
		t.Fatal(err)
	}
	table := gpt.Table{ProtectiveMBR: true, Partitions: []*gpt.Partition{
		{Index: 1, Type: gpt.EFISystemPartition, Name: "EFI-SYSTEM", Start: 64, Size: 64 << 10},
		{Index: 2, Type: gpt.LinuxRootX86_64, Name: "root", Start: rootOffset / 512, Size: rootSize},
	}}
	if err := table.Write(f, diskSize); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(mark), rootOffset); err != nil {
		t.Fatal(err)
	}
	return path
}

func qcow(t *testing.T, raw string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.qcow2")
	argv := append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, path)
	if out, err := exec.Command("qemu-img", argv...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v: %s", err, out)
	}
	return read(t, path)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t *testing.T) (*volume.Store, context.Context) {
	t.Helper()
	s, err := volume.Open(filepath.Join(t.TempDir(), "volumes"))
	if err != nil {
		t.Fatal(err)
	}
	return s, t.Context()
}

func upload(t *testing.T, s *volume.Store, id string, content []byte, format string) (int64, error) {
	t.Helper()
	if err := s.Create(t.Context(), id, 1024); err != nil {
		t.Fatal(err)
	}
	half := len(content) / 2
	// Out of order, as parallel clients send it.
	for _, part := range []struct{ from, to int }{{half, len(content)}, {0, half}} {
		n, err := s.Write(t.Context(), id, int64(part.from), bytes.NewReader(content[part.from:part.to]))
		if err != nil || n != int64(part.to-part.from) {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	return s.Commit(t.Context(), id, format)
}

func TestUploadIsWhatBoots(t *testing.T) {
	raw := bootDisk(t, "uploaded system")
	for format, content := range map[string][]byte{"raw": read(t, raw), "cow": qcow(t, raw)} {
		t.Run(format, func(t *testing.T) {
			s, _ := open(t)
			size, err := upload(t, s, "disk-1", content, format)
			if err != nil || size != diskSize {
				t.Fatalf("Commit = %d, %v", size, err)
			}
			b, err := s.Boot("disk-1")
			if err != nil {
				t.Fatal(err)
			}
			image := read(t, b.Image)
			if got := string(image[b.Offset : b.Offset+15]); got != "uploaded system" {
				t.Errorf("root partition starts with %q", got)
			}
			r, n, err := s.Read(t.Context(), "disk-1")
			if err != nil || n != int64(len(content)) {
				t.Fatalf("Read: %d bytes, %v; uploaded %d", n, err, len(content))
			}
			defer r.Close()
			if got, _ := io.ReadAll(r); !bytes.Equal(got, content) {
				t.Error("the download is not what was uploaded")
			}
		})
	}
}

func TestCloneIsIndependent(t *testing.T) {
	s, ctx := open(t)
	if _, err := upload(t, s, "template", read(t, bootDisk(t, "system")), "raw"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two"} {
		if err := s.Clone(ctx, "template", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Clone(ctx, "template", "one"); err == nil {
		t.Error("a clone over an existing volume was accepted")
	}
	if err := s.Delete(ctx, "template"); err != nil {
		t.Fatal(err)
	}
	one, err := s.Boot("one")
	if err != nil {
		t.Fatalf("clone does not outlive its source: %v", err)
	}
	two, err := s.Boot("two")
	if err != nil {
		t.Fatal(err)
	}
	if one.Key != two.Key {
		t.Error("clones do not share their image")
	}
	if err := os.MkdirAll(one.Writes, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(one.Writes, "note"), []byte("written"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(two.Writes, "note")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a write to one clone shows in the other: %v", err)
	}
	if err := s.Clone(ctx, "one", "snapshot"); err != nil {
		t.Fatal(err)
	}
	snap, err := s.Boot("snapshot")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, filepath.Join(snap.Writes, "note"))); got != "written" {
		t.Errorf("snapshot has %q", got)
	}
}

// TestSecondUpload writes to a disk that was cloned: neither the clone nor the
// disk's own image may change before the upload is committed.
func TestSecondUpload(t *testing.T) {
	s, ctx := open(t)
	first := read(t, bootDisk(t, "first"))
	if _, err := upload(t, s, "source", first, "raw"); err != nil {
		t.Fatal(err)
	}
	if err := s.Clone(ctx, "source", "clone"); err != nil {
		t.Fatal(err)
	}
	image := func(id string) []byte {
		b, err := s.Boot(id)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, b.Image)
	}
	second := read(t, bootDisk(t, "second"))
	half := int64(len(second) / 2)
	for _, at := range []int64{0, half} {
		if _, err := s.Write(ctx, "source", at, bytes.NewReader(second[at:min(at+half, int64(len(second)))])); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(image("clone"), first) || !bytes.Equal(image("source"), first) {
			t.Fatalf("an upload from byte %d on changes what is there", at)
		}
	}
	if _, err := s.Commit(ctx, "source", "raw"); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image("source"), second) || !bytes.Equal(image("clone"), first) {
		t.Error("after the second upload the disk has its content, and the clone the first one's")
	}
}

func TestCommitRefuses(t *testing.T) {
	raw := bootDisk(t, "x")
	whole := qcow(t, raw)
	tests := []struct {
		name, format string
		content      []byte
		want         string
	}{
		{"not an image", "cow", []byte(strings.Repeat("no image ", 100)), "not a QCOW2 image"},
		{"cut off", "cow", whole[:len(whole)/3], ""},
		{"backing file", "cow", withBacking(whole), "backing file"},
		{"unknown format", "vmdk", whole, "neither raw nor cow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := open(t)
			_, err := upload(t, s, "d", tt.content, tt.format)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Commit error = %v, want %q", err, tt.want)
			}
			if _, err := s.Boot("d"); !errors.Is(err, volume.ErrNotBootable) {
				t.Errorf("Boot after a failed upload = %v", err)
			}
		})
	}
}

func withBacking(image []byte) []byte {
	b := bytes.Clone(image)
	b[15], b[19] = 112, 8 // offset and length of the name
	return b
}

func TestEmptyDisk(t *testing.T) {
	s, ctx := open(t)
	if err := s.Create(ctx, "data", 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Boot("data"); !errors.Is(err, volume.ErrNotBootable) {
		t.Errorf("Boot = %v", err)
	}
	if err := s.Resize(ctx, "data", 1<<19); err == nil {
		t.Error("a disk was shrunk")
	}
	if err := s.Resize(ctx, "data", 2<<20); err != nil {
		t.Fatal(err)
	}
	_, size, err := s.Read(ctx, "data")
	if err != nil || size != 2<<20 {
		t.Errorf("Read = %d bytes, %v", size, err)
	}
	if err := s.Delete(ctx, "data"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "data"); err != nil {
		t.Errorf("second Delete: %v", err)
	}
	if err := s.Resize(ctx, "data", 4<<20); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Resize of a deleted disk = %v", err)
	}
	if err := s.Create(ctx, "../escape", 1); err == nil {
		t.Error("an id with a path in it was accepted")
	}
}

func TestRaw(t *testing.T) {
	ctx := t.Context()
	s, err := volume.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Create(ctx, "empty", diskSize); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Boot("empty"); !errors.Is(err, volume.ErrNotBootable) {
		t.Fatalf("an empty disk: %v", err)
	}
	path, err := s.Raw("empty")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != diskSize {
		t.Fatalf("the disk is %v, %v", info, err)
	}
	if _, err := s.Boot("empty"); !errors.Is(err, volume.ErrNotBootable) {
		t.Fatalf("a blank disk: %v", err)
	}
	system, err := os.ReadFile(bootDisk(t, "installed"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, system, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := s.Boot("empty")
	if err != nil || b.Image != path {
		t.Fatalf("after an installation: %+v, %v", b, err)
	}
	for _, write := range []bool{true, false, true} { // the first ends what began above
		if err := os.MkdirAll(filepath.Join(b.Writes, "root"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Raw("empty"); err != nil {
			t.Fatal(err)
		}
		if write {
			later := time.Now().Add(time.Minute)
			if err := os.Chtimes(path, later, later); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Raw("empty"); err != nil { // whose user was killed, say
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.Settle("empty"), s.Settle("empty")); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(b.Writes); errors.Is(err, fs.ErrNotExist) != write {
			t.Errorf("disk written: %v; what a machine wrote before: %v", write, err)
		}
	}
	if err := s.Clone(ctx, "empty", "copy"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Raw("copy"); err == nil {
		t.Error("a disk can be written that shares its content")
	}
}
