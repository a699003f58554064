package bootstrap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/coreos/ignition/v2/config/v3_1"

	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/types"
)

func inPlaceInputs(t *testing.T) bootstrap.Inputs {
	t.Helper()
	in := testInputs(t)
	in.Profile, in.InPlace = bootstrap.DefaultProfile, true
	in.Config.Platform, in.Platform = types.Platform{Settings: &none.Platform{}}, "none"
	in.Config.BootstrapInPlace = &types.BootstrapInPlace{InstallationDisk: "/dev/disk/by-id/virtio-root"}
	return in
}

// newInPlaceHost is the live system of a node that installs itself, with a
// program that holds etcd's database as long as etcd has a static pod, and a
// machine config server that is late.
func newInPlaceHost(t *testing.T) *host {
	t.Helper()
	h := hostFor(t, inPlaceInputs(t))
	h.write("root/var/lib/etcd/member/snap/db", "etcd")
	h.write("bin/curl", `#!/bin/bash
case "$*" in
*2379/health)
    [ -e "$OKD_ROOT/etc/kubernetes/manifests/etcd-member-pod.yaml" ] || { echo "connection refused"; exit 7; } ;;
*22624/config/master)
    [ -e "$FAKE/late" ] || { touch "$FAKE/late"; echo "connection refused"; exit 7; }
    echo "$*" >>"$FAKE/config-requests"
    while [ "$1" != --output ]; do shift; done
    echo '{"ignition":{"version":"3.2.0"}}' >"$2" ;;
esac
`)
	h.write("fake/outputs/master-ignition/master.ign", "{}")
	h.write("lib/installer-gather.sh", "#!/bin/bash\necho bundle\necho 'missing: a resource' >&2\nexit 1\n")
	etcd := exec.Command("flock", h.path("root/var/lib/etcd/member/snap/db"), "bash", "-c",
		`until [ -e "$OKD_ROOT/etc/kubernetes/manifests/etcd-member-pod.yaml" ]; do sleep 0.1; done
		while [ -e "$OKD_ROOT/etc/kubernetes/manifests/etcd-member-pod.yaml" ]; do sleep 0.1; done
		sleep 1
		echo last words >>"$OKD_ROOT/var/lib/etcd/member/snap/db"`)
	etcd.Env = h.env
	h.must(etcd.Start())
	t.Cleanup(func() { _ = etcd.Wait() })
	return h
}

func TestInPlaceStages(t *testing.T) {
	t.Parallel()
	h := newInPlaceHost(t)
	// The stages before are the same as on other hosts.
	for _, s := range h.table.Stages {
		if s.Name == "wait-for-etcd" {
			break
		}
		marker := s.Marker
		if marker == "" {
			marker = s.Name + ".done"
		}
		h.write("assets/"+marker, "")
	}
	h.write("root/etc/kubernetes/manifests/etcd-member-pod.yaml", "etcd")
	h.write("fake/hang-master-ignition", "")
	if out, err := h.run("release-image-download.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd, out := h.start("bootkube.sh")
	h.await(func() bool { return exists(h.path("fake/hangs")) }, "never came to the last stage", out)
	if db := h.read("root/var/lib/etcd/member/snap/db"); !strings.HasSuffix(db, "last words\n") {
		t.Error("etcd's data was read while etcd still wrote")
	}
	// A kill here must not make it wait for the etcd that it has stopped.
	h.killAll()
	_ = cmd.Wait()
	if said, err := h.run("bootkube.sh"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	h.checkMarkers()
	calls := h.read("fake/calls")
	for _, want := range []string{
		"start --tear-down-early=false --asset-dir=/assets --required-pods=\n",
		"--volume=" + h.path("lib") + ":/assets/bin --volume=/var/lib/etcd:/assets/etcd-data " +
			"--volume=/etc/kubernetes:/assets/kubernetes --security-opt=label=disable",
		"bootstrap-in-place --asset-dir=/assets --input=/assets/bootstrap-in-place/master-update.fcc " +
			"--output=/assets/master.ign\n",
	} {
		if !strings.Contains(calls, want) {
			t.Errorf("no container was called with %q", want)
		}
	}
	if !strings.Contains(h.read("fake/config-requests"), "Accept: application/vnd.coreos.ignition+json;version=3.2.0") {
		t.Errorf("the node's configuration was requested as %s", h.read("fake/config-requests"))
	}
	if !strings.Contains(h.read("assets/original-master.ign"), "3.2.0") ||
		h.read("assets/log-bundle-bootstrap.tar.gz") != "bundle\n" {
		t.Error("configuration or logs are missing")
	}
	if strings.Contains(h.read("fake/host-runs"), "patch clusterversion") || slices.Contains(h.runs(), "wait-for-ceo") {
		t.Error("a stage of the hand-over was run")
	}
}

// TestMasterUpdate translates, as cluster-bootstrap does, what the live system
// hands to the node, and looks at what the node will find.
func TestMasterUpdate(t *testing.T) {
	t.Parallel()
	h := hostFor(t, inPlaceInputs(t))
	h.must(os.CopyFS(h.path("assets/bin"), os.DirFS(h.path("lib"))))
	for name, text := range map[string]string{
		"original-master.ign":        `{"ignition":{"version":"3.2.0"}}`,
		"etcd-data/member/wal/0.wal": "wal", "etcd-data/member/snap/db": "db",
		"kubernetes/bootstrap-configs/kube-apiserver-config.yaml":               "config",
		"tls/kubelet-signer.key":                                                "key",
		"etcd-bootstrap/etc-kubernetes/static-pod-resources/etcd-member/ca.crt": "ca",
		"etcd-bootstrap/etc-kubernetes/manifests/etcd-member-pod.yaml":          "etcd",
		"bootstrap-manifests/kube-apiserver-pod.yaml":                           "kas",
		"bootstrap-manifests/kube-controller-manager-pod.yaml":                  "kcm",
		"bootstrap-manifests/kube-scheduler-pod.yaml":                           "ks",
		"original_cvo_overrides.patch":                                          "patch",
		"log-bundle-bootstrap.tar.gz":                                           "logs",
	} {
		h.write("assets/"+name, text)
	}
	source, _ := fileOf(t, render(t, inPlaceInputs(t)), "/opt/openshift/bootstrap-in-place/master-update.fcc")
	raw, rep, err := config.TranslateBytes([]byte(source), common.TranslateBytesOptions{
		TranslateOptions: common.TranslateOptions{FilesDir: h.path("assets")},
	})
	if err != nil || len(rep.Entries) > 0 {
		t.Fatalf("Butane: %v\n%s", err, rep.String())
	}
	c, rep, err := v3_1.Parse(raw)
	if err != nil || len(rep.Entries) > 0 {
		t.Fatalf("Ignition: %v\n%s", err, rep.String())
	}
	modes := map[string]int{}
	for _, f := range c.Storage.Files {
		if f.Mode != nil {
			modes[f.Path] = *f.Mode
		} else {
			modes[f.Path] = -1
		}
	}
	for _, d := range c.Storage.Directories {
		modes[d.Path] = *d.Mode
	}
	for path, mode := range map[string]int{
		"/etc/kubernetes/bootstrap-secrets": 0o700, "/var/lib/etcd": 0o700, "/opt/openshift": 0o700,
		"/etc/kubernetes/static-pod-resources/etcd-member": 0o700,
		"/etc/kubernetes/bootstrap-secrets/kubeconfig":     0o600,
		"/usr/local/bin/approve-csr.sh":                    0o555,
	} {
		if modes[path] != mode {
			t.Errorf("%s has mode %04o, want %04o", path, modes[path], mode)
		}
	}
	for _, path := range []string{
		"/etc/kubernetes/bootstrap-secrets/kubelet-signer.key", "/var/lib/etcd/member/snap/db",
		"/etc/kubernetes/manifests/etcd-pod.yaml",
		"/etc/kubernetes/bootstrap-configs/kube-apiserver-config.yaml", "/opt/openshift/original_cvo_overrides.patch",
	} {
		if modes[path] == 0 {
			t.Errorf("the node does not get %s", path)
		}
	}
	if len(c.Ignition.Config.Merge) != 1 || len(c.Systemd.Units) != 2 {
		t.Errorf("%d configs to merge, %d units", len(c.Ignition.Config.Merge), len(c.Systemd.Units))
	}
	for _, u := range c.Systemd.Units {
		// Every program that a unit starts must be among the files.
		for line := range strings.Lines(*u.Contents) {
			if program, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok && modes[program] != 0o555 {
				t.Errorf("%s starts %s, which does not exist", u.Name, program)
			}
		}
	}
}

func TestInstallToDisk(t *testing.T) {
	t.Parallel()
	h := hostFor(t, inPlaceInputs(t))
	h.write("assets/bootstrap-in-place/installation-disk", "/dev/disk/by-id/virtio-root\n")
	h.write("assets/.bootkube.done", "")
	h.write("bin/systemctl", fakeHostTool)
	h.write("bin/coreos-installer", fakeHostTool)
	h.write("bin/lsblk", `#!/bin/bash
case "$*" in
*virtio-root) [ -e "$FAKE/plugged" ] || { echo "lsblk: not a block device"; exit 32; } ;;
*) printf '%s\n' '/dev/vda 40G   Lab 123' '/dev/vdb 1T' ;;
esac
`)
	out, err := h.run("install-to-disk.sh")
	want := "bootstrapInPlace.installationDisk is /dev/disk/by-id/virtio-root, and there is no such disk; there are: " +
		"/dev/vda 40G Lab 123,/dev/vdb 1T"
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("%v\n%s", err, out)
	}
	failed := false
	for _, r := range h.records("install-to-disk") {
		failed = failed || r.ErrorMessage == want
	}
	if !failed {
		t.Errorf("records: %+v", h.records("install-to-disk"))
	}
	h.write("fake/plugged", "")
	for range 2 {
		if out, err := h.run("install-to-disk.sh"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	install := "coreos-installer install -i " + h.path("assets/master.ign") + " /dev/disk/by-id/virtio-root\n"
	if runs := h.read("fake/host-runs"); strings.Count(runs, install) != 1 ||
		strings.Count(runs, "systemctl reboot\n") != 2 {
		t.Errorf("ran:\n%s", runs)
	}
}

// fakeCluster is oc on a node that has just started from its disk: every
// question is answered well the second time.
const fakeCluster = `#!/bin/bash
echo "$*" >>"$FAKE/oc"
later() { [ -e "$FAKE/asked-$1" ] || { touch "$FAKE/asked-$1"; return 1; }; }
case "$*" in
*bootstrap-secrets/kubeconfig*) ;;
*) echo "who is asked?" >&2; exit 1 ;;
esac
case "$*" in
*--raw=/readyz) later api || { echo "The connection to the server was refused" >&2; exit 1; } ;;
*"create configmap"*) echo AlreadyExists >&2; exit 1 ;;
*"get nodes"*)
    later node && s=True || s=False
    echo '{"items":[{"metadata":{"labels":{"node-role.kubernetes.io/master":""}},
        "status":{"conditions":[{"type":"Ready","status":"'$s'","message":"no CNI yet"}]}}]}' ;;
*"get clusterversions,clusteroperators"*)
    later cluster && s=True || s=False
    echo '{"items":[{"kind":"ClusterVersion","metadata":{"name":"version"},
        "status":{"conditions":[{"type":"Available","status":"'$s'"}]}},
        {"kind":"ClusterOperator","metadata":{"name":"dns"},
        "status":{"conditions":[{"type":"Available","status":"'$s'"}]}}]}' ;;
esac
`

func TestPostReboot(t *testing.T) {
	t.Parallel()
	h := hostFor(t, inPlaceInputs(t))
	h.write("bin/oc", fakeCluster)
	h.write("bin/systemctl", `#!/bin/bash
echo "systemctl $*" >>"$FAKE/host-runs"
# After its first restart the operators' pods come.
[ "$1" != restart ] || echo "path: /etc/kubernetes/static-pod-resources" \
    >"$OKD_ROOT/etc/kubernetes/manifests/kube-apiserver-pod.yaml"
`)
	h.write("bin/sleep", "#!/bin/bash\n")
	h.write("assets/original_cvo_overrides.patch", "{}")
	h.write("root/etc/kubernetes/bootstrap-secrets/kubeconfig", "loopback")
	h.write("root/etc/kubernetes/bootstrap-configs/kube-apiserver-config.yaml", "config")
	h.write("root/etc/kubernetes/manifests/kube-apiserver-pod.yaml", "path: /etc/kubernetes/bootstrap-configs")
	h.write("root/etc/kubernetes/manifests/etcd-pod.yaml", "path: /var/lib/etcd")
	h.write("root/var/log/log-bundle-bootstrap.tar.gz", "logs")
	lib, err := filepath.Glob(h.path("lib/*"))
	h.must(err)
	if out, err := h.run("bootstrap-in-place-post-reboot.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var steps, reasons []string
	for _, r := range h.records("bootkube") {
		switch {
		case r.Result == "failure":
			reasons = append(reasons, r.ErrorMessage)
		case r.Phase == "stage end":
			steps = append(steps, r.Stage)
		}
	}
	if want := []string{"api-answers", "report-complete", "release-leases", "cvo-overrides", "node-ready",
		"restart-kubelet", "own-control-plane", "restart-kubelet-again", "cluster-available"}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
	if want := []string{"The connection to the server was refused", "no CNI yet",
		"the cluster is not Available, nor are dns"}; !slices.Equal(reasons, want) {
		t.Errorf("reasons to wait %q, want %q", reasons, want)
	}
	calls := h.read("fake/oc")
	for _, want := range []string{
		`patch configmap bootstrap --namespace=kube-system --type=merge --patch={"data":{"status":"complete"}}`,
		"delete --ignore-not-found --namespace=openshift-cluster-version lease/version configmap/version",
		"delete --ignore-not-found --namespace=kube-system lease/cluster-policy-controller-lock",
		"patch clusterversion version --type=merge --patch-file=" + h.path("assets/original_cvo_overrides.patch"),
	} {
		if !strings.Contains(calls, want) {
			t.Errorf("never called: oc %s", want)
		}
	}
	for _, name := range []string{"root/etc/kubernetes/bootstrap-secrets", "root/etc/kubernetes/bootstrap-configs",
		"assets/auth", "root/var/log/log-bundle-bootstrap.tar.gz", "lib/approve-csr.sh",
		"lib/bootstrap-in-place-post-reboot.sh"} {
		if exists(h.path(name)) {
			t.Errorf("left behind: %s", name)
		}
	}
	if !exists(h.path("assets/.bootkube.done")) || len(lib) < 10 {
		t.Error("approve-csr.sh is never ended")
	}
	if !strings.Contains(h.read("fake/host-runs"), "systemctl disable bootkube.service approve-csr.service") {
		t.Errorf("ran:\n%s", h.read("fake/host-runs"))
	}
}

// A node whose old control plane is still there keeps what that needs.
func TestPostRebootWaitsForTheOperators(t *testing.T) {
	t.Parallel()
	h := hostFor(t, inPlaceInputs(t))
	h.write("bin/oc", fakeCluster)
	h.write("bin/systemctl", fakeHostTool)
	h.write("assets/original_cvo_overrides.patch", "{}")
	h.write("root/etc/kubernetes/bootstrap-secrets/kubeconfig", "loopback")
	h.write("root/etc/kubernetes/manifests/kube-apiserver-pod.yaml", "path: /etc/kubernetes/bootstrap-secrets")
	h.write("root/etc/kubernetes/manifests/kube-scheduler-pod.yaml", "path: /etc/kubernetes/bootstrap-configs")
	cmd, out := h.start("bootstrap-in-place-post-reboot.sh")
	const want = "still from the live system: kube-apiserver-pod.yaml kube-scheduler-pod.yaml"
	h.await(func() bool { return strings.Contains(h.read("records/bootkube.json"), want) },
		"does not say what it waits for", out)
	h.killAll()
	_ = cmd.Wait()
	if !exists(h.path("root/etc/kubernetes/bootstrap-secrets/kubeconfig")) {
		t.Error("the keys are gone, and the control plane needs them")
	}
	h.write("root/etc/kubernetes/manifests/kube-apiserver-pod.yaml", "new")
	h.write("root/etc/kubernetes/manifests/kube-scheduler-pod.yaml", "new")
	if said, err := h.run("bootstrap-in-place-post-reboot.sh"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if n := strings.Count(h.read("fake/oc"), "lease/version"); n != 1 {
		t.Errorf("the leases were deleted %d times", n)
	}
}

func TestInPlaceConfig(t *testing.T) {
	t.Parallel()
	c := render(t, inPlaceInputs(t))
	disk, _ := fileOf(t, c, "/opt/openshift/bootstrap-in-place/installation-disk")
	if disk != "/dev/disk/by-id/virtio-root\n" {
		t.Errorf("disk %q", disk)
	}
	if _, mode := fileOf(t, c, "/etc/hostname"); mode != 0 {
		t.Error("the node is given the name of a bootstrap host")
	}
	units := map[string]bool{}
	for _, u := range c.Systemd.Units {
		units[u.Name] = u.Enabled != nil && *u.Enabled
	}
	if on, there := units["progress.service"]; there || on || !units["install-to-disk.service"] ||
		!units["kubelet.service"] {
		t.Errorf("units %v", units)
	}
	for _, f := range render(t, testInputs(t)).Storage.Files {
		if strings.Contains(f.Path, "in-place") || strings.Contains(f.Path, "install-to-disk") {
			t.Errorf("an ordinary bootstrap host gets %s", f.Path)
		}
	}
}
