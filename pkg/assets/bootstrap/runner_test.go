package bootstrap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
)

// host is a bootstrap host in a directory: the real scripts, with podman, oc,
// dig and curl replaced by programs that note how they were called.
type host struct {
	t     *testing.T
	dir   string
	table bootstrap.Table
	env   []string
	tags  []string // components of the release that no stage names
}

const fakePodman = `#!/bin/bash
# podman that renders by copying prepared files.
case "$1" in
image)
    case "$2" in
    exists) exit 1 ;;
    mount) echo "$FAKE/release" ;;
    esac
    exit 0 ;;
pull)
    [ ! -e "$FAKE/registry-down" ] || { echo "Error: initializing source: no route to host" >&2; exit 125; }
    exit 0 ;;
esac
echo "$*" >>"$FAKE/calls"
flags=()
while [ $# -gt 0 ]; do
    if [ "$1" = --name ]; then name="$2"; fi
    if [[ "$1" == registry.test/* ]]; then image="$1"; fi
    if [ -n "$image" ] && [[ "$1" == --* ]]; then flag="${1#--}"; flags+=("${flag%%=*}"); fi
    shift
done
if [[ "$name" == *-help ]]; then
    stage="${name%-help}"
    echo "$stage" >>"$FAKE/helps"
    [ ! -e "$FAKE/help-hangs" ] || sleep 60
    [ ! -e "$FAKE/help-text" ] || exec cat "$FAKE/help-text"
    [ ! -e "$FAKE/help-fails" ] || { echo "Error: help is broken" >&2; exit 1; }
    echo "Usage: --nothing is a flag here"
    echo "  -h, --help"
    sed 's/^/      --/; s/$/ string   what it is for, --not-a-flag/' "$FAKE/flags/$stage"
    exit 0
fi
echo "$name" >>"$FAKE/runs"
# Flags of the release and no others, as all of its commands.
for flag in "${flags[@]}"; do
    grep -qxF "$flag" "$FAKE/flags/$name" || { echo "Error: unknown flag: --$flag" >&2; exit 1; }
done
if [ -e "$FAKE/fail-$name" ]; then
    rm "$FAKE/fail-$name"
    echo "renderer of $name: bad input" >&2
    exit 1
fi
if [ -e "$FAKE/hang-$name" ]; then
    rm "$FAKE/hang-$name"
    touch "$FAKE/hangs"
    sleep 60
fi
if [ -d "$FAKE/outputs/$name" ]; then
    cp -R "$FAKE/outputs/$name/." "$OKD_ASSETS"
    # Keys differ each time that they are made, as in life.
    [ "$name" != etcd-bootstrap ] ||
        find "$OKD_ASSETS/$name" -type f -exec sh -c 'echo "$$ $(date +%N)" >>"$1"' sh {} \;
fi
`

const fakeHostTool = `#!/bin/bash
echo "$(basename "$0") $*" >>"$FAKE/host-runs"
if [ "$(basename "$0")" = dig ]; then echo 198.18.0.10; fi
`

func newHost(t *testing.T, without ...string) *host {
	t.Helper()
	return hostFor(t, bootstrap.Inputs{Config: testConfig(t), Profile: bootstrap.DefaultProfile}, without...)
}

func hostFor(t *testing.T, in bootstrap.Inputs, without ...string) *host {
	t.Helper()
	for _, tool := range []string{"bash", "jq", "flock"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the scripts of the bootstrap host need %s here: %v", tool, err)
		}
	}
	h := &host{t: t, dir: t.TempDir()}
	lib, bin, fake := h.path("lib"), h.path("bin"), h.path("fake")
	for _, part := range []string{"", "in-place/", "agent/"} {
		tree, err := fs.Sub(data.Bootstrap(), part+"files/usr/local/bin")
		h.must(err)
		h.must(os.CopyFS(lib, tree))
	}
	scripts, err := filepath.Glob(lib + "/*")
	h.must(err)
	for _, script := range scripts {
		h.must(os.Chmod(script, 0o555))
	}
	for _, dir := range []string{bin, fake,
		h.path("assets/tls"), h.path("assets/auth"), h.path("assets/openshift"), h.path("assets/manifests")} {
		h.must(os.MkdirAll(dir, 0o755))
	}
	h.write("bin/podman", fakePodman)
	for _, name := range []string{"oc", "dig", "curl"} {
		h.write("bin/"+name, fakeHostTool)
	}
	h.write("assets/openshift/99_openshift.yaml", "openshift")
	h.write("assets/manifests/cluster-config.yaml", "config")
	h.write("assets/manifests/99_feature-gate.yaml", featureGates("Enabled", "Disabled"))
	h.write("assets/auth/kubeconfig-loopback", "loopback")
	h.write("assets/auth/kubeconfig-kubelet", "kubelet")
	h.write("assets/tls/machine-config-server.crt", "crt")
	h.write("assets/tls/machine-config-server.key", "key")
	h.write("assets/release-image", "registry.test/okd/release@sha256:aa\n")

	stages, err := bootstrap.Stages()
	h.must(err)
	h.table = stages.For(in)
	plan, err := json.Marshal(h.table)
	h.must(err)
	h.write("assets/stages.json", strings.ReplaceAll(string(plan), "/usr/local/bin", lib))
	h.prepare("5.0", without)
	h.env = append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "FAKE="+fake, "OKD_LIB="+lib, "OKD_ASSETS="+h.path("assets"),
		"OKD_ROOT="+h.path("root"), "OKD_RUN="+h.path("run"), "OKD_RECORDS="+h.path("records"))
	return h
}

// prepare makes what the renderers would make, and a release with the flags of
// that version's commands.
func (h *host) prepare(version string, without []string) {
	type tag struct {
		Name string `json:"name"`
		From struct {
			Name string `json:"name"`
		} `json:"from"`
		Annotations map[string]string `json:"annotations,omitempty"`
	}
	var refs struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
		Spec struct {
			Tags []tag `json:"tags"`
		} `json:"spec"`
	}
	refs.Metadata.Name = version + ".0-test"
	tags := slices.Concat([]string{"etcd", "hyperkube", "cluster-policy-controller", "pod"}, h.tags)
	for _, s := range h.table.Stages {
		if s.Image != "" && s.Image != "release" {
			tags = append(tags, s.Image)
		}
		if s.Image != "" {
			h.write("fake/flags/"+s.Name, strings.Join(accepted(h.t, version, s), "\n")+"\n")
		}
		for _, c := range s.Copies {
			out := s.Name
			if s.Output != "" {
				out = s.Output
			}
			if !strings.HasPrefix(c.From, out) {
				continue
			}
			name := "fake/outputs/" + s.Name + "/" + c.From
			switch {
			case filepath.Ext(c.From) == ".yaml", strings.HasSuffix(c.From, "config"):
			case strings.HasSuffix(c.From, "etc-kubernetes"):
				h.write(name+"/static-pod-resources/etcd/ca.crt", "ca")
				name += "/manifests/etcd-member-pod.yaml"
			default:
				name += "/" + s.Name + "-" + filepath.Base(c.From) + ".yaml"
			}
			h.write(name, s.Name)
		}
	}
	slices.Sort(tags)
	for _, name := range slices.Compact(tags) {
		if slices.Contains(without, name) {
			continue
		}
		t := tag{Name: name}
		t.From.Name = "registry.test/okd/content@sha256:" + name
		if name == "hyperkube" {
			t.Annotations = map[string]string{"io.openshift.build.versions": "kubernetes=1.34.3"}
		}
		refs.Spec.Tags = append(refs.Spec.Tags, t)
	}
	raw, err := json.Marshal(refs)
	h.must(err)
	h.write("fake/release/release-manifests/image-references", string(raw))
	h.write("fake/release/release-manifests/release-metadata", `{"version":"`+refs.Metadata.Name+`"}`)
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) write(name, content string) {
	h.t.Helper()
	h.must(os.MkdirAll(filepath.Dir(h.path(name)), 0o755))
	h.must(os.WriteFile(h.path(name), []byte(content), 0o755))
}

func (h *host) read(name string) string {
	raw, err := os.ReadFile(h.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.t.Fatal(err)
	}
	return string(raw)
}

func (h *host) start(script string) (*exec.Cmd, *bytes.Buffer) {
	h.t.Helper()
	out := &bytes.Buffer{}
	cmd := exec.Command("bash", h.path("lib/"+script))
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = h.env, out, out, time.Second
	h.must(cmd.Start())
	h.t.Cleanup(h.killAll)
	return cmd, out
}

// await returns once the condition is met; out is the output until then.
func (h *host) await(isSo func() bool, otherwise string, out fmt.Stringer) {
	h.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !isSo(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s; it said:\n%s", otherwise, out)
		}
	}
}

func (h *host) run(script string) (string, error) {
	h.t.Helper()
	cmd, out := h.start(script)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return out.String(), err
	case <-time.After(3 * time.Minute):
		h.killAll()
		h.t.Fatalf("%s does not end; it said:\n%s", script, out)
		return "", nil
	}
}

func (h *host) boot() string {
	h.t.Helper()
	if out, err := h.run("release-image-download.sh"); err != nil {
		h.t.Fatalf("release-image-download.sh: %v\n%s", err, out)
	}
	out, err := h.run("bootkube.sh")
	if err != nil {
		h.t.Fatalf("bootkube.sh: %v\n%s", err, out)
	}
	return out
}

// killAll does what systemd does to a unit: SIGKILL to every process of it,
// found here by the directory in their environment.
func (h *host) killAll() {
	// A process that is just being started shows no environment for a moment, so
	// one look that finds nothing is not enough.
	deadline := time.Now().Add(20 * time.Second)
	for quiet := 0; quiet < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		quiet++
		procs, err := filepath.Glob("/proc/[0-9]*/environ")
		h.must(err)
		for _, p := range procs {
			env, err := os.ReadFile(p)
			if err != nil || !bytes.Contains(env, []byte("OKD_RUN="+h.path("run"))) {
				continue
			}
			var pid int
			if _, err := fmt.Sscanf(p, "/proc/%d/", &pid); err == nil && pid != os.Getpid() {
				quiet = 0
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

type entry struct{ Timestamp, Phase, Result, Stage, ErrorLine, ErrorMessage, Note string }

func (h *host) records(service string) []entry {
	h.t.Helper()
	var out []entry
	h.must(json.Unmarshal([]byte(h.read("records/"+service+".json")), &out))
	for _, e := range out {
		if _, err := time.Parse(time.RFC3339, e.Timestamp); err != nil {
			h.t.Errorf("record %+v: %v", e, err)
		}
	}
	return out
}

func (h *host) runs() []string { return strings.Fields(h.read("fake/runs")) }

// containers are the stages that run podman.
func (h *host) containers() []string {
	var out []string
	for _, s := range h.table.Stages {
		if s.Image != "" {
			out = append(out, s.Name)
		}
	}
	return out
}

// checkMarkers checks that every stage left its marker.
func (h *host) checkMarkers() {
	h.t.Helper()
	if _, err := os.Stat(h.path("assets/.bootkube.done")); err != nil {
		h.t.Errorf("not complete: %v", err)
	}
	for _, s := range h.table.Stages {
		marker := s.Marker
		if marker == "" {
			marker = s.Name + ".done"
		}
		if _, err := os.Stat(h.path("assets/" + marker)); marker != "none" && err != nil {
			h.t.Errorf("stage %s left no marker: %v", s.Name, err)
		}
	}
}

func (h *host) checkComplete() {
	h.t.Helper()
	h.checkMarkers()
	for _, name := range []string{
		"root/etc/kubernetes/manifests/etcd-member-pod.yaml",
		"root/etc/kubernetes/static-pod-resources/etcd/ca.crt",
		"root/etc/kubernetes/bootstrap-configs/kube-apiserver-config.yaml",
		"root/etc/kubernetes/manifests/mco-bootstrap-manifests.yaml",
		"root/etc/kubernetes/kubeconfig", "root/etc/mcs/kubeconfig", "root/etc/ssl/mcs/tls.key",
		"root/etc/mcc/bootstrap/99_openshift.yaml", "root/etc/mcc/bootstrap/cluster-config.yaml",
		"root/etc/mcc/bootstrap/image-references",
		"root/etc/mcc/bootstrap/api-bootstrap-manifests.yaml",
		"assets/bootstrap-manifests/cvo-bootstrap-bootstrap.yaml",
	} {
		if _, err := os.Stat(h.path(name)); err != nil {
			h.t.Errorf("missing: %v", err)
		}
	}
	if _, err := os.Stat(h.path("root/etc/kubernetes/manifests/machineconfigoperator-bootstrap-pod.yaml")); err == nil {
		h.t.Error("the bootstrap's machine config server still has its static pod")
	}
	// etcd must run with the keys that all other components got.
	got, want := h.read("assets/tls/etcd-bootstrap-tls.yaml"), h.read("assets/etcd-bootstrap/tls/etcd-bootstrap-tls.yaml")
	if got != want || got == "" {
		h.t.Errorf("etcd's keys were rendered again after they had been copied: %q, %q", got, want)
	}
	for _, dir := range []string{"assets", "root"} {
		h.must(filepath.WalkDir(h.path(dir), func(p string, _ fs.DirEntry, err error) error {
			if base := filepath.Base(p); strings.HasPrefix(base, ".new") || strings.HasSuffix(base, ".rendered") {
				h.t.Errorf("left behind: %s", p)
			}
			return err
		}))
	}
}

func TestRunnerRunsEveryStageOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.boot()
	h.checkComplete()
	got, want := h.runs(), h.containers()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("containers run:\n%v\nwant each once:\n%v", got, want)
	}
	var ends []string
	for _, e := range h.records("bootkube") {
		if e.Phase == "stage end" {
			if e.Result != "success" {
				t.Errorf("stage %s: %+v", e.Stage, e)
			}
			ends = append(ends, e.Stage)
		}
	}
	if len(ends) != len(h.table.Stages) {
		t.Errorf("%d stages ended, want %d: %v", len(ends), len(h.table.Stages), ends)
	}
	var copied []string
	for _, s := range h.table.Stages {
		if len(s.Copies) > 0 {
			copied = append(copied, s.Name)
		}
	}
	ends = slices.DeleteFunc(ends, func(s string) bool { return !slices.Contains(copied, s) })
	if !slices.Equal(ends, copied) {
		t.Errorf("results were copied in the order\n%v\nwant\n%v", ends, copied)
	}
	if !strings.Contains(h.read("fake/host-runs"), "patch clusterversion version") {
		t.Error("the overrides were not put back")
	}
	again := h.runs()
	if out, err := h.run("bootkube.sh"); err != nil {
		t.Fatalf("second run: %v\n%s", err, out)
	}
	if extra := h.runs()[len(again):]; len(extra) != 0 {
		t.Errorf("a second run started %v, although everything was done", extra)
	}
}

func TestRunnerGoesOnAfterKill(t *testing.T) {
	t.Parallel()
	stages := []string{"etcd-bootstrap", "api-bootstrap", "mco-bootstrap", "cb-bootstrap"}
	if testing.Short() {
		stages = stages[:1] // the one whose keys must not be made twice
	}
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write("fake/hang-"+stage, "")
			if out, err := h.run("release-image-download.sh"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			cmd, out := h.start("bootkube.sh")
			h.await(func() bool { return h.read("fake/runs") != "" && exists(h.path("fake/hangs")) },
				"stage "+stage+" was never run", out)
			done := map[string]bool{}
			for _, s := range h.table.Stages {
				done[s.Name] = exists(h.path("assets/" + s.Name + ".done"))
			}
			h.killAll()
			_ = cmd.Wait()
			first := len(h.runs())
			h.boot()
			h.checkComplete()
			for _, name := range h.runs()[first:] {
				if done[name] {
					t.Errorf("stage %s had its marker and ran again", name)
				}
			}
			last := h.records("bootkube")
			if e := last[len(last)-1]; e.Phase != "service end" || e.Result != "success" {
				t.Errorf("last record: %+v", e)
			}
		})
	}
}

// A kill between a stage's marker and the removal of what says that it was
// rendered leaves both.
func TestRunnerTidiesUpAfterKill(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.boot()
	h.write("assets/api-bootstrap.rendered", "")
	h.boot()
	h.checkComplete()
}

func TestRunnerSurvivesKillsAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("takes many runs; the kill in a named stage is not skipped")
	}
	t.Parallel()
	h := newHost(t)
	if out, err := h.run("release-image-download.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 8 {
		cmd, _ := h.start("bootkube.sh")
		time.Sleep(time.Duration(50+random.IntN(700)) * time.Millisecond)
		h.killAll()
		_ = cmd.Wait()
	}
	h.boot()
	h.checkComplete()
}

func TestRunnerReportsFailures(t *testing.T) {
	t.Parallel()
	t.Run("a component that the release lacks", func(t *testing.T) {
		t.Parallel()
		h := newHost(t, "cluster-node-tuning-operator", "cluster-policy-controller")
		h.boot()
		if slices.Contains(h.runs(), "node-tuning-bootstrap") {
			t.Error("ran a stage without image")
		}
		found := slices.ContainsFunc(h.records("bootkube"), func(e entry) bool {
			return e.Stage == "node-tuning-bootstrap" && e.Result == "success" &&
				e.Note == "skipped: the release has no image cluster-node-tuning-operator"
		})
		if !found {
			t.Errorf("no record that the stage was skipped: %+v", h.records("bootkube"))
		}
		if plan := h.read("run/plan.sh"); strings.Contains(plan, "cluster-policy-controller-image") {
			t.Error("an argument names an image that the release lacks")
		}
	})
	t.Run("a component that cannot be missing", func(t *testing.T) {
		t.Parallel()
		h := newHost(t, "cluster-bootstrap")
		if out, err := h.run("release-image-download.sh"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := h.run("bootkube.sh"); err == nil {
			t.Fatalf("bootkube.sh succeeded:\n%s", out)
		}
		h.lastFailure("cb-bootstrap", "the release has no image cluster-bootstrap")
	})
	t.Run("a stage that fails once", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		h.write("fake/fail-kube-scheduler-bootstrap", "")
		if out, err := h.run("release-image-download.sh"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := h.run("bootkube.sh"); err == nil {
			t.Fatalf("bootkube.sh succeeded:\n%s", out)
		}
		h.lastFailure("kube-scheduler-bootstrap", "renderer of kube-scheduler-bootstrap: bad input")
		h.boot()
		h.checkComplete()
	})
	t.Run("an empty result", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		h.must(os.RemoveAll(h.path("fake/outputs/api-bootstrap")))
		if out, err := h.run("release-image-download.sh"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := h.run("bootkube.sh"); err == nil {
			t.Fatalf("bootkube.sh succeeded:\n%s", out)
		}
		h.lastFailure("api-bootstrap", "nothing was rendered in "+h.path("assets/api-bootstrap/manifests"))
	})
	t.Run("a registry that is away", func(t *testing.T) {
		t.Parallel()
		h := newHost(t)
		h.write("fake/registry-down", "")
		_, out := h.start("release-image-download.sh")
		failures := func() int { return strings.Count(h.read("records/release-image.json"), "no route to host") }
		h.await(func() bool { return failures() >= 2 }, "failed attempts are not recorded", out)
		h.must(os.Remove(h.path("fake/registry-down")))
		h.await(func() bool { return exists(h.path("assets/release-image.digest")) },
			"it does not go on when the registry is back", out)
	})
}

func (h *host) lastFailure(stage, message string) {
	h.t.Helper()
	var last entry
	for _, e := range h.records("bootkube") {
		if e.Phase == "stage end" && e.Result == "failure" {
			last = e
		}
	}
	if last.Stage != stage || last.ErrorMessage != message {
		h.t.Errorf("last failure: %+v\nwant stage %s: %s", last, stage, message)
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
