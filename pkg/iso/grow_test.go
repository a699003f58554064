package iso_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/initrd"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

const program = "okd-agent/okd-install"

// noise does not compress.
func noise(size int) []byte {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

// agent has what an agent image has: a large program, and a config.
func agent(t testing.TB, size int) []iso.Part {
	t.Helper()
	plain := &initrd.Plain{}
	err := plain.AddBytes(program, 0o755, noise(size))
	if err == nil {
		err = plain.AddBytes("usr/lib/dracut/hooks/pre-pivot/90-okd-agent.sh", 0o755, []byte("#!/bin/sh\n"))
	}
	packed := &initrd.Archive{}
	packed.Set("config.ign", []byte(config))
	var data []byte
	if err == nil {
		data, err = packed.Gzip()
	}
	if err != nil {
		t.Fatal(err)
	}
	return []iso.Part{plain, iso.Bytes(data)}
}

// embedded returns a file as the kernel unpacks it.
func embedded(t *testing.T, path, name string) []byte {
	t.Helper()
	s := inspect(t, path)
	data := read(t, path)[s.Ignition.Offset:][:s.Ignition.Length]
	var got []byte
	for _, m := range unpack(t, data) {
		if m.name == name {
			got = m.data
		}
	}
	return got
}

func ignition(t *testing.T, path string) string {
	t.Helper()
	var got []byte
	err := iso.View(path, func(i *iso.Image) (err error) {
		got, err = i.Ignition()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// TestGrowsAndShrinks edits an image that has grown in every way, in place, as a copy, and as a stream.
func TestGrowsAndShrinks(t *testing.T) {
	const size = 5 << 20
	parts := agent(t, size)
	for name, l := range map[string]isotest.Layout{"whole file": {}, "legacy": {Legacy: true}} {
		t.Run(name, func(t *testing.T) {
			path := write(t, l)
			before := read(t, path)
			everyWay(t, path, func(i *iso.Image) error { return i.SetArchives(parts...) })
			s := inspect(t, path)
			if !s.Grown || s.Ignition.Length < size || s.Ignition.Length%2048 != 0 || s.Used > s.Ignition.Length {
				t.Errorf("%+v", s)
			}
			if !slices.Equal(s.Embedded, []string{program, "usr/lib/dracut/hooks/pre-pivot/90-okd-agent.sh", "config.ign"}) {
				t.Errorf("%q", s.Embedded)
			}
			large := int64(len(read(t, path)))

			everyWay(t, path, func(i *iso.Image) error { return i.SetIgnition(noise(300<<10), true) })
			if got := int64(len(read(t, path))); got < large+(300<<10) {
				t.Errorf("with a larger config it has %d bytes, and had %d", got, large)
			}
			everyWay(t, path, func(i *iso.Image) error { return i.SetIgnition([]byte("{}"), true) })
			if l == (isotest.Layout{}) {
				keyfiles := []iso.Keyfile{{Name: "eth0.nmconnection", Data: []byte("x")}}
				everyWay(t, path, func(i *iso.Image) error { return i.SetKeyfiles(keyfiles, false) })
				everyWay(t, path, (*iso.Image).RemoveKeyfiles)
			}
			everyWay(t, path, func(i *iso.Image) error { return i.SetKargs(isotest.Kargs + " a=b") })
			if got := int64(len(read(t, path))); got > large+4096 || inspect(t, path).Kargs != isotest.Kargs+" a=b" {
				t.Errorf("%d bytes, and had %d: %+v", got, large, inspect(t, path))
			}
			if ignition(t, path) != "{}" || !bytes.Equal(embedded(t, path, program), noise(size)) ||
				string(embedded(t, path, "config.ign")) != "{}" {
				t.Error("not what was embedded")
			}
			everyWay(t, path, (*iso.Image).RemoveIgnition)
			if got := inspect(t, path).Embedded; slices.Contains(got, "config.ign") || len(got) != 2 {
				t.Errorf("after removing the config: %q", got)
			}
			everyWay(t, path, (*iso.Image).Reset)
			if !bytes.Equal(before, read(t, path)) {
				t.Error("reset does not restore the image")
			}
		})
	}
}

// everyWay edits an image in place, and checks that copy and stream are the same.
func everyWay(t *testing.T, path string, change func(*iso.Image) error) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "copy.iso")
	if err := iso.Edit(t.Context(), path, target, nil, change); err != nil {
		t.Fatal(err)
	}
	var streamed bytes.Buffer
	if err := iso.Edit(t.Context(), path, "-", &streamed, change); err != nil {
		t.Fatal(err)
	}
	edit(t, path, change)
	if !bytes.Equal(read(t, path), read(t, target)) || !bytes.Equal(read(t, path), streamed.Bytes()) {
		t.Fatal("in place, file and stream differ")
	}
}

// TestGrowsOnlyIfNecessary has archives that fit, and configs that may not grow.
func TestGrowsOnlyIfNecessary(t *testing.T) {
	path := write(t, isotest.Layout{})
	before := read(t, path)
	large := func(i *iso.Image) error { return i.SetIgnition(noise(300<<10), true) }
	err := iso.Edit(t.Context(), path, "", nil, large)
	if err == nil || !strings.Contains(exit.Next(err), "--grow") || !bytes.Equal(before, read(t, path)) {
		t.Errorf("got %v, next %q", err, exit.Next(err))
	}
	edit(t, path, func(i *iso.Image) error { return i.SetArchives(agent(t, 1000)...) })
	s := inspect(t, path)
	if s.Grown || ignition(t, path) != config {
		t.Errorf("grown: %+v", s)
	}
	onlyAreas(t, before, read(t, path), s)
	edit(t, path, func(i *iso.Image) error {
		i.AllowGrowth()
		return large(i)
	})
	if got := read(t, path)[s.Ignition.Offset:][:s.Ignition.Length]; !bytes.Equal(got, make([]byte, len(got))) {
		t.Error("what was embedded is still in the area")
	}
	if ignition(t, path) != string(noise(300<<10)) {
		t.Error("the config was not embedded")
	}
	edit(t, path, (*iso.Image).RemoveIgnition) // the rest fits again
	if s := inspect(t, path); s.Grown || len(read(t, path)) != len(before) {
		t.Errorf("did not shrink: %+v", s)
	}
}

// TestAlignsArchives has one that ends at any byte before one that the kernel finds only at a multiple of 4.
func TestAlignsArchives(t *testing.T) {
	plain := agent(t, 100)[0]
	for n := range 4 {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Comment = "1234"[:n]
		var cpio bytes.Buffer
		_, err := plain.WriteTo(&cpio)
		if err == nil {
			_, err = w.Write(cpio.Bytes())
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		path := write(t, isotest.Layout{})
		edit(t, path, func(i *iso.Image) error {
			return i.SetArchives(iso.Bytes(packed.Bytes()), plain, iso.Bytes(packed.Bytes()))
		})
		if got := embedded(t, path, program); !bytes.Equal(got, noise(100)) {
			t.Errorf("%d bytes before: %d bytes", packed.Len(), len(got))
		}
	}
}

// TestMemoryIsFlat writes 1 GiB.
func TestMemoryIsFlat(t *testing.T) {
	const size, limit = 1 << 30, 8 << 20
	path := write(t, isotest.Layout{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := &counter{}
	err := iso.Edit(t.Context(), path, "-", count, func(i *iso.Image) error {
		plain := &initrd.Plain{}
		err := plain.Add("a/large", 0o600, size, func() (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(zeros{}, size)), nil
		})
		if err != nil {
			return err
		}
		return i.SetArchives(plain)
	})
	runtime.ReadMemStats(&after)
	if err != nil || count.n < size {
		t.Errorf("%d bytes, %v", count.n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("allocated %d bytes, more than %d", used, limit)
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestArchiveLies has parts that do not have the size they announce.
func TestArchiveLies(t *testing.T) {
	path := write(t, isotest.Layout{})
	before := read(t, path)
	for want, size := range map[string]int64{"has more than the 1000000 bytes": 1_000_000, "unexpected EOF": 3_000_000} {
		plain := &initrd.Plain{}
		err := plain.Add("a/b", 0o755, size, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(make([]byte, 2_000_000))), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(t.TempDir(), "copy.iso")
		err = iso.Edit(t.Context(), path, target, nil, func(i *iso.Image) error { return i.SetArchives(plain) })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a/b") {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("there is a copy: %v", err)
		}
		err = iso.Edit(t.Context(), path, "", nil, func(i *iso.Image) error { return i.SetArchives(plain) })
		if err == nil || !bytes.Equal(before, read(t, path)) {
			t.Errorf("in place: %v, or the image was changed", err)
		}
	}
}

func TestGrowthRefuses(t *testing.T) {
	path := write(t, isotest.Layout{InFile: true})
	before := read(t, path)
	err := iso.Edit(t.Context(), path, "", nil, func(i *iso.Image) error { return i.SetArchives(agent(t, 5<<20)...) })
	if err == nil || !strings.Contains(err.Error(), "a part of images/cdboot.img, which cannot be moved") {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the image was changed")
	}
	path = write(t, isotest.Layout{})
	edit(t, path, func(i *iso.Image) error { return i.SetArchives(agent(t, 5<<20)...) })
	err = iso.View(path, func(i *iso.Image) error {
		if err := i.SetArchives(); err != nil {
			return err
		}
		return i.SetIgnition([]byte("{}"), true)
	})
	if err == nil || !strings.Contains(err.Error(), "nothing can be added") {
		t.Errorf("got %v", err)
	}
}
