//go:build integration

package kubevirt_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/setup"
	"github.com/okd-install/okd-install/pkg/lab/site"
)

// chroot runs its arguments in the directory ROOT as in a container without KVM.
const chroot = `set -e
mount --bind "$ROOT" "$ROOT"
mkdir -p "$ROOT/var/lib/kubevirt-node-labeller"
mount -t proc proc "$ROOT/proc"
for d in dev run tmp; do mount -t tmpfs "$d" "$ROOT/$d"; done
mount --bind /sys "$ROOT/sys"
mknod -m 666 "$ROOT/dev/null" c 1 3
mknod -m 666 "$ROOT/dev/zero" c 1 5
mknod -m 666 "$ROOT/dev/random" c 1 8
mknod -m 666 "$ROOT/dev/urandom" c 1 9
ln -s /proc/self/fd "$ROOT/dev/fd"
ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
chmod 1777 "$ROOT/run" "$ROOT/tmp"
exec chroot "$@"
`

// inContainer runs a script in the launcher's image, as a user.
func inContainer(t *testing.T, root, user, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--",
		"bash", "-c", chroot, "bash", "--userspec="+user, root, "/bin/bash", "-c", script)
	cmd.Env = append(os.Environ(), "ROOT="+root)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// launcherImage unpacks the launcher's image and the guest's disk into a directory.
func launcherImage(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("OKD_LAB_CACHE")
	if cache == "" {
		cache = site.DefaultCache
	}
	made, err := setup.Load(cache)
	if err != nil {
		t.Fatal(err)
	}
	if made.KubeVirt == nil {
		t.Fatal("no KubeVirt here; run okd-lab setup --virtualization first")
	}
	root := t.TempDir()
	for _, name := range []string{network.Quay + "/kubevirt/virt-launcher:", network.Quay + "/containerdisks/okd-lab:"} {
		unpack(t, imageOf(t, made.KubeVirt.Layout, name), root)
	}
	return root
}

func imageOf(t *testing.T, dir, name string) v1.Image {
	t.Helper()
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if strings.HasPrefix(d.Annotations["org.opencontainers.image.ref.name"], name) {
			img, err := index.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	t.Fatalf("no image %s in %s", name, dir)
	return nil
}

func unpack(t *testing.T, img v1.Image, dir string) {
	t.Helper()
	content := mutate.Extract(img)
	defer content.Close()
	tar := exec.CommandContext(t.Context(), "tar", "-x", "-C", dir, "--xattrs", "--xattrs-include=*")
	tar.Stdin = content
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v: %s", err, out)
	}
}

// TestNodeLabeller runs the script that virt-handler's pods start with.
func TestNodeLabeller(t *testing.T) {
	root := launcherImage(t)
	out := inContainer(t, root, "0:0", "node-labeller.sh 2>&1")
	for name, want := range map[string]string{
		"virsh_domcapabilities.xml": "<domain>qemu</domain>", "supported_features.xml": "<model",
		"capabilities.xml": "<domain type='qemu'",
	} {
		b, err := os.ReadFile(filepath.Join(root, "var/lib/kubevirt-node-labeller", name))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s: %v\n%s", name, want, err, out)
		}
	}
}

// migration runs the guest and moves it from one libvirt to another in the way of
// KubeVirt: peer to peer, through sockets, as a user without privileges. It cannot
// see that a disk is shared, so that it is told so.
const migration = `set -e
export HOME=/tmp
start() {
	mkdir -p "/run/$1" "/tmp/$1"
	XDG_RUNTIME_DIR=/run/$1 XDG_CONFIG_HOME=/tmp/$1 XDG_CACHE_HOME=/tmp/$1 \
		virtqemud -f /etc/libvirt/virtqemud.conf >"/tmp/$1.log" 2>&1 &
	for ((i = 0; i < 300; i++)); do
		! virsh -c "$(uri "$1")" list >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat "/tmp/$1.log"
	return 1
}
uri() { echo "qemu+unix:///session?socket=/run/$1/libvirt/virtqemud-sock"; }
start one
start two
[ "$(cat /proc/[0-9]*/comm | grep -c '^virtqemud$')" = 2 ]
cp /disk/disk.img /tmp/disk.img
cat >/tmp/guest.xml <<X
<domain type='qemu'>
  <name>guest</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type machine='q35'>hvm</type></os><features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/><source file='/tmp/disk.img'/><target dev='vda' bus='virtio'/>
      <shareable/>
    </disk>
    <serial type='file'><source path='/tmp/console'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
X
virsh -c "$(uri one)" create /tmp/guest.xml >/dev/null
ask() { virsh -c "$(uri "$1")" qemu-agent-command guest "$2" 2>/dev/null; }
for ((i = 0; i < 600; i++)); do
	! ask one '{"execute":"guest-ping"}' >/dev/null || break
	sleep 0.2
done
echo "before: $(ask one '{"execute":"guest-get-host-name"}')"
grep -a 'okd-lab login:' /tmp/console
virsh -c "$(uri one)" migrate --live --p2p --unsafe --domain guest \
	--desturi "$(uri two)" --migrateuri unix:///run/two/move
[ -z "$(virsh -c "$(uri one)" list --name)" ]
for ((i = 0; i < 100; i++)); do
	! ask two '{"execute":"guest-ping"}' >/dev/null || break
	sleep 0.2
done
echo "after: $(ask two '{"execute":"guest-get-host-name"}')"
virsh -c "$(uri two)" shutdown --mode acpi guest >/dev/null
for ((i = 0; i < 150; i++)); do
	[ -n "$(virsh -c "$(uri two)" list --name)" ] || exit 0
	sleep 0.2
done
echo "the guest does not mind the power button; its console:"
tail -n 20 /tmp/console
exit 1
`

func TestGuestMigrates(t *testing.T) {
	out := inContainer(t, launcherImage(t), "107:107", migration)
	for _, want := range []string{
		`before: {"return":{"host-name":"okd-lab"}}`, "okd-lab login:", `after: {"return":{"host-name":"okd-lab"}}`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
