package bootstrap_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	ign "github.com/coreos/ignition/v2/config/v3_2/types"
)

// fakeOSTree is a repository in a directory. Its first pull fails.
const fakeOSTree = `#!/bin/bash
echo "ostree $*" >>"$FAKE/host-runs"
case "$*" in
init*) mkdir -p "${2#--repo=}" ;;
"container image pull"*)
    [ -e "$FAKE/second" ] || { touch "$FAKE/second"; cat "$FAKE/first-pull" >&2; exit 1; }
    [ ! -e "$FAKE/hang" ] || { rm "$FAKE/hang"; touch "$FAKE/hangs"; sleep 60; } ;;
refs*) echo ostree/container/image/docker_3A_/_2F_registry_2E_test/okd/content_40_sha256_3A_0123 ;;
*"get core.mode") cat "$FAKE/mode" 2>/dev/null || echo bare ;;
"admin config-diff")
    printf '%s\n' 'M    hostname' 'A    kubernetes' 'A    kubernetes/kubelet.conf' 'A    a[b]' 'D    motd' ;;
checkout*) target="${*: -1}"; mkdir -p "$target/usr/etc/crio"; echo new >"$target/usr/etc/crio/crio.conf" ;;
esac
`

const imageReferences = `{"metadata":{"name":"5.0.0"},"spec":{"tags":[
 {"name":"stream-coreos","from":{"name":"registry.test/okd/content@sha256:0123"}},
 {"name":"machine-config-operator","from":{"name":"registry.test/okd/content@sha256:mco"}}]}}`

// nodeImageHost is a bare CoreOS in a directory.
func nodeImageHost(t *testing.T, live bool) *host {
	t.Helper()
	h := newHost(t)
	h.write("assets/image-references", imageReferences)
	for _, tool := range []string{"mount", "semodule", "systemctl", "chcon", "df", "sleep"} {
		h.write("bin/"+tool, fakeHostTool)
	}
	h.write("bin/rsync", "#!/bin/bash\necho \"rsync $*\" >>\"$FAKE/host-runs\"\ncp -R \"${@: -2:1}.\" \"${@: -1}\"\n")
	h.write("bin/ostree", fakeOSTree)
	h.write("fake/first-pull", "connection reset\n")
	h.write("root/ostree/deploy/scos/deploy/0123.0/etc/hostname", "x")
	h.write("root/ostree/repo/tmp/cache", "")
	h.write("root/etc/kubernetes/kubelet.conf", "")
	h.write("root/etc/ssh/ssh_host_rsa_key", "")
	h.must(os.MkdirAll(h.path("root/var"), 0o755))
	if live {
		h.write("root/run/ostree-live", "")
	}
	return h
}

var nodeImageScripts = []string{"node-image-prepare.sh", "node-image-pull.sh", "node-image-overlay.sh"}

func (h *host) runAll(scripts ...string) {
	h.t.Helper()
	for _, script := range scripts {
		if out, err := h.run(script); err != nil {
			h.t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
}

// failed reports whether a failure with these words was recorded.
func (h *host) failed(stage, words string) bool {
	h.t.Helper()
	for _, r := range h.records("node-image-pull") {
		if r.Stage == stage && r.Result == "failure" && strings.Contains(r.ErrorMessage, words) {
			return true
		}
	}
	return false
}

// TestNodeImage has the node image checked out on an installed system, and on a
// live one, whose own repository cannot be written.
func TestNodeImage(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		h := nodeImageHost(t, live)
		repo, target := h.path("root/ostree/repo"), h.path("root/ostree/repo/tmp/okd-node-image")
		if live {
			repo, target = h.path("root/var/nodeimage/repo"), h.path("root/var/nodeimage/checkout")
		}
		h.runAll(append(nodeImageScripts, "node-image-pull.sh")...)
		runs := h.read("fake/host-runs")
		if n := strings.Count(runs, "ostree container image pull --authfile /root/.docker/config.json "+repo+" "); n != 2 {
			t.Errorf("live %v: pulled %d times, want again once after the failure:\n%s", live, n, runs)
		}
		if !strings.Contains(runs, "ostree checkout --repo "+repo+" --require-hardlinks ostree/container/image/") {
			t.Errorf("live %v: the checkout takes the space twice:\n%s", live, runs)
		}
		if strings.Contains(runs, "ostree init") != live {
			t.Errorf("live %v: ran\n%s", live, runs)
		}
		if live == exists(repo) {
			t.Errorf("live %v: repository: %v", live, exists(repo))
		}
		// Not the whole directory: other files of the image in it are needed.
		if kept := h.read("root/var/nodeimage/kept"); kept != "/hostname\n/kubernetes/kubelet.conf\n/a\\[b\\]\n/motd\n" {
			t.Errorf("live %v: settings to keep: %q", live, kept)
		}
		kept := "--exclude-from=" + h.path("root/var/nodeimage/kept")
		if h.read("root/etc/crio/crio.conf") != "new\n" || !strings.Contains(runs, kept) {
			t.Errorf("live %v: the image's settings are missing:\n%s", live, runs)
		}
		for _, mount := range []string{
			"mount --rbind " + h.path("root/usr/lib/modules") + " " + target + "/usr/lib/modules\n",
			"mount --rbind " + target + "/usr " + h.path("root/usr") + "\n" +
				"mount --options remount,bind,ro " + h.path("root/usr") + "\n",
		} {
			if !strings.Contains(runs, mount) {
				t.Errorf("live %v: want %s in\n%s", live, mount, runs)
			}
		}
		if info, err := os.Stat(h.path("root/etc/ssh/ssh_host_rsa_key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("host key: %v, %v", info.Mode(), err)
		}
		if !strings.Contains(runs, "systemctl --no-block try-restart sshd.service") {
			t.Errorf("sshd still runs the old program:\n%s", runs)
		}
		if !h.failed("pull-node-image", "connection reset") {
			t.Errorf("live %v: records %+v", live, h.records("node-image-pull"))
		}
		for _, tool := range []string{"chcon", "semodule", "--exclude=/crypto-policies"} {
			if strings.Contains(runs, tool) {
				t.Errorf("%s without SELinux and FIPS mode", tool)
			}
		}
	}
}

// TestNodeImageOnSELinux checks that the script is labelled before it pulls, because
// without its label it may not start rpm-ostree, and that a label that cannot be set is
// recorded.
func TestNodeImageOnSELinux(t *testing.T) {
	t.Parallel()
	h := nodeImageHost(t, false)
	h.write("root/sys/fs/selinux/enforce", "1")
	h.write("root/proc/sys/crypto/fips_enabled", "1\n")
	h.write("bin/chcon", `#!/bin/bash
[ -e "$FAKE/labelled" ] || { touch "$FAKE/labelled"; echo "chcon: operation not permitted" >&2; exit 1; }
echo "chcon $*" >>"$FAKE/host-runs"
`)
	h.runAll(nodeImageScripts...)
	runs := h.read("fake/host-runs")
	label := strings.Index(runs, "chcon --reference=/usr/bin/ostree "+h.path("lib/node-image-pull.sh"))
	if pull := strings.Index(runs, "ostree container"); label < 0 || label > pull {
		t.Errorf("labelled at %d, pulled at %d:\n%s", label, pull, runs)
	}
	if !h.failed("label-node-image-script", "operation not permitted") {
		t.Errorf("records: %+v", h.records("node-image-pull"))
	}
	if !strings.Contains(runs, "semodule --reload") || !strings.Contains(runs, "--exclude=/crypto-policies") {
		t.Errorf("policy or FIPS settings:\n%s", runs)
	}
}

// TestNodeImageName takes the name from the machine config operator's tool if the
// release has it, and from the release's tag if not.
func TestNodeImageName(t *testing.T) {
	t.Parallel()
	h := nodeImageHost(t, false)
	h.runAll("node-image-prepare.sh")
	if spec := h.read("root/var/nodeimage/spec"); spec != "registry.test/okd/content@sha256:0123\n" {
		t.Errorf("by tag: %q", spec)
	}
	h.write("fake/release/usr/bin/machine-config-osimagestream", "#!/bin/sh\n")
	h.write("root/etc/containers/registries.conf", "")
	h.write("fake/flags/node-image-name", "authfile\nimagestream\nregistry-config\ntrust-bundle\n")
	h.write("bin/podman", fakePodman+`
case "$(tail -n 1 "$FAKE/calls")" in *default-node-image*)
    [ -e "$FAKE/asked" ] || { touch "$FAKE/asked"; echo "no image has the label" >&2; exit 1; }
    echo registry.test/okd/content@sha256:4567 ;;
esac
`)
	h.runAll("node-image-prepare.sh")
	if spec := h.read("root/var/nodeimage/spec"); spec != "registry.test/okd/content@sha256:4567\n" {
		t.Errorf("by the tool: %q", spec)
	}
	if !h.failed("find-node-image", "no image has the label") {
		t.Errorf("records: %+v", h.records("node-image-pull"))
	}
	call := h.read("fake/calls")
	for _, want := range []string{
		"--entrypoint /usr/bin/machine-config-osimagestream",
		"registry.test/okd/content@sha256:mco get default-node-image ",
		"--authfile /tmp/auth.json --imagestream /tmp/image-references.json",
		"--registry-config /etc/containers/registries.conf",
	} {
		if !strings.Contains(call, want) {
			t.Errorf("want %q in\n%s", want, call)
		}
	}
}

// TestNodeImageRetries has steps before the pull fail as well. They are recorded and
// tried again, because nothing else starts the units that wait for this one.
func TestNodeImageRetries(t *testing.T) {
	t.Parallel()
	h := nodeImageHost(t, true)
	h.write("bin/mount", `#!/bin/bash
echo "mount $*" >>"$FAKE/host-runs"
[ -e "$FAKE/mounted" ] || { touch "$FAKE/mounted"; echo "mount: permission denied" >&2; exit 32; }
`)
	h.write("fake/first-pull", "error: Writing content object: min-free-space-percent '3%' would be exceeded\n")
	h.write("bin/df", "#!/bin/bash\necho Avail; echo 17\n")
	h.write("fake/mode", "bare-user\n")
	h.runAll(nodeImageScripts...)
	if !h.failed("pull-node-image", "permission denied") {
		t.Errorf("the mount that failed is not recorded: %+v", h.records("node-image-pull"))
	}
	if !h.failed("pull-node-image", "memory for the node image is full (17 MiB left") {
		t.Errorf("the record does not name the full disk: %+v", h.records("node-image-pull"))
	}
	if strings.Contains(h.read("fake/host-runs"), "--require-hardlinks") {
		t.Error("hard links from a repository of another mode")
	}
	last := h.records("node-image-pull")
	if e := last[len(last)-1]; e.Phase != "service end" || e.Result != "success" {
		t.Errorf("last record %+v", e)
	}
}

// TestNodeImageKilled ends the pull with a signal that cannot be caught.
func TestNodeImageKilled(t *testing.T) {
	t.Parallel()
	h := nodeImageHost(t, false)
	h.write("fake/second", "")
	h.write("fake/hang", "")
	h.runAll("node-image-prepare.sh")
	cmd, out := h.start("node-image-pull.sh")
	h.await(func() bool { return exists(h.path("fake/hangs")) }, "never pulled", out)
	h.must(cmd.Process.Signal(syscall.SIGKILL))
	_ = cmd.Wait()
	// Left behind by a checkout that was killed.
	h.write("root/ostree/repo/tmp/okd-node-image.new/usr/bin/half", "")
	h.runAll("node-image-pull.sh")
	usr := h.path("root/ostree/repo/tmp/okd-node-image/usr")
	if exists(usr+"/bin/half") || !exists(usr+"/etc") {
		t.Error("an incomplete checkout was used")
	}
}

// TestNodeImageUnits checks that a host that hangs in this service stays reachable and
// can continue.
func TestNodeImageUnits(t *testing.T) {
	t.Parallel()
	config := render(t, testInputs(t))
	lines := func(unit string) []string { return strings.Split(unitOf(t, config, unit), "\n") }
	var starts []string
	for _, line := range lines("node-image-overlay.target") {
		if names, ok := strings.CutPrefix(line, "Wants="); ok {
			starts = append(starts, strings.Fields(names)...)
		}
	}
	for _, want := range []string{
		"node-image-finish.service", "sshd.service", "systemd-user-sessions.service", "systemd-logind.service",
		"getty.target",
	} {
		if !slices.Contains(starts, want) {
			t.Errorf("the target starts no %s", want)
		}
	}
	next := map[string]string{
		"node-image-prepare.service": "node-image-pull.service",
		"node-image-pull.service":    "node-image-overlay.service",
		"node-image-overlay.service": "node-image-finish.service",
		"node-image-finish.service":  "",
	}
	for unit, waits := range next {
		text := lines(unit)
		for _, want := range []string{"Restart=on-failure", "StartLimitIntervalSec=0", "IgnoreOnIsolate=yes"} {
			if !slices.Contains(text, want) {
				t.Errorf("%s: no %s", unit, want)
			}
		}
		if waits != "" && !slices.Contains(text, "ExecStartPost=/usr/bin/systemctl --no-block start "+waits) {
			t.Errorf("%s: when it is killed, %s is never started", unit, waits)
		}
	}
	for _, want := range []string{"Options=size=5G,mode=0755", "ConditionPathExists=/run/ostree-live"} {
		if text := lines("var-nodeimage.mount"); !slices.Contains(text, want) {
			t.Errorf("memory of a live system: no %s in %q", want, text)
		}
	}
}

func unitOf(t *testing.T, c ign.Config, name string) string {
	t.Helper()
	for _, u := range c.Systemd.Units {
		if u.Name == name && u.Contents != nil {
			return *u.Contents
		}
	}
	t.Fatalf("there is no unit %s", name)
	return ""
}
