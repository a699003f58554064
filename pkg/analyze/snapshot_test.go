package analyze

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
)

const timedOut = `{"asked":"2026-11-21T09:30:00Z","error":"i/o timeout"}`

// fresh is what the API of a bootstrap host says that is seconds old: operators
// are there by name and have not reported.
func fresh(more files) files {
	return files{
		"resources/source.txt":      "kubeconfig-loopback\n",
		"resources/namespaces.json": items(obj("kube-system", 29.8, "") + "}"),
		"resources/nodes.json":      items(),
		"resources/clusteroperators.json": items(operator("etcd", 29.9),
			operator("network", 29.9, "Available=False=DeployMissing")),
		"bootstrap/services/release-image.json": recs(rec(29, "service start"), rec(29.1, "service end", "", "success")),
		"bootstrap/services/bootkube.json":      recs(rec(29.2, "service start"), rec(29.9, "stage start", "cb-bootstrap")),
	}.with(more)
}

// runsJSON is the journal of several runs.
func runsJSON(t *testing.T, journals ...string) string {
	t.Helper()
	var all struct {
		Runs []phase.Run `json:"runs"`
	}
	for _, text := range journals {
		var one struct {
			Runs []phase.Run `json:"runs"`
		}
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		all.Runs = append(all.Runs, one.Runs...)
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestSilentAPI: an API that does not answer is the cause, and not what a
// bootstrap host says of operators that it has just begun to make.
func TestSilentAPI(t *testing.T) {
	complete := journalJSON("", "", "preflight", "api-answers", "bootstrap-complete", "cluster-complete")
	again := journalJSON("api-answers", "no progress for 20s, waiting for: API at https://api.demo.test:6443: i/o "+
		"timeout", "bootstrap-up", "api-answers")
	taken := " (as of 2026-11-21 09:30:00 UTC, in the bootstrap host's own API)"
	tests := []struct {
		name        string
		files       files
		cause, next string
		also        []string // findings, as severity and text
		not         []string
	}{
		{"a bootstrap beside a complete cluster", fresh(files{journalFile: runsJSON(t, complete, again),
			answerFile: timedOut}),
			"API: it does not answer this machine: i/o timeout", "the way to it from here",
			[]string{"info has not reported yet" + taken, "info not available: DeployMissing" + taken,
				"warning it has begun a control plane of its own"},
			[]string{"error has not reported", "error not available"}},
		{"the same in a bundle that nobody asked the API for", fresh(files{journalFile: runsJSON(t, complete, again)}),
			"API: it does not answer this machine: no progress for " +
				"20s", "the way to it", nil, []string{"error has not reported"}},
		{"a second bootstrap and an API that answers", fresh(files{journalFile: complete,
			answerFile: `{"asked":"2026-11-21T09:30:00Z"}`}),
			"bootstrap host: it has begun a control plane of its " +
				"own", "destroy bootstrap", []string{"info has not reported yet" + taken}, nil},
		{"a first bootstrap that nobody reaches from here", fresh(files{journalFile: again, answerFile: timedOut}),
			"API: it does not answer this machine: i/o timeout", "lead to the bootstrap " +
				"host", []string{"info has not reported yet" + taken}, []string{"control plane of its own"}},
		{"what fails on the bootstrap host comes first", stuckRelease.with(files{journalFile: again, answerFile: timedOut}),
			"bootstrap host: the release image could not be downloaded", "pullSecret", []string{"warning it does not answer " +
				"this machine: i/o timeout"}, nil},
		{"what failed on the masters comes first", failedCluster.with(files{answerFile: timedOut,
			"control-plane/198.18.0.21/failed-units.txt": "kubelet.service loaded failed failed x\n"}),
			"198.18.0.21: failed units: kubelet.service", "", []string{"error it does not answer this machine: i/o " +
				"timeout"}, nil},
		{"operators of a cluster that answers", failedCluster.with(files{answerFile: `{"asked":"2026-11-21T09:30:00Z"}`}),
			"operator authentication: not available", "", nil, []string{"as of"}},
		{"a master without a key", failedCluster.with(files{
			"missing.txt": "control-plane host demo-master-0 (198.18.0.21): " +
				"the host lets none of the keys in: the private half of SHA256:abc was not found\n"}),
			"operator authentication", "", []string{"warning there are no logs of demo-master-0 (198.18.0.21): the host lets " +
				"none of the keys in"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Bundle(t.Context(), save(t, pack(t, "log-bundle-20261121093000/", tt.files)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(r.Cause, tt.cause) || !strings.Contains(r.Next, tt.next) {
				t.Errorf("cause %q\nnext  %q\nwant  %q, %q", r.Cause, r.Next, tt.cause, tt.next)
			}
			var all strings.Builder
			for _, f := range r.Findings {
				all.WriteString(string(f.Severity) + " " + f.Text + "\n")
			}
			for _, part := range tt.also {
				if !strings.Contains(all.String(), part) {
					t.Errorf("%q is not among the findings:\n%s", part, all.String())
				}
			}
			for _, part := range tt.not {
				if strings.Contains(all.String(), part) {
					t.Errorf("%q is among the findings:\n%s", part, all.String())
				}
			}
			checkReport(t, r)
		})
	}
}

// silent is an API that refuses from one moment on.
type silent struct {
	cluster
	err error
}

func (s silent) Raw(ctx context.Context, path string, q url.Values) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.cluster.Raw(ctx, path, q)
}

// TestAPIGoesSilent looks twice at one cluster, which stops answering between.
func TestAPIGoesSilent(t *testing.T) {
	dir := installed(t, failedCluster[journalFile])
	look := func(err error) *Report {
		t.Helper()
		r, lookErr := Installation(t.Context(), Live{Dir: dir, API: silent{cluster{files: failedCluster}, err},
			Now: t0.Add(30 * time.Minute)})
		if lookErr != nil {
			t.Fatal(lookErr)
		}
		return r
	}
	if r := look(nil); !strings.HasPrefix(r.Cause, "operator authentication") {
		t.Errorf("cause %q", r.Cause)
	}
	r := look(errors.New("connection refused"))
	if r.Cause != "API: it does not answer this machine: connection refused" || !strings.Contains(r.Next, "--live") {
		t.Errorf("cause %q, next %q", r.Cause, r.Next)
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Where, "operator") {
			t.Errorf("an operator that nobody heard of now: %+v", f)
		}
	}
}

// An API that is not there yet is no trouble while the machines are made.
func TestSilentAPIBeforeItsTime(t *testing.T) {
	dir := installed(t, `{"runs":[{"command":"create cluster","started":"2026-11-21T08:50:00Z",`+
		`"phases":[{"name":"images","started":"2026-11-21T08:50:00Z","result":"running"}]}]}`)
	r, err := Installation(t.Context(), Live{Dir: dir, Now: t0, API: silent{err: errors.New("no such host")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Where == theAPI && f.Severity != Info {
			t.Errorf("%+v", f)
		}
	}
}
