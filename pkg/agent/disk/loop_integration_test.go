//go:build integration

package disk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// writeImage does what coreos-installer leaves: partitions, one of which has the config.
const writeImage = `#!/bin/bash
set -euo pipefail
[ "$1 $2 $3" = "install --offline --ignition-file" ]
printf 'label: gpt\nsize=2048, name=EFI-SYSTEM\nsize=32768, name=boot\nsize=32768, name=root\n' | sfdisk --quiet "$5"
partx --update "$5"
root=$(mktemp -d)
mkdir -p "$root/ignition"
cp "${OTHER_CONFIG:-$4}" "$root/ignition/config.ign"
mkfs.ext4 -q -F -L boot -d "$root" "$5p2"
rm -r "$root"
`

// TestInstallOnLoopDevice uses the system's own lsblk, wipefs and mount. It needs root.
func TestInstallOnLoopDevice(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "disk")
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("coreos-installer", writeImage)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if err := os.Truncate(file("disk", ""), 64<<20); err != nil {
		t.Fatal(err)
	}
	device := loop(t, image)
	// What was there before must not come back.
	if out, err := exec.Command("mkswap", device).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d := agent.Disk{Path: device, SizeBytes: 64 << 20}
	var said []string
	o := Options{
		Disk: d, Ignition: file("config.ign", `{"ignition":{"version":"3.2.0"}}`), Runner: System{},
		Image: "IMAGE", Cluster: testCluster,
		Clock: instant{clock.NewFake(time.Unix(0, 0))},
		Inventory: func(context.Context) (agent.Inventory, error) {
			return agent.Inventory{Disks: []agent.Disk{d}}, nil
		},
		Progress: func(_ int, line string) { said = append(said, line) },
	}
	for range 2 { // and on what was written
		if err := Install(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	if all := strings.Join(said, "\n"); strings.Contains(all, "warning") {
		t.Errorf("said:\n%s", all)
	}
	if image, err := ImageOn(t.Context(), d); err != nil || image != "IMAGE" {
		t.Errorf("written from %q, %v", image, err)
	}
	j := &job{Options: o}
	if p, err := j.partition(context.Background(), "EFI-SYSTEM"); err != nil || p.number != 1 {
		t.Errorf("the EFI system partition is %+v, %v", p, err)
	}
	t.Setenv("OTHER_CONFIG", file("other.ign", "{}"))
	err := Install(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "not the one that was written") {
		t.Error(err)
	}
	// What the documentation says removes the mark.
	if err := writeMark(device, markAt, markKey, "IMAGE"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("wipefs", "--all", device).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if image, err := ImageOn(t.Context(), d); err != nil || image != "" {
		t.Errorf("a wiped disk was written from %q, %v", image, err)
	}
}

// TestEraseLoopDevice uses the system's own blkdiscard and the kernel's exclusive opening. It needs root.
func TestEraseLoopDevice(t *testing.T) {
	path, before := written(t, testCluster, "EFI-SYSTEM", "boot", "root")
	device := loop(t, path)
	var said []string
	o := erasure(device, &said)
	o.Runner = System{}
	held, err := os.OpenFile(device, os.O_RDONLY|os.O_EXCL, 0) // as something that is mounted
	if err != nil {
		t.Fatal(err)
	}
	if err := Erase(t.Context(), o); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("a disk in use: %v", err)
	}
	if b := fileOf(t, path); string(b) != string(before) {
		t.Error("a disk in use was changed")
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Erase(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if b := fileOf(t, path); !zero(b) {
		t.Errorf("something is left although the disk can discard; said %q", said)
	}
}

// loop makes a file a block device with partitions until the test ends.
func loop(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("losetup", "--find", "--show", "--partscan", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return device
}
