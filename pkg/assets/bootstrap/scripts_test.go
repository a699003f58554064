package bootstrap_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// script runs a script of the host in a directory, with the given programs.
func (h *host) script(script string, args ...string) (string, error) {
	h.t.Helper()
	cmd := exec.Command("bash", append([]string{script}, args...)...)
	cmd.Env = h.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestApproveCSR(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	// The API on this host is gone; the watch of the other one shows a request
	// that waits and one that is decided.
	h.write("assets/auth/kubeconfig-loopback", "clusters:\n- cluster:\n    server: https://localhost:6443\n")
	h.write("assets/auth/kubeconfig", "clusters:\n- cluster:\n    server: \"https://api-int.demo.okd.test:6443\"\n")
	h.write("bin/curl", "#!/bin/bash\n[[ $* = *'https://api-int.demo.okd.test:6443/readyz' ]]\n")
	h.write("bin/oc", `#!/bin/bash
case "$*" in
*" replace "*) echo "$*" >>"$FAKE/approved"; cat >>"$FAKE/approved"; touch "$OKD_ASSETS/.bootkube.done" ;;
*kubeconfig-loopback*) touch "$FAKE/asked-in-vain"; exit 1 ;;
*) printf '%s\n' '{"kind":"CertificateSigningRequest","metadata":{"name":"csr-new"},'\
'"spec":{"username":"node-bootstrapper"},"status":{}}' \
    '{"kind":"CertificateSigningRequest","metadata":{"name":"csr-old"},"status":{"conditions":[{"type":"Denied"}]}}' ;;
esac
`)
	if out, err := h.run("approve-csr.sh"); err != nil ||
		!strings.Contains(out, "approving csr-new of node-bootstrapper") {
		t.Fatalf("%v\n%s", err, out)
	}
	approved := h.read("fake/approved")
	if !strings.Contains(approved, "/certificatesigningrequests/csr-new/approval -f -") ||
		!strings.Contains(approved, `"type":"Approved"`) {
		t.Errorf("approved: %s", approved)
	}
	if exists(h.path("fake/asked-in-vain")) {
		t.Error("asked an API that does not answer")
	}
	if strings.Contains(approved, "csr-old") {
		t.Error("a decided request was approved")
	}
}

func TestReportProgress(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("bin/oc", `#!/bin/bash
case "$*" in
*infrastructures*) echo '{"status":{"controlPlaneTopology":"HighlyAvailable"}}' ;;
*kubeapiservers*)
    if [ -e "$FAKE/asked" ]; then second=3; else second=0; touch "$FAKE/asked"; fi
    echo '{"status":{"nodeStatuses":[{"currentRevision":2},{"currentRevision":'$second'},{}]}}' ;;
*"create configmap"*) echo "AlreadyExists" >&2; exit 1 ;;
*"patch configmap"*) echo "$*" >"$FAKE/complete" ;;
esac
`)
	h.write("assets/.bootkube.done", "")
	if out, err := h.run("report-progress.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(h.read("fake/complete"), `{"data":{"status":"complete"}}`) {
		t.Error("the ConfigMap was not written")
	}
	records := h.records("progress")
	failed := false
	for _, r := range records {
		failed = failed || r.ErrorMessage == "1 of 2 masters run an API server"
	}
	if last := records[len(records)-1]; !failed || last.Phase != "service end" || last.Result != "success" {
		t.Errorf("records: %+v", records)
	}
}

// TestReportProgressOfANode: a host that becomes a node restarts when this service has
// ended, so etcd must not need it any more.
func TestReportProgressOfANode(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("bin/sleep", "#!/bin/bash\n")
	h.write("bin/oc", `#!/bin/bash
condition() {
    echo '{"status":{"conditions":[{"type":"EtcdBootstrapMemberRemoved","status":"'$1'","message":"3 members vote"}]}}'
}
case "$*" in
*infrastructures*) echo '{"status":{"controlPlaneTopology":"HighlyAvailableArbiter"}}' ;;
*"create configmap"*) touch "$FAKE/complete" ;;
*"get etcds.operator.openshift.io cluster"*)
    [ -e "$FAKE/complete" ] || exit 1
    n=$(($(cat "$FAKE/asked" 2>/dev/null) + 1)); echo "$n" >"$FAKE/asked"
    case "$n" in
    1) echo "The connection to the server was refused" >&2; exit 1 ;;
    2) echo '{"status":{}}' ;;
    3) condition False ;;
    4) condition True ;;
    esac ;;
esac
`)
	h.write("assets/.bootkube.done", "")
	h.write("assets/assisted-install-bootstrap", "")
	if out, err := h.run("report-progress.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var reasons []string
	records := h.records("progress")
	for _, r := range records {
		if r.Stage == "etcd-moved" && r.Result == "failure" {
			reasons = append(reasons, r.ErrorMessage)
		}
	}
	want := []string{
		"The connection to the server was refused", "the etcd operator has not reported yet", "3 members vote",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("waited because of %q, want %q", reasons, want)
	}
	if last := records[len(records)-1]; last.Phase != "service end" || last.Result != "success" {
		t.Errorf("records: %+v", records)
	}
}

func TestVerifyURLs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, tt := range []struct{ name, tool, script, check, target, saying string }{
		{"a name with an address", "dig", "echo 198.18.0.10", "resolve", "api.demo.okd.test", "ok after 1 tries"},
		{"a name without", "dig", "exit 0", "resolve", "api.demo.okd.test", "no address: empty answer"},
		{"a DNS that does not answer", "dig", "echo ';; connection timed out'; exit 9", "resolve", "api.demo.okd.test",
			"no address: ;; connection timed out"},
		{"an API that refuses", "curl", "echo 'connection refused'; exit 7", "ready", "api.demo.okd.test",
			"ready api.demo.okd.test: connection refused"},
		{"etcd after a while", "curl", `[ -e "$FAKE/second" ] || { touch "$FAKE/second"; echo 503; exit 22; }`, "etcd",
			"https://localhost:2379", "ok after 2 tries"},
	} {
		h.write("bin/"+tt.tool, "#!/bin/bash\n"+tt.script+"\n")
		h.write("bin/sleep", "#!/bin/bash\n")
		out, err := h.script(h.path("lib/bootstrap-verify-api-server-urls.sh"), tt.check, tt.target)
		if !strings.Contains(out, tt.saying) || strings.Contains(tt.saying, "tries") == (err != nil) {
			t.Errorf("%s: %v\n%s\nshould say %q", tt.name, err, out, tt.saying)
		}
		if n := strings.Count(out, "\n"); n > 2 {
			t.Errorf("%s: printed %d times:\n%s", tt.name, n, out)
		}
	}
}

func TestCrioConfigure(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("bin/systemctl", fakeHostTool)
	if out, err := h.run("release-image-download.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 2 {
		if out, err := h.run("crio-configure.sh"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	conf := h.read("root/etc/crio/crio.conf.d/00-default-pause")
	if !strings.Contains(conf, `pause_image = "registry.test/okd/content@sha256:pod"`) {
		t.Errorf("configuration:\n%s", conf)
	}
	if n := strings.Count(h.read("fake/host-runs"), "try-restart crio"); n != 1 {
		t.Errorf("the runtime was restarted %d times for one change", n)
	}
}

func TestRecordsSurviveABrokenFile(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("records/x.json", `[{"phase":"service st`)
	h.write("try.sh", `. "$OKD_LIB/bootstrap-service-record.sh"
for i in $(seq 8); do record x "stage start" "s$i" & done; wait
record x "stage end" s1 failure "line 3" 'it said "no"; $HOME'
`)
	if out, err := h.script(h.path("try.sh")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	records := h.records("x")
	if len(records) != 9 {
		t.Fatalf("%d records, want 9: %+v", len(records), records)
	}
	if last := records[8]; last.ErrorMessage != `it said "no"; $HOME` || last.ErrorLine != "line 3" ||
		last.Result != "failure" {
		t.Errorf("last record %+v", last)
	}
}

func TestLocalDNSComesFirst(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	text, _ := fileOf(t, render(t, testInputs(t)), "/etc/NetworkManager/dispatcher.d/30-local-dns-prepender")
	h.write("dispatch.sh", text)
	h.write("root/etc/resolv.conf", "search okd.test\nnameserver 198.18.0.1\nnameserver 198.18.0.2\n")
	for range 2 {
		if out, err := h.script(h.path("dispatch.sh"), "eth0", "up"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		const want = "search okd.test\nnameserver 127.0.0.1\nnameserver 198.18.0.1\nnameserver 198.18.0.2\n"
		if got := h.read("root/etc/resolv.conf"); got != want {
			t.Errorf("resolv.conf:\n%s", got)
		}
	}
	if up := h.read("root/run/NetworkManager/resolv.conf"); strings.Contains(up, "127.0.0.1") ||
		!strings.Contains(up, "198.18.0.1") {
		t.Errorf("servers to forward to:\n%s", up)
	}
	h.write("root/etc/resolv.conf", "untouched\n")
	if _, err := h.script(h.path("dispatch.sh"), "eth0", "down"); err != nil ||
		h.read("root/etc/resolv.conf") != "untouched\n" {
		t.Error("it did something when a link went down")
	}
}

// TestRunnerEndsItsJobs checks that a stopped service leaves no process running.
func TestRunnerEndsItsJobs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write("fake/hang-api-bootstrap", "")
	if out, err := h.run("release-image-download.sh"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd, out := h.start("bootkube.sh")
	h.await(func() bool { return exists(h.path("fake/hangs")) }, "never started", out)
	h.must(cmd.Process.Signal(os.Interrupt))
	err := cmd.Wait()
	if err == nil || !strings.Contains(fmt.Sprint(err), "143") {
		t.Errorf("ended with %v", err)
	}
	last := h.records("bootkube")
	if e := last[len(last)-1]; e.Phase != "service end" || e.Result != "failure" {
		t.Errorf("last record %+v", e)
	}
}

// TestEndOfAStageArrivesInPieces has the time of a read end in the middle of
// the line by which a job reports its end.
func TestEndOfAStageArrivesInPieces(t *testing.T) {
	t.Parallel()
	const program = `set -euo pipefail
eval "$(sed -n '/^next_end() {/,/^}/p' "$1")"
declare -A jobs=([$$]=etcd-bootstrap [1]=api-bootstrap)
mkfifo "$2"
exec 7<>"$2"
(printf 'etcd-bootstrap ' >&7; sleep 1.2; printf '3\n' >&7) &
next_end
echo "$ended_stage $ended_code ${jobs[*]}"`
	h := newHost(t)
	out, err := exec.CommandContext(t.Context(), "bash", "-c", program, "bash", h.path("lib/bootkube.sh"),
		h.path("ended")).CombinedOutput()
	if want := "etcd-bootstrap 3 api-bootstrap\n"; err != nil || string(out) != want {
		t.Errorf("%v: got %q, want %q", err, out, want)
	}
}
