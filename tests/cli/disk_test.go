package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mounted is a directory on a file system of its own, of the given size.
func mounted(t *testing.T, kib int) assetDir {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0750", kib)); err != nil {
		t.Fatalf("mount a small file system (this needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return assetDir{t, dir}
}

// fails runs a command that must end with code 1 and say all of what.
func (d assetDir) fails(args string, what ...string) {
	d.t.Helper()
	d.failsAs(d.command(args), what...)
}

func (d assetDir) failsAs(cmd *exec.Cmd, what ...string) {
	d.t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		d.t.Fatalf("%v\n%s", err, out)
	}
	for _, w := range what {
		if !strings.Contains(string(out), w) {
			d.t.Errorf("does not say %q:\n%s", w, out)
		}
	}
	if n := strings.Count(string(out), "level=fatal"); n != 1 {
		d.t.Errorf("fails %d times:\n%s", n, out)
	}
}

// TestFullDisk lets the disk become full at different moments. What was there
// stays as it was, and once there is space the same command goes on.
func TestFullDisk(t *testing.T) {
	const size = 8 << 10 // KiB
	for _, free := range []int{4, 64, 256, 512} {
		t.Run(fmt.Sprintf("%d KiB free", free), func(t *testing.T) {
			d := mounted(t, size)
			d.settled()
			d.config(otherHosts...)
			before := d.files()
			filler := filepath.Join(d.path, "filler")
			fill(t, filler, free)
			d.fails("create ignition-configs", "no space left on device", d.path, "Next: free some space there and run the same command again")
			after := d.files()
			delete(after, "filler")
			for name, text := range before {
				if after[name] != text && name != stateFile { // which may have new keys
					t.Errorf("%s is not what it was", name)
				}
			}
			if extra := slices.DeleteFunc(slices.Sorted(maps.Keys(after)), func(name string) bool { return before[name] != "" }); len(extra) > 0 {
				t.Errorf("left %v", extra)
			}
			after.drawn(t)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			d.run("create ignition-configs")
			if d.files()["bootstrap.ign"] == before["bootstrap.ign"] {
				t.Error("did not go on")
			}
		})
	}
}

// fill writes a file until only so much is free.
func fill(t *testing.T, name string, freeKiB int) {
	t.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(name), &stat); err != nil {
		t.Fatal(err)
	}
	bytes := int64(stat.Bavail)*stat.Bsize - int64(freeKiB)<<10
	if err := os.WriteFile(name, make([]byte, max(bytes, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	d := mounted(t, 8<<10)
	d.settled()
	before := d.files()
	if err := unix.Mount("", d.path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	d.fails("create ignition-configs", "read-only file system", d.path, "Next: ")
	d.run("status")
	// Neither lock, log nor journal keeps destroy from the engine, whose login is
	// what it lacks here.
	d.fails("destroy cluster", "There will be no log of this run", ".okd_install_journal.json cannot be written",
		"level=fatal msg=read engine login")
	if !maps.Equal(before, d.files()) {
		t.Error("files have changed")
	}
}

// Somebody may have mounted over a single file, as containers do.
func TestFileThatCannotBeReplaced(t *testing.T) {
	d := mounted(t, 8<<10)
	d.settled()
	name := filepath.Join(d.path, "bootstrap.ign")
	if err := unix.Mount(name, name, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(name, unix.MNT_DETACH) })
	d.config(otherHosts...)
	d.fails("create ignition-configs", "write "+name+": device or resource busy")
	if err := unix.Unmount(name, 0); err != nil {
		t.Fatal(err)
	}
	d.run("create ignition-configs")
}

// A user who may not write gets told so, and which file it is about.
func TestForeignDirectory(t *testing.T) {
	const nobody = 65534
	d := mounted(t, 8<<10)
	d.settled()
	as := func(uid uint32) *exec.Cmd {
		cmd := d.command("create ignition-configs")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return cmd
	}
	open := func(path string) error { return os.Chmod(path, 0o755) }
	if err := errors.Join(open(filepath.Dir(program)), open(filepath.Dir(d.path)), open(d.path)); err != nil {
		t.Fatal(err)
	}
	d.failsAs(as(nobody), "permission denied", d.path)
	// The log may be written, the rest not.
	for _, name := range []string{".openshift_install.log", ".openshift_install.lock"} {
		if err := os.Chown(filepath.Join(d.path, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	d.failsAs(as(nobody), "read "+filepath.Join(d.path, stateFile)+": permission denied", "Next: let this user read and write")
}
