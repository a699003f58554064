package iso_test

import (
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

func TestExtractMinimal(t *testing.T) {
	path, dir := write(t, isotest.Layout{Minimal: true}), t.TempDir()
	before := read(t, path)
	minimal, rootfs := filepath.Join(dir, "minimal.iso"), filepath.Join(dir, "rootfs.img")
	m := iso.Minimal{RootfsURL: "http://192.0.2.1/rootfs.img", Rootfs: rootfs, Change: embed}
	if err := iso.ExtractMinimal(t.Context(), path, minimal, m); err != nil {
		t.Fatal(err)
	}
	if string(read(t, rootfs)) != strings.Repeat("rootfs ", 1000) {
		t.Error("not the root file system")
	}
	if len(read(t, minimal)) >= len(before) || strings.Contains(string(read(t, minimal)), "rootfs rootfs") {
		t.Errorf("the minimal ISO has %d bytes, the full one %d", len(read(t, minimal)), len(before))
	}
	const byDefault = "ignition.firstboot ignition.platform.id=metal"
	s := inspect(t, minimal)
	if s.Kargs != byDefault+" coreos.live.rootfs_url=http://192.0.2.1/rootfs.img" || s.DefaultKargs != byDefault {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(s.Embedded, []string{"config.ign"}) || ignition(t, minimal) != config {
		t.Errorf("%+v", s)
	}
	edit(t, minimal, (*iso.Image).Reset)
	if s := inspect(t, minimal); s.Kargs != byDefault {
		t.Errorf("after a reset %q", s.Kargs)
	}
	everyWay(t, minimal, func(i *iso.Image) error { return i.SetArchives(agent(t, 5<<20)...) })
	if !inspect(t, minimal).Grown {
		t.Error("the minimal ISO did not grow")
	}
	err := iso.ExtractMinimal(t.Context(), path, minimal, iso.Minimal{})
	if !errors.Is(err, fs.ErrExist) || exit.Next(err) == "" {
		t.Errorf("a second time: %v", err)
	}
	if string(read(t, path)) != string(before) {
		t.Error("the full ISO was changed")
	}
}

func TestExtractMinimalRefuses(t *testing.T) {
	changed, damaged := write(t, isotest.Layout{Minimal: true}), write(t, isotest.Layout{Minimal: true})
	edit(t, changed, embed)
	data := read(t, damaged)
	data[strings.Index(string(data), "kernel kernel")]++
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		changed:                                "and this one has config.ign",
		damaged:                                "the full one was changed or is damaged",
		write(t, isotest.Layout{}):             "it has no coreos/miniso.dat",
		write(t, isotest.Layout{Legacy: true}): "it has no coreos/miniso.dat",
	} {
		output, rootfs := filepath.Join(t.TempDir(), "minimal.iso"), filepath.Join(t.TempDir(), "rootfs.img")
		err := iso.ExtractMinimal(t.Context(), path, output, iso.Minimal{Rootfs: rootfs})
		if err == nil || !strings.Contains(err.Error(), want) || exit.Next(err) == "" {
			t.Errorf("got %v, want %q", err, want)
		}
		for _, file := range []string{output, rootfs} {
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is left: %v", file, err)
			}
		}
	}
}
