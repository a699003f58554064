//go:build integration

package liveiso_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// stage runs live-stage as the lab's hosts do, and then a command in the live
// system.
const stage = `set -eu
mkdir "$dir/os" "$dir/ram"
mount -t squashfs -o ro,loop,offset="$offset" "$iso" "$dir/os"
mount -t tmpfs tmpfs "$dir/ram"
cd "$dir"
mkdir ram/upper ram/work
mount -t overlay -o lowerdir=os,upperdir=ram/upper,workdir=ram/work overlay initramfs/sysroot
chroot "$dir/initramfs" /usr/libexec/okd-lab/live-stage || echo "LIVE-STAGE FAILED WITH CODE $?"
echo LOOK:
cd "$dir/initramfs/sysroot"
sh -c "$look"
`

// runStage unpacks the initramfs of the lab's ISO, adds files as ignition.img does,
// and returns what live-stage printed and what the command printed afterwards.
func runStage(t *testing.T, files map[string]string, look string) (log, seen string) {
	t.Helper()
	path := labISO(t)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	volume, err := iso9660.Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) iso9660.Extent {
		e, err := volume.Find("images/pxeboot/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	dir := t.TempDir()
	initramfs := filepath.Join(dir, "initramfs")
	e := find("initrd.img")
	unpackFirst(t, io.NewSectionReader(f, e.Offset, e.Size), initramfs)
	for name, content := range files {
		to := filepath.Join(initramfs, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "--net", "--",
		"sh", "-c", stage)
	cmd.Env = append(os.Environ(), "dir="+dir, "iso="+path, "look="+look,
		"MACHINE_ID=0B0A74C9-3440-43B1-A413-27AAF2C7E81A",
		fmt.Sprint("offset=", find("rootfs.img").Offset+124), "CMDLINE=ignition.firstboot ignition.platform.id=metal")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	log, seen, _ = strings.Cut(string(out), "LOOK:\n")
	return log, seen
}

// unpackFirst unpacks the first archive of an initrd.img, which is complete without
// the others.
func unpackFirst(t *testing.T, r io.Reader, dir string) {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	cmd := exec.CommandContext(t.Context(), "cpio", "--extract", "--make-directories", "--quiet", "--directory="+dir)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = z, &stderr
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
}

const hook = "cp /etc/coreos/features.json \"$NEWROOT/etc/from-hook\"\n"

func TestLiveStage(t *testing.T) {
	log, seen := runStage(t, map[string]string{
		"config.ign": `{"ignition": {"version": "3.4.0"},
  "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA test"]}]},
  "storage": {"files": [{"path": "/etc/secret", "mode": 384, "contents": {"source": "data:,s3cret"}}]},
  "systemd": {"units": [
    {"name": "off@.service", "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"},
    {"name": "off@a.service", "enabled": true}, {"name": "ssh.service", "enabled": false}]}}`,
		"etc/coreos-firstboot-network/ens3.nmconnection": "[connection]\nid=ens3\n",
		"usr/lib/dracut/hooks/pre-pivot/90-test.sh":      hook,
		"usr/lib/ignition/base.d/50-of-the-initramfs.ign": `{"ignition": {"version": "3.0.0"},
  "storage": {"directories": [{"path": "/etc/based"}]}}`,
		"usr/lib/dracut/hooks/pre-pivot/README-not-a-hook": "exit 1\n",
	}, `cat etc/machine-id; stat -c '%n %a' etc/secret etc/NetworkManager/system-connections/ens3.nmconnection etc/based
grep -o '^core:x:1000' etc/passwd; grep -o live-initrd-network etc/from-hook
cd etc/systemd/system/multi-user.target.wants; ls | grep -e off@ -e ssh.service
test ! -e "$dir/initramfs/run/ignition" && echo no config left`)
	want := `0b0a74c9344043b1a41327aaf2c7e81a
etc/secret 600
etc/NetworkManager/system-connections/ens3.nmconnection 600
etc/based 755
core:x:1000
live-initrd-network
off@a.service
no config left
`
	if seen != want {
		t.Errorf("the live system has\n%swant\n%s%s", seen, want, log)
	}
	if strings.Contains(log, "FAILED") || strings.Contains(log, "s3cret") {
		t.Errorf("the log is\n%s", log)
	}
}

// TestLiveStageFails: a config that cannot be applied ends everything, and is not
// on the console.
func TestLiveStageFails(t *testing.T) {
	log, seen := runStage(t, map[string]string{
		"config.ign": `{"ignition": {"version": "3.4.0"},
  "storage": {"files": [{"path": "/etc/passwd", "overwrite": false, "contents": {"source": "data:,s3cret"}}]}}`,
		"usr/lib/dracut/hooks/pre-pivot/90-test.sh": hook,
	}, "ls etc/from-hook 2>&1 || true")
	for _, line := range []string{
		"LIVE-STAGE FAILED WITH CODE 1", "Ignition failed in stage files", "Full config: (hidden)",
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log has no %q:\n%s", line, log)
		}
	}
	if strings.Contains(log, "s3cret") || !strings.Contains(seen, "No such file") {
		t.Errorf("the config is on the console, or the hook ran (%q):\n%s", seen, log)
	}
}
