package iso_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/iso"
	"github.com/okd-install/okd-install/pkg/iso/isotest"
)

const config = `{"ignition":{"version":"3.4.0"}}`

// layouts are the images that every operation has to cope with.
var layouts = map[string]isotest.Layout{
	"whole file": {},
	"in a file":  {InFile: true},
	"legacy":     {Legacy: true},
}

func write(t testing.TB, l isotest.Layout) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "live.iso")
	if err := isotest.Write(path, l); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit changes the image at path in place.
func edit(t *testing.T, path string, change func(*iso.Image) error) {
	t.Helper()
	if err := iso.Edit(t.Context(), path, "", nil, change); err != nil {
		t.Fatal(err)
	}
}

func inspect(t *testing.T, path string) (s iso.Summary) {
	t.Helper()
	err := iso.View(path, func(i *iso.Image) (err error) {
		s, err = i.Inspect()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func embed(i *iso.Image) error { return i.SetIgnition([]byte(config), false) }

// onlyAreas reports whether two images differ in the areas only.
func onlyAreas(t *testing.T, before, after []byte, s iso.Summary) {
	t.Helper()
	if len(before) != len(after) {
		t.Fatalf("%d bytes became %d", len(before), len(after))
	}
	a, b := bytes.Clone(before), bytes.Clone(after)
	for _, area := range append(slices.Clone(s.KargAreas), s.Ignition) {
		clear(a[area.Offset : area.Offset+area.Length])
		clear(b[area.Offset : area.Offset+area.Length])
	}
	if !bytes.Equal(a, b) {
		t.Error("something outside of the areas was changed")
	}
}

func TestEveryEditAndBack(t *testing.T) {
	for name, l := range layouts {
		t.Run(name, func(t *testing.T) {
			path := write(t, l)
			before := read(t, path)
			edit(t, path, func(i *iso.Image) error {
				if err := embed(i); err != nil {
					return err
				}
				return i.SetKargs(isotest.Kargs + " console=ttyS0")
			})
			s := inspect(t, path)
			if s.Kargs != isotest.Kargs+" console=ttyS0" || s.DefaultKargs != isotest.Kargs || len(s.KargAreas) != 2 {
				t.Errorf("%+v", s)
			}
			if !slices.Equal(s.Embedded, []string{"config.ign"}) || s.Ignition.Length != 256<<10 || s.Used == 0 {
				t.Errorf("%+v", s)
			}
			onlyAreas(t, before, read(t, path), s)
			err := iso.View(path, func(i *iso.Image) error {
				got, err := i.Ignition()
				if string(got) != config {
					t.Errorf("got %q", got)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			edit(t, path, (*iso.Image).Reset)
			if !bytes.Equal(before, read(t, path)) {
				t.Error("reset does not restore the image")
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	path := write(t, isotest.Layout{})
	before := read(t, path)
	target := filepath.Join(t.TempDir(), "host.iso")
	if err := iso.Edit(t.Context(), path, target, nil, embed); err != nil {
		t.Fatal(err)
	}
	var streamed bytes.Buffer
	if err := iso.Edit(t.Context(), path, "-", &streamed, embed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the source was changed")
	}
	edit(t, path, embed)
	if !bytes.Equal(read(t, path), read(t, target)) || !bytes.Equal(read(t, path), streamed.Bytes()) {
		t.Error("in place, file and stream differ")
	}
	err := iso.Edit(t.Context(), write(t, isotest.Layout{}), target, nil, embed)
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(exit.Next(err), "in place") {
		t.Errorf("a file that exists: %v", err)
	}
}

func TestIgnitionKeepsOthersAndNeedsForce(t *testing.T) {
	path := write(t, isotest.Layout{})
	keyfiles := []iso.Keyfile{{Name: "eth0.nmconnection", Data: []byte("[connection]\nid=eth0\n")}}
	edit(t, path, func(i *iso.Image) error { return i.SetKeyfiles(keyfiles, false) })
	edit(t, path, embed)
	for name, again := range map[string]func(*iso.Image) error{
		"config": embed, "keyfiles": func(i *iso.Image) error { return i.SetKeyfiles(keyfiles, false) },
	} {
		err := iso.Edit(t.Context(), path, "", nil, again)
		if err == nil || !strings.Contains(err.Error(), "already has") || !strings.Contains(exit.Next(err), "--force") {
			t.Errorf("%s a second time: %v", name, err)
		}
	}
	edit(t, path, func(i *iso.Image) error { return i.SetIgnition([]byte("{}"), true) })
	other := []iso.Keyfile{{Name: "bond0.nmconnection", Data: []byte("x")}}
	edit(t, path, func(i *iso.Image) error { return i.SetKeyfiles(other, true) })
	want := []string{"config.ign", "etc/coreos-firstboot-network/bond0.nmconnection"}
	if got := inspect(t, path).Embedded; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	edit(t, path, (*iso.Image).RemoveIgnition)
	edit(t, path, (*iso.Image).RemoveIgnition) // nothing to do
	if got := inspect(t, path).Embedded; !slices.Equal(got, want[1:]) {
		t.Errorf("got %q, want %q", got, want[1:])
	}
	edit(t, path, (*iso.Image).RemoveKeyfiles)
	if s := inspect(t, path); len(s.Embedded) > 0 || s.Used > 0 {
		t.Errorf("left over: %+v", s)
	}
}

func TestRefuses(t *testing.T) {
	random := make([]byte, 300<<10) // does not compress
	x := uint32(1)
	for n := range random {
		x = x*1664525 + 1013904223
		random[n] = byte(x >> 24)
	}
	keyfile := func(name, data string) func(*iso.Image) error {
		return func(i *iso.Image) error {
			return i.SetKeyfiles([]iso.Keyfile{{Name: name, Data: []byte(data)}}, false)
		}
	}
	tests := []struct {
		name   string
		layout isotest.Layout
		change func(*iso.Image) error
		want   string
	}{
		{"too large", isotest.Layout{}, func(i *iso.Image) error { return i.SetIgnition(random, false) },
			"bytes, and images/ignition.img has room for 262144"},
		{"too many arguments", isotest.Layout{}, func(i *iso.Image) error { return i.SetKargs(strings.Repeat("a", 1200)) },
			"have 1200 bytes, and "},
		{"two lines", isotest.Layout{}, func(i *iso.Image) error { return i.SetKargs("a\nb") }, `control character '\n'`},
		{"no arguments", isotest.Layout{NoKargs: true}, (*iso.Image).ResetKargs, "has no coreos/kargs.json"},
		{"no network", isotest.Layout{NoNetwork: true}, keyfile("a.nmconnection", "x"), "does not apply"},
		{"no network in old images", isotest.Layout{Legacy: true}, keyfile("a.nmconnection", "x"), "does not apply"},
		{"keyfile's name", isotest.Layout{}, keyfile("eth0", "x"), "ignores eth0"},
		{"empty keyfile", isotest.Layout{}, keyfile("a.nmconnection", ""), "is empty"},
		{"no keyfile", isotest.Layout{}, func(i *iso.Image) error { return i.SetKeyfiles(nil, true) }, "no keyfile"},
		{"no config", isotest.Layout{}, func(i *iso.Image) error { _, err := i.Ignition(); return err },
			"no embedded Ignition config"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.layout)
			before := read(t, path)
			err := iso.Edit(t.Context(), path, "", nil, tt.change)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the image was changed")
			}
		})
	}
}

// TestResetMends damages what reset is for.
func TestResetMends(t *testing.T) {
	path := write(t, isotest.Layout{})
	good := read(t, path)
	s := inspect(t, path)
	damaged := bytes.Clone(good)
	copy(damaged[s.Ignition.Offset:], "garbage")
	copy(damaged[s.KargAreas[1].Offset:], "other=arguments ")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, do := range map[string]func(*iso.Image) error{
		"cannot be read": func(i *iso.Image) error { _, err := i.Ignition(); return err },
		") differ":       func(i *iso.Image) error { _, err := i.Kargs(); return err },
	} {
		err := iso.View(path, do)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(exit.Next(err), "reset") {
			t.Errorf("got %v with next step %q, want %q", err, exit.Next(err), want)
		}
	}
	edit(t, path, (*iso.Image).Reset)
	if !bytes.Equal(good, read(t, path)) {
		t.Error("the image is not as it was")
	}
}

func TestNotLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.ign")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	err := iso.View(path, func(*iso.Image) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "config.ign: this is not an ISO image") {
		t.Errorf("got %v", err)
	}
}

func TestExtractPXE(t *testing.T) {
	path := write(t, isotest.Layout{})
	edit(t, path, embed)
	dir := t.TempDir()
	files, left, err := iso.ExtractPXE(t.Context(), path, iso.PXE{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(left, []string{"config.ign"}) {
		t.Errorf("left out: %q", left)
	}
	for n, want := range []string{"kernel ", "initrd ", "rootfs "} {
		if got := read(t, files[n]); string(got) != strings.Repeat(want, 1000) {
			t.Errorf("%s has %d bytes that begin with %q", files[n], len(got), got[:10])
		}
	}
	if filepath.Base(files[0]) != "live-vmlinuz" {
		t.Errorf("names %q", files)
	}
	if _, _, err := iso.ExtractPXE(t.Context(), path, iso.PXE{Dir: dir}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
}

// TestExtractPXEWithArchives appends archives to the initial RAM disk, where the kernel finds them.
func TestExtractPXEWithArchives(t *testing.T) {
	path, parts := write(t, isotest.Layout{}), agent(t, 5<<20)
	files, _, err := iso.ExtractPXE(t.Context(), path, iso.PXE{Dir: t.TempDir(), Name: "agent.x86_64", Archives: parts})
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(files[1]); got != "agent.x86_64-initrd.img" {
		t.Errorf("name %s", got)
	}
	data := read(t, files[1])
	if !bytes.HasPrefix(data, []byte(strings.Repeat("initrd ", 1000))) {
		t.Error("the initial RAM disk of the ISO is not at the beginning")
	}
	list := unpack(t, data[7000:]) // a multiple of 4
	last := list[len(list)-1]
	if last.name != "config.ign" || string(last.data) != config || !bytes.Equal(list[1].data, noise(5<<20)) {
		t.Errorf("%d files, the last one is %q", len(list), last.name)
	}
	for n, mode := range []fs.FileMode{0o644, 0o600, 0o644} {
		if info, err := os.Stat(files[n]); err != nil || info.Mode() != mode {
			t.Errorf("%v, %v", info, err)
		}
	}
}

func TestWrap(t *testing.T) {
	data, err := iso.WrapIgnition([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	got, err := iso.UnwrapIgnition(data)
	if err != nil || string(got) != config {
		t.Errorf("%q, %v", got, err)
	}
	for _, wrong := range []string{"", "junk"} {
		if _, err := iso.UnwrapIgnition([]byte(wrong)); err == nil {
			t.Errorf("%q was unwrapped", wrong)
		}
	}
}

func TestKargsChange(t *testing.T) {
	const current = `ignition.firstboot console=tty0 quiet x="a b" console=ttyS0`
	tests := []struct {
		name      string
		change    iso.KargsChange
		want      string
		unmatched []string
	}{
		{"nothing", iso.KargsChange{}, current, nil},
		{"append", iso.KargsChange{Append: []string{"a=1", "a=2 b"}}, current + " a=1 a=2 b", nil},
		{"delete", iso.KargsChange{Delete: []string{"quiet", `x="a b"`}},
			"ignition.firstboot console=tty0 console=ttyS0", nil},
		{"whole words", iso.KargsChange{Delete: []string{"console", "qui", "console=tty"}}, current,
			[]string{"console", "qui", "console=tty"}},
		{"replace", iso.KargsChange{Replace: []string{"console=ttyS0=ttyS1", "a=b=c"}},
			`ignition.firstboot console=tty0 quiet x="a b" console=ttyS1`, []string{"a=b"}},
		{"in order", iso.KargsChange{Delete: []string{"quiet"}, Append: []string{"quiet=1"}, Replace: []string{"quiet=1=2"}},
			`ignition.firstboot console=tty0 x="a b" console=ttyS0 quiet=2`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, unmatched, err := tt.change.Apply(current)
			if err != nil || got != tt.want || !slices.Equal(unmatched, tt.unmatched) {
				t.Errorf("got  %q, %q, %v\nwant %q, %q", got, unmatched, err, tt.want, tt.unmatched)
			}
		})
	}
	for _, wrong := range []iso.KargsChange{
		{Replace: []string{"console=tty0"}}, {Replace: []string{"root=UUID=a=UUID=b"}}, {Replace: []string{"=a=b"}},
		{Append: []string{" "}},
	} {
		if got, _, err := wrong.Apply(current); err == nil {
			t.Errorf("%+v was accepted: %q", wrong, got)
		}
	}
}
