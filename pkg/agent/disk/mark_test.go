package disk

import (
	"os"
	"strings"
	"testing"
)

// What an image has written can be recognized afterwards.
func TestImageOn(t *testing.T) {
	w := newWorld(t)
	// A file system that keeps what is written to it.
	w.write("bin/mount", "#!/bin/bash\necho mount \"$@\" >>calls\nfor last; do :; done\nmkdir -p fs/ignition \"$last\"\n"+
		"cp boot.ign fs/ignition/config.ign\ncp -r fs/. \"$last\"\n")
	w.write("bin/umount", "#!/bin/bash\ncp -r \"$1/.\" fs/\nfind \"$1\" -mindepth 1 -delete\n")
	if image, err := ImageOn(t.Context(), System{}, w.disk); err != nil || image != "" {
		t.Errorf("before: %q, %v", image, err)
	}
	w.Image = "IMAGE-1"
	if err := w.install(); err != nil {
		t.Fatal(err)
	}
	image, err := ImageOn(t.Context(), System{}, w.disk)
	if err != nil || image != "IMAGE-1" || w.heard("warning") {
		t.Errorf("%q, %v, said %q", image, err, w.said)
	}
	calls := w.calls()
	if last := calls[len(calls)-1]; !strings.HasPrefix(last, "mount --options ro ") {
		t.Errorf("only looking does %s", last)
	}
	w.list(`NAME="/dev/sda" TYPE="disk"`)
	if _, err := ImageOn(t.Context(), System{}, w.disk); err == nil {
		t.Error("no error without a boot partition")
	}
}

// A disk that cannot be marked is written nevertheless.
func TestNotMarked(t *testing.T) {
	w := newWorld(t)
	w.Image = "IMAGE-1"
	w.write("bin/mount", "#!/bin/bash\n[ \"$2\" = ro ] || exit 32\nfor last; do :; done\n"+
		"mkdir -p \"$last/ignition\"; cp boot.ign \"$last/ignition/config.ign\"\n")
	if err := w.install(); err != nil || !w.heard("does not say which image") {
		t.Errorf("%v, said %q", err, w.said)
	}
	if left, _ := os.ReadDir(w.dir + "/fs"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
