package machine

import (
	"os"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/volume"
)

// TestISOOfDisk finds the ISO image that was uploaded to a disk.
func TestISOOfDisk(t *testing.T) {
	store, err := volume.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"full", "empty"} {
		if err := store.Create(t.Context(), id, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	content := strings.Repeat("live", 1000)
	if _, err := store.Write(t.Context(), "full", 0, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Commit(t.Context(), "full", "raw"); err != nil {
		t.Fatal(err)
	}
	m := &machine{sup: &Supervisor{cfg: Config{Disks: store}}, dir: t.TempDir()}
	for _, tt := range []struct {
		name   string
		medium *engine.Media
		path   string
		bad    bool
	}{
		{"an empty drive", nil, "", false},
		{"a file", &engine.Media{ISO: "/x.iso"}, "/x.iso", false},
		{"another system", &engine.Media{Volume: "os"}, "", false},
		{"a disk without content", &engine.Media{Disk: "empty"}, "", true},
		{"a disk that is gone", &engine.Media{Disk: "gone"}, "", true},
	} {
		if path, err := m.isoOf(tt.medium); path != tt.path || (err != nil) != tt.bad {
			t.Errorf("%s: %q %v", tt.name, path, err)
		}
	}
	path, err := m.isoOf(&engine.Media{Disk: "full"})
	if err != nil {
		t.Fatal(err)
	}
	// The machine keeps it when the disk is removed.
	own, err := m.take(0, path)
	if err == nil {
		err = store.Delete(t.Context(), "full")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(own); err != nil || string(got) != content {
		t.Errorf("the machine has %d bytes of the image, %v", len(got), err)
	}
}
