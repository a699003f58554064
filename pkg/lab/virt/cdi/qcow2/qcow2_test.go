package qcow2

import (
	"bytes"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// convert has QEMU make an image of a disk.
func convert(t *testing.T, raw string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Fatal("no qemu-img here; hack/packages.sh installs it")
	}
	out := filepath.Join(t.TempDir(), "disk.qcow2")
	all := append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, out)
	if text, err := exec.Command("qemu-img", all...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v: %s", err, text)
	}
	return out
}

// disk is one with holes, texts and noise; its size is no multiple of a cluster.
func disk(t *testing.T) (string, []byte) {
	t.Helper()
	data := make([]byte, 3<<20+512)
	rand.New(rand.NewSource(1)).Read(data[1<<20 : 1<<20+70000])
	copy(data, "boot")
	copy(data[2<<20:], strings.Repeat("text ", 20000))
	copy(data[len(data)-4:], "last")
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func TestConvert(t *testing.T) {
	raw, want := disk(t)
	for name, args := range map[string][]string{
		"plain": nil, "compressed": {"-c"}, "version 2": {"-o", "compat=0.10"}, "small clusters": {"-o", "cluster_size=4k"},
		"compressed, large clusters": {"-c", "-o", "cluster_size=256k"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(convert(t, raw, args...))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			i, err := Open(f)
			if err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			if err := i.Convert(out); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(out.Name())
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, or other ones: %v", len(got), len(want), err)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	raw, _ := disk(t)
	image, err := os.ReadFile(convert(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func([]byte){
		"no qcow2 image":    func(b []byte) { b[0] = 'X' },
		"version 9":         func(b []byte) { b[7] = 9 },
		"backing file":      func(b []byte) { b[15] = 1 },
		"encrypted":         func(b []byte) { b[35] = 1 },
		"marked as corrupt": func(b []byte) { b[79] = 2 },
		"too short":         func(b []byte) { b[39] = 0 },
	} {
		b := bytes.Clone(image)
		change(b)
		if _, err := Open(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
}

// target takes what is written within bounds.
type target struct{ size int64 }

func (t *target) Truncate(n int64) error { t.size = n; return nil }
func (t *target) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > t.size {
		panic("written beyond the disk")
	}
	return len(p), nil
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte(magic + "\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := Open(bytes.NewReader(data))
		if err != nil || i.Size > 1<<24 {
			return
		}
		_ = i.Convert(&target{})
	})
}
