package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mounted makes a directory with a file system of its own, of the given size.
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

// fails runs a command that must end with exit code 1 and print every text of what.
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
			d.t.Errorf("output lacks %q:\n%s", w, out)
		}
	}
	if n := strings.Count(string(out), "level=fatal"); n != 1 {
		d.t.Errorf("%d fatal errors, want 1:\n%s", n, out)
	}
}

// TestFullDisk runs out of space at different moments. Existing files stay as they
// were, and with space again the same command succeeds.
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
			d.fails("create ignition-configs", "no space left on device", d.path,
				"Next: free some space there and run the same command again")
			after := d.files()
			delete(after, "filler")
			for name, text := range before {
				if after[name] != text && name != stateFile { // the state may have new keys
					t.Errorf("%s was changed", name)
				}
			}
			for name := range after {
				if before[name] == "" {
					t.Errorf("%s was left behind", name)
				}
			}
			after.drawn(t)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			d.run("create ignition-configs")
			if d.files()["bootstrap.ign"] == before["bootstrap.ign"] {
				t.Error("bootstrap.ign was not made anew")
			}
		})
	}
}

// fill writes a file that leaves only so much space.
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
	// destroy goes on without lock, log and journal; here it fails because it has no
	// login for the engine.
	d.fails("destroy cluster", "There will be no log of this run", ".okd_install_journal.json cannot be written",
		"level=fatal msg=read engine login")
	if !maps.Equal(before, d.files()) {
		t.Error("files have changed")
	}
}

// TestFileThatCannotBeReplaced has a mount on a single file, as in containers.
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

// TestForeignDirectory runs as a user who lacks permissions; the error names the file.
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
	// Only the log and the lock are writable.
	for _, name := range []string{".openshift_install.log", ".openshift_install.lock"} {
		if err := os.Chown(filepath.Join(d.path, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	d.failsAs(as(nobody), "read "+filepath.Join(d.path, stateFile)+": permission denied",
		"Next: let this user read and write")
}
