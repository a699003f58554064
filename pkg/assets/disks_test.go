package assets_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
)

// Disks come one by one after the hosts were started, and stay known whatever later runs do.
func TestKeepDisks(t *testing.T) {
	dir := agentDir(t, started(), "apiVersion: v1beta1\nrendezvousIP: 198.18.0.21\n")
	if _, err := startedImage(t, dir, imageDeps(t0), true); err != nil {
		t.Fatal(err)
	}
	if got, err := assets.StoredDisks(dir, nil); err != nil || len(got) > 0 {
		t.Errorf("before: %v, %v", got, err)
	}
	for _, name := range []string{"host-0", "host-2"} {
		i := open(t, dir, imageDeps(t0))
		if err := i.KeepDisks(map[string]agent.DiskID{name: {Path: "/dev/sda", Serial: "S-" + name}}); err != nil {
			t.Fatal(err)
		}
		if err := i.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := startedImage(t, dir, imageDeps(t0), true); err != nil {
		t.Fatal(err)
	}
	got, err := assets.StoredDisks(dir, nil)
	if err != nil || len(got) != 2 || got["host-0"].Serial != "S-host-0" || got["host-2"].Serial != "S-host-2" {
		t.Errorf("%v, %v", got, err)
	}
}
