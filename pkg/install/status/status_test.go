package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/phase"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// entry is a phase that took some seconds; a negative number means that it has
// not ended.
func entry(name string, result phase.Result, seconds int, detail string) phase.Entry {
	e := phase.Entry{Name: name, Started: t0, Result: result, Detail: detail}
	if seconds >= 0 {
		e.Ended = t0.Add(time.Duration(seconds) * time.Second)
	}
	return e
}

func run(entries ...phase.Entry) phase.Run {
	return phase.Run{Command: "create cluster", Started: t0, Phases: entries}
}

func TestSummarize(t *testing.T) {
	destroyed := phase.Run{Command: "destroy cluster", Started: t0,
		Cluster: &phase.Cluster{InfraID: "demo-x7k2p"}, Destroyed: true}
	tests := []struct {
		name string
		runs []phase.Run
		want []PhaseStatus
	}{
		{"nothing", nil, nil},
		{"one run", []phase.Run{run(entry("preflight", phase.Done, 1, ""),
			entry("images", phase.Broken, 5, "refused"))},
			[]PhaseStatus{{Name: "preflight", Result: phase.Done, Seconds: 1},
				{Name: "images", Result: phase.Broken, Seconds: 5, Detail: "refused"}}},
		{"gone on with", []phase.Run{
			run(entry("preflight", phase.Done, 1, ""), entry("images", phase.Broken, 5, "refused")),
			run(entry("preflight", phase.Already, 2, ""), entry("images", phase.Done, 7, ""),
				entry("infrastructure", phase.Running, -1, "")),
		}, []PhaseStatus{{Name: "preflight", Result: phase.Done, Seconds: 1}, {Name: "images", Result: phase.Done,
			Seconds: 12}, {Name: "infrastructure", Result: phase.Running}}},
		{"running", []phase.Run{run(phase.Entry{Name: "images", Started: t0, Result: phase.Running,
			BudgetSeconds: 1800, LimitSeconds: 5400})},
			[]PhaseStatus{{Name: "images", Result: phase.Running, BudgetSeconds: 1800, LimitSeconds: 5400}}},
		{"found done at the first look", []phase.Run{run(entry("images", phase.Already, 1, ""))},
			[]PhaseStatus{{Name: "images", Result: phase.Already}}},
		{"destroyed", []phase.Run{run(entry("images", phase.Done, 5, "")), destroyed}, []PhaseStatus{}},
		{"made anew", []phase.Run{run(entry("images", phase.Done, 5, "")), destroyed,
			run(entry("images", phase.Done, 3, ""))},
			[]PhaseStatus{{Name: "images", Result: phase.Done, Seconds: 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, last := summarize(tt.runs)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if (last == nil) != (len(tt.runs) == 0) {
				t.Errorf("last run %v", last)
			}
		})
	}
}

func TestStatusForPeople(t *testing.T) {
	tests := []struct {
		name   string
		status Status
		want   []string
	}{
		{"nothing", Status{}, []string{"Nothing has been installed"}},
		{"destroyed", Status{Destroyed: "demo-x7k2p", LastRun: &LastRun{Command: "destroy cluster", Ended: t0}},
			[]string{"Cluster demo-x7k2p was destroyed", "ended well at 2026-01-02T03:04:05Z"}},
		{"failed", Status{Cluster: "demo", InfraID: "demo-x7k2p", API: "no auth/kubeconfig",
			LastRun: &LastRun{Command: "create cluster", Ended: t0, Error: "two\nlines"}, Problems: []string{"a\nb"}},
			[]string{"Cluster   demo (demo-x7k2p)\n", "not complete\n", "create cluster, failed: two; lines\n",
				"Problem   a; b\n"}},
		{"interrupted", Status{InfraID: "demo-x7k2p", LastRun: &LastRun{
			Command: "create cluster", Ended: t0, Error: "interrupted: by SIGINT", interrupted: true}},
			[]string{"create cluster, interrupted: by SIGINT\n"}},
		{"killed", Status{InfraID: "demo-x7k2p", LastRun: &LastRun{Command: "create cluster"}},
			[]string{"did not end: it is still running, or was killed"}},
		{"at work", Status{InfraID: "demo-x7k2p", LastRun: &LastRun{Command: "create cluster"},
			Phases: []PhaseStatus{{Name: "images", Result: phase.Running, BudgetSeconds: 1800, LimitSeconds: 5400}}},
			[]string{"images  running  0.0s  at most 1h30m; gives up after 30m without progress\n"}},
		{"complete", Status{InfraID: "demo-x7k2p", Version: "4.20.0", Complete: true,
			Phases: []PhaseStatus{{Name: "images", Result: phase.Done, Seconds: 65},
				{Name: "preflight", Result: phase.Done, Seconds: 2}}},
			[]string{"4.20.0, complete", "images     done  1m05s\n", "total"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if err := tt.status.Print(&out); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}
