package disk

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

func (w *world) imageOn() string {
	w.t.Helper()
	image, err := ImageOn(w.t.Context(), w.disk)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

// What an image has written can be recognized afterwards, as long as nothing else was written.
func TestImageOn(t *testing.T) {
	w := newWorld(t)
	if image := w.imageOn(); image != "" {
		t.Errorf("an empty disk was written from %q", image)
	}
	for _, image := range []string{"IMAGE-1", "IMAGE-2", "I"} {
		w.Image = image
		if err := w.install(); err != nil {
			t.Fatal(err)
		}
		if got := w.imageOn(); got != image || w.heard("warning") {
			t.Errorf("written from %q, not from %q; said %q", got, image, w.said)
		}
	}
	w.write("sda", strings.ReplaceAll(w.content(), "EFI PART", strings.Repeat("\x00", 8)))
	if got := w.imageOn(); got != "" {
		t.Errorf("without a partition table it is one of %q", got)
	}
}

// The mark is proof of a complete installation: a disk does not have it while it is written, and
// none of an earlier installation.
func TestMarkIsLast(t *testing.T) {
	w := newWorld(t)
	w.Image, w.UEFI = "IMAGE-1", true
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	w.Image = "IMAGE-2"
	// The disk as each program finds it.
	w.Runner = before{func(name string) {
		if got := w.imageOn(); got != "" && name != "lsblk" && name != "wipefs" {
			t.Errorf("before %s the disk has mark %q", name, got)
		}
	}}
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	if got := w.imageOn(); got != "IMAGE-2" {
		t.Errorf("at last %q", got)
	}
	w.write("failures", "9")
	if err := w.install(); err == nil {
		t.Fatal("no error")
	}
	if got := w.imageOn(); got != "" {
		t.Errorf("a disk that could not be written has mark %q", got)
	}
}

// before does something before each program of the system.
type before struct{ do func(name string) }

func (b before) Run(ctx context.Context, line func(Line), name string, args ...string) error {
	b.do(name)
	return System{}.Run(ctx, line, name, args...)
}

// A disk that cannot be marked is written nevertheless, and nothing on it is changed.
func TestNotMarked(t *testing.T) {
	// entry is one of a partition table, with the first sector of its partition.
	entry := func(first uint64) func([]byte) {
		return func(b []byte) {
			binary.LittleEndian.PutUint64(b[512+72:], 2)
			binary.LittleEndian.PutUint32(b[512+80:], 4)
			binary.LittleEndian.PutUint32(b[512+84:], 128)
			b[1024+2*128] = 1
			binary.LittleEndian.PutUint64(b[1024+2*128+32:], first)
		}
	}
	for _, c := range []struct {
		name, image, want string
		disk              func([]byte)
	}{
		{"data", "I", "something else", func(b []byte) { b[head-1] = 1 }},
		{"a partition", "I", "sector 2047", entry(2047)},
		{"no partition there", "I", "", entry(2048)},
		{"name", "I\nJ", "no name", func([]byte) {}},
		{"long name", strings.Repeat("I", maxMark), "no name", func([]byte) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.Image = c.image
			b := make([]byte, head)
			c.disk(b)
			copy(b[512:], "EFI PART")
			w.write("image", string(b))
			w.write("bin/coreos-installer", "#!/bin/bash\nfor last; do :; done\ncp image \"$last\"\n")
			if err := w.install(); err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if got := w.imageOn(); got != c.image {
					t.Errorf("mark %q, said %q", got, w.said)
				}
				return
			}
			if !w.heard("does not say which image it was written from: ") || !w.heard(c.want) {
				t.Errorf("said %q", w.said)
			}
			if w.content() != string(b) {
				t.Error("the disk was changed")
			}
		})
	}
}

// A disk that does not answer is one of which nothing is known.
func TestImageOnDeadDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if image, err := ImageOn(ctx, agent.Disk{Path: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%q, %v", image, err)
	}
	if err := os.WriteFile(path, nil, 0); err != nil { // the reader goes on
		t.Fatal(err)
	}
	if image, err := ImageOn(t.Context(), agent.Disk{Path: path + "-gone"}); err == nil {
		t.Errorf("%q of a disk that is not there", image)
	}
}

func FuzzMark(f *testing.F) {
	f.Add([]byte("EFI PART"), []byte(markKey+"IMAGE\n"))
	f.Add([]byte("EFI PART\x00\x00\x01\x00"), []byte(markKey+"\n\x00\n"))
	f.Add([]byte{}, []byte(markKey))
	f.Fuzz(func(t *testing.T, header, mark []byte) {
		b := make([]byte, head)
		copy(b[512:markAt], header)
		copy(b[markAt:markAt+maxMark], mark)
		image := markIn(b)
		_ = room(b, markAt, markKey)
		if image != "" && !strings.HasPrefix(string(mark), markKey+image+"\n") {
			t.Errorf("%q in %q", image, mark)
		}
	})
}

// content is what is on the disk.
func (w *world) content() string {
	w.t.Helper()
	b, err := os.ReadFile(w.disk.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}
