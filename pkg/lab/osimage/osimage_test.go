package osimage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreos/stream-metadata-go/stream"
)

func TestStreamDescribesTheDisk(t *testing.T) {
	disk := filepath.Join(t.TempDir(), DiskFile)
	if err := os.WriteFile(disk, []byte("disk image"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := describe(disk, "k1", "https://images.lab.okd.test", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var s stream.Stream
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	arch, err := s.GetArchitecture("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	got := arch.Artifacts["openstack"].Formats["qcow2"].Disk
	sum := sha256.Sum256([]byte("disk image"))
	if got == nil || got.Sha256 != hex.EncodeToString(sum[:]) {
		t.Errorf("disk artifact is %+v", got)
	}
	if want := "https://images.lab.okd.test/k1/" + DiskFile; got.Location != want {
		t.Errorf("location %s, want %s", got.Location, want)
	}
}

// TestStreamWithLive checks that an image that was made with a live ISO is still found.
func TestStreamWithLive(t *testing.T) {
	image := Image{Dir: t.TempDir()}
	if err := os.WriteFile(image.Disk(), []byte("disk image"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := describe(image.Disk(), "k1", "https://images.lab.okd.test", time.Unix(0, 0))
	if err == nil {
		err = os.WriteFile(filepath.Join(image.Dir, StreamFile), b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(image.Dir, "live.iso")
	if err := os.WriteFile(iso, []byte("live ISO"), 0o644); err != nil {
		t.Fatal(err)
	}
	const url = "https://images.lab.okd.test/live/k2/live.iso"
	if b, err = image.WithLive(iso, url); err != nil {
		t.Fatal(err)
	}
	var s stream.Stream
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	live, err := s.QueryDisk("x86_64", "metal", "iso")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("live ISO"))
	if live.Location != url || live.Sha256 != hex.EncodeToString(sum[:]) {
		t.Errorf("live ISO is %+v", live)
	}
	if _, err := s.QueryDisk("x86_64", "openstack", "qcow2"); err != nil {
		t.Error(err)
	}
}

// TestScripts runs shellcheck on every shell script of the image.
func TestScripts(t *testing.T) {
	found := 0
	err := fs.WalkDir(Tree(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(Tree(), path)
		if err != nil || !(bytes.HasPrefix(b, []byte("#!/bin/sh")) || bytes.HasPrefix(b, []byte("#!/bin/bash"))) {
			return err
		}
		found++
		cmd := exec.CommandContext(t.Context(), "shellcheck", "-")
		cmd.Stdin = bytes.NewReader(b)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 5 {
		t.Errorf("only %d scripts were found", found)
	}
}

// TestUnits checks that every unit of the image that is enabled is in it.
func TestUnits(t *testing.T) {
	for _, unit := range masked {
		for _, on := range enabled {
			if unit == on {
				t.Errorf("%s is both enabled and masked", unit)
			}
		}
	}
	for _, unit := range []string{"lab-remount.service", "lab-dispatcher.service", "lab-dispatcher.path", "crio.service"} {
		if _, err := fs.Stat(Tree(), "etc/systemd/system/"+unit); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
	}
}
