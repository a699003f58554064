//go:build integration

package bootstrap_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain runs the tests in a mount namespace of their own: what they mount
// ends with them.
func TestMain(m *testing.M) {
	const inside = "OKD_TEST_INSIDE"
	if os.Getenv(inside) == "" {
		unshare, err := exec.LookPath("unshare")
		if err == nil {
			argv := append([]string{"unshare", "--mount", "--propagation", "private", "--"}, os.Args...)
			err = syscall.Exec(unshare, argv, append(os.Environ(), inside+"=1"))
		}
		fmt.Fprintln(os.Stderr, "run in a mount namespace:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// realOSTree is the real ostree, except for what Debian's version lacks and what needs a
// system that was booted from a deployment.
const realOSTree = `#!/bin/bash
case "$*" in
"container image pull"*)
    for repo; do case "$repo" in */repo) break ;; esac; done
    exec /usr/bin/ostree commit --repo="$repo" --tree=dir="$FAKE/node" \
        --branch=ostree/container/image/docker_3A_/_2F_registry_2E_test/okd/content_40_sha256_3A_0123 ;;
"admin config-diff") printf '%s\n' 'M    hostname' 'A    kubernetes' 'A    kubernetes/kubelet.conf' 'D    motd' ;;
*) exec /usr/bin/ostree "$@" ;;
esac
`

// bareCoreOS is a host whose repository is on a read-only file system, with the real
// ostree, mount and rsync.
func bareCoreOS(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	h.write("assets/image-references", imageReferences)
	for _, tool := range []string{"systemctl", "sleep"} {
		h.write("bin/"+tool, fakeHostTool)
	}
	h.write("bin/ostree", realOSTree)
	for path, content := range map[string]string{
		"fake/node/usr/bin/kubelet": "kubelet", "fake/node/usr/bin/oc": "oc",
		"fake/node/usr/lib/modules/9.9/vmlinuz": "of the image",
		"fake/node/usr/etc/crio/crio.conf":      "new", "fake/node/usr/etc/motd": "new", "fake/node/usr/etc/hostname": "new",
		"fake/node/usr/etc/kubernetes/kubelet.conf": "new", "fake/node/usr/etc/kubernetes/more.conf": "new",
		"root/usr/bin/bash": "bash", "root/usr/lib/modules/6.1/vmlinuz": "of the host",
		"root/etc/hostname": "mine", "root/etc/kubernetes/kubelet.conf": "mine", "disk/ostree/deploy": "",
	} {
		h.write(path, content)
	}
	for i := range 300 { // a checkout that takes long enough to be killed
		h.write(fmt.Sprintf("fake/node/usr/share/%d", i), fmt.Sprint(i))
	}
	h.must(os.MkdirAll(h.path("root/sysroot"), 0o755))
	h.must(os.Symlink("sysroot/ostree", h.path("root/ostree")))
	h.sh("/usr/bin/ostree init --repo=disk/ostree/repo --mode=bare")
	h.sh("mount --bind disk root/sysroot && mount -o remount,bind,ro root/sysroot")
	t.Cleanup(func() {
		h.sh("umount --recursive root/sysroot; ! mountpoint --quiet root/usr || umount --recursive root/usr")
	})
	h.runAll("node-image-prepare.sh")
	return h
}

// sh runs shell text in the host's directory.
func (h *host) sh(text string) string {
	h.t.Helper()
	cmd := exec.Command("timeout", "120", "bash", "-euc", text)
	cmd.Dir, cmd.Env = h.dir, h.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", text, err, out)
	}
	return string(out)
}

// killed runs a script, as its unit does, and kills it after a while.
func (h *host) killed(after time.Duration, propagation, script string) {
	h.t.Helper()
	argv := []string{"bash", h.path("lib/" + script)}
	if propagation != "" {
		argv = append([]string{"unshare", "--mount", "--propagation", propagation}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = h.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.must(cmd.Start())
	time.Sleep(after)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

func TestNodeImageForReal(t *testing.T) {
	h := bareCoreOS(t)
	target := "root/ostree/repo/tmp/okd-node-image"
	for range 12 {
		h.killed(rand.N(400*time.Millisecond), "slave", "node-image-pull.sh")
		if exists(h.path(target)) {
			break
		}
	}
	h.sh("unshare --mount --propagation slave bash lib/node-image-pull.sh")
	compare := "diff -r fake/node/usr/bin " + target + "/usr/bin && cd " + target + "/usr"
	if got := h.sh(compare + " && ls share | wc -l && stat -c %h bin/oc"); got != "300\n2\n" {
		t.Errorf("checkout: %q, want 300 files, with two names each", got)
	}
	if err := os.WriteFile(h.path("root/sysroot/x"), nil, 0o644); err == nil {
		t.Error("the disk can be written by others than the pull")
	}
	for range 8 {
		h.killed(rand.N(150*time.Millisecond), "", "node-image-overlay.sh")
	}
	h.runAll("node-image-overlay.sh")
	for path, want := range map[string]string{
		"usr/bin/kubelet": "kubelet", "usr/lib/modules/6.1/vmlinuz": "of the host", "etc/crio/crio.conf": "new",
		"etc/hostname": "mine", "etc/kubernetes/kubelet.conf": "mine", "etc/kubernetes/more.conf": "new",
	} {
		if got := h.read("root/" + path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, gone := range []string{"root/usr/bin/bash", "root/etc/motd", "root/usr/lib/modules/9.9"} {
		if exists(h.path(gone)) {
			t.Errorf("%s is there", gone)
		}
	}
	if err := os.WriteFile(h.path("root/usr/bin/kubelet"), nil, 0o755); err == nil {
		t.Error("files of the repository can be written through /usr")
	}
	if n := strings.Count(h.sh("cat /proc/self/mountinfo"), " "+filepath.Join(h.dir, "root/usr")+" "); n != 1 {
		t.Errorf("/usr is mounted over %d times", n)
	}
	h.sh("/usr/bin/ostree fsck --quiet --repo=disk/ostree/repo")
}
