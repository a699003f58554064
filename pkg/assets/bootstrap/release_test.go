package bootstrap_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/assets/bootstrap"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

// supported are the releases whose flags are known.
var supported = []string{"4.19", "4.20", "4.21", "4.22", "4.23", "5.0", "5.1"}

// accepted are the flags that the command of a stage takes in a release.
func accepted(t *testing.T, version string, s bootstrap.Stage) []string {
	t.Helper()
	raw, err := fs.ReadFile(data.Lab(), "renderer-flags.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]struct{ Flags []string }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	component, verb := s.Image, "render"
	if component == "release" {
		component = "cluster-version-operator"
	}
	if len(s.Args) > 0 && !strings.HasPrefix(s.Args[0].Text, "-") {
		verb = s.Args[0].Text
	}
	command, known := all[version][component+" "+verb]
	if !known {
		t.Fatalf("stage %s: nothing is known about %s %s of %s", s.Name, component, verb, version)
	}
	return command.Flags
}

func featureGates(enabled, disabled string) string {
	return fmt.Sprintf(`apiVersion: config.openshift.io/v1
kind: FeatureGate
metadata:
  name: cluster
status:
  featureGates:
  - disabled:
    - name: %s
    enabled:
    - name: First
    - name: %s
    version: 5.0.0
`, disabled, enabled)
}

// extra are components that no stage names, but whose presence matters.
func extra(version string) []string {
	switch {
	case version < "4.21":
		return nil
	case version < "5.0":
		return []string{"docker-registry"}
	}
	return []string{"docker-registry", "apiserver-network-proxy"}
}

// resolve prints the stages as the runner would run them, with its own
// functions: the release's images, and what its commands say that they take.
const resolve = `
set -euo pipefail
LIB="$OKD_LIB"
. "$LIB/bootstrap-service-record.sh"
. "$LIB/release-image.sh"
. "$LIB/bootstrap-stage.sh"
mkdir -p "$RUN_DIR" "$STAGE_LOGS"
read_release registry.test/okd/release
load_plan
for name in "${names[@]}"; do
    if [ -n "${optional[$name]}" ]; then
        ask_flags "$name" >"$STAGE_LOGS/$name-help.log" 2>&1 || true
        choose_flags "$name"
    fi
    echo "$name"
    [ -z "${needs[$name]}" ] || echo "  after ${needs[$name]}"
    eval "words=(${options[$name]})"
    [ -z "${image[$name]}" ] || printf '  podman %s\n' "${image[$name]}" "${words[@]}"
    eval "words=(${args[$name]})"
    [ "${#words[@]}" -eq 0 ] || printf '  %s\n' "${words[@]}"
    [ -z "${host[$name]}" ] || printf '  host %s\n' "${host[$name]}"
    [ -z "${note[$name]:-}" ] || printf '  note %s\n' "${note[$name]}"
done
`

// TestStagesOfEachRelease resolves the stages with the host's own scripts, and checks
// that no command gets a flag that it does not have in that release. The golden files
// show reviewers what each release gets.
func TestStagesOfEachRelease(t *testing.T) {
	for _, kind := range []string{"", "-in-place"} {
		for _, version := range supported {
			t.Run(version+kind, func(t *testing.T) {
				in := bootstrap.Inputs{Config: testConfig(t), Profile: bootstrap.DefaultProfile}
				if kind != "" {
					in = inPlaceInputs(t)
				}
				h := hostFor(t, in)
				h.tags = extra(version)
				h.prepare(version, nil)
				h.write("lib/resolve.sh", resolve)
				out, err := h.run("resolve.sh")
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				h.onlyAccepted(version, out)
				golden.Compare(t, "testdata/release-"+version+kind+".txt",
					strings.ReplaceAll(out, h.path("lib"), "/usr/local/bin"))
			})
		}
	}
}

// onlyAccepted looks for flags in the resolved stages that the release lacks.
func (h *host) onlyAccepted(version, resolved string) {
	h.t.Helper()
	var flags []string
	checked := 0
	for line := range strings.Lines(resolved) {
		name := strings.TrimSpace(line)
		if !strings.HasPrefix(line, " ") {
			i := slices.IndexFunc(h.table.Stages, func(s bootstrap.Stage) bool { return s.Name == name })
			if flags = nil; h.table.Stages[i].Image != "" {
				flags = accepted(h.t, version, h.table.Stages[i])
			}
		}
		if flag, ok := strings.CutPrefix(line, "  --"); ok {
			flag, _, _ = strings.Cut(strings.TrimSpace(flag), "=")
			if checked++; !slices.Contains(flags, flag) {
				h.t.Errorf("release %s has no flag --%s", version, flag)
			}
		}
	}
	if checked < 50 {
		h.t.Errorf("only %d flags were looked at:\n%s", checked, resolved)
	}
}

func (h *host) note(stage string) string {
	h.t.Helper()
	for _, e := range slices.Backward(h.records("bootkube")) {
		if e.Stage == stage && e.Phase == "stage end" {
			return e.Note
		}
	}
	return ""
}

// position returns the index of a stage in the order in which containers were run.
func (h *host) position(stage string) int { return slices.Index(h.runs(), stage) }

func TestOptionalArguments(t *testing.T) {
	const both = "--rendered-manifest-files --payload-version"
	for _, tt := range []struct {
		name  string
		setup func(*host)
		taken bool
		note  string
	}{
		{"a release that takes them", func(h *host) {
			flags := h.read("fake/flags/etcd-bootstrap")
			h.write("fake/flags/etcd-bootstrap", flags+"rendered-manifest-files\npayload-version\n")
		}, true, ""},
		{"a release that does not", func(*host) {}, false, "left out, because this release does not take it: " + both},
		{"no answer", func(h *host) { h.write("fake/help-fails", "") }, false,
			"left out, because the command did not say what it takes (Error: help is broken): " + both},
		{"an answer about something else", func(h *host) {
			h.write("fake/help-text", "  --payload-version string\n  -x\nSegmentation fault\n")
		}, false,
			"left out, because the command did not say what it takes " +
				"(the help text names none of the flags that are known: Segmentation fault): " + both},
		{"no end", func(h *host) {
			h.write("fake/help-hangs", "")
			h.env = append(h.env, "OKD_HELP_LIMIT=1")
		}, false, "left out, because the command did not say what it takes (): " + both},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			tt.setup(h)
			h.write("lib/resolve.sh", resolve)
			out, err := h.run("resolve.sh")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			_, etcd, _ := strings.Cut(out, "\netcd-bootstrap\n")
			etcd, _, _ = strings.Cut(etcd, "\nkube-apiserver-bootstrap\n")
			_, note, _ := strings.Cut(etcd, "\n  note ")
			if note != tt.note {
				t.Errorf("note %q\nwant %q", note, tt.note)
			}
			for _, want := range []string{
				"  after openshift-manifests api-bootstrap\n",
				"  --rendered-manifest-files=/assets/manifests\n  --payload-version=5.0.0-test",
			} {
				if strings.Contains(etcd, want) != tt.taken {
					t.Errorf("%q is there: %v, want %v:\n%s", want, !tt.taken, tt.taken, etcd)
				}
			}
		})
	}
}

// TestFlagsAreAskedForOnce kills the service: the next run reuses the answers.
func TestFlagsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("fake/flags/etcd-bootstrap", h.read("fake/flags/etcd-bootstrap")+"rendered-manifest-files\npayload-version\n")
	h.write("fake/hang-etcd-bootstrap", "")
	if out, err := h.run("release-image-download.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd, out := h.start("bootkube.sh")
	asked := func() int { return strings.Count(h.read("fake/helps"), "\n") }
	h.await(func() bool { return asked() >= 2 && exists(h.path("fake/hangs")) }, "asked too few commands", out)
	h.killAll()
	_ = cmd.Wait()
	h.boot()
	h.checkComplete()
	if h.position("etcd-bootstrap") < h.position("api-bootstrap") {
		t.Errorf("etcd read feature gates before they were rendered: %v", h.runs())
	}
	if got := h.note("cvo-bootstrap"); got != "" {
		t.Errorf("flags were left out although every flag is accepted: %s", got)
	}
	if n := strings.Count(h.read("fake/helps"), "etcd-bootstrap\n"); n != 1 {
		t.Errorf("asked etcd's operator %d times, want once:\n%s", n, h.read("fake/helps"))
	}
}

func TestRefusesKonnectivity(t *testing.T) {
	t.Parallel()
	const gate = "CRDCompatibilityRequirementOperator"
	asJSON := `{"kind":"FeatureGate","status":{"featureGates":[` +
		`{"version":"5.0.0","enabled":[{"name":"` + gate + `"}],"disabled":[]}]}}`
	for _, tt := range []struct {
		name, version, gates string
		refused              bool
	}{
		{"the gate is on", "5.0", featureGates(gate, "Other"), true},
		{"the gate is on, as JSON", "5.0", asJSON, true},
		{"the gate is off", "5.0", featureGates("Other", gate), false},
		{"a release that does without", "4.21", featureGates(gate, "Other"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.tags = extra(tt.version)
			h.prepare(tt.version, nil)
			h.write("assets/manifests/99_feature-gate.yaml", tt.gates)
			if out, err := h.run("release-image-download.sh"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !tt.refused {
				h.write("lib/check.sh", `exec "$OKD_LIB/bootstrap-refuse-gates.sh" apiserver-network-proxy `+gate)
				if out, err := h.run("check.sh"); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
				return
			}
			if out, err := h.run("bootkube.sh"); err == nil {
				t.Fatalf("bootkube.sh succeeded:\n%s", out)
			}
			h.lastFailure("refuse-konnectivity", "feature gate "+gate+" is on, and with it release 5.0.0-test needs "+
				"apiserver-network-proxy on the bootstrap host, which is not supported; "+
				"use no featureSet, or one without that gate")
			if _, err := os.Stat(h.path("root/etc/kubernetes/manifests/machineconfigoperator-bootstrap-pod.yaml")); err == nil {
				t.Error("the error came after the host had begun to serve masters")
			}
		})
	}
}
