package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent/service"
)

// entry is a record.
func entry(phase, stage, result, message string) string {
	out := `{"timestamp":"2026-11-21T03:00:00Z","phase":"` + phase + `"`
	for _, f := range [][2]string{{"stage", stage}, {"result", result}, {"errorMessage", message}} {
		if f[1] != "" {
			out += `,"` + f[0] + `":"` + f[1] + `"`
		}
	}
	return out + "}"
}

func put(t *testing.T, root, name string, content string) {
	t.Helper()
	at := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLook(t *testing.T) {
	begin, ended := entry("service start", "", "", ""), entry("service end", "", "success", "")
	failed := func(stage, why string) string { return entry("stage end", stage, "failure", why) }
	tests := []struct {
		name                      string
		files                     map[string][]string
		done                      bool
		stages, present, problem  string
		wantBootkube, wantProgess bool
	}{
		{name: "nothing yet"},
		{name: "running", files: map[string][]string{
			"release-image": {begin, entry("stage start", "pull", "", ""), entry("stage end", "pull", "success", ""), ended},
			"bootkube":      {begin, entry("stage start", "cb-bootstrap", "", "")},
		}, stages: "release-image: pull, bootkube: cb-bootstrap", present: "bootkube: cb-bootstrap"},
		{name: "the first failure of a download is no news", files: map[string][]string{
			"release-image": {begin, failed("pull", "no route"), entry("stage start", "pull", "", "")},
		}, stages: "release-image: pull", present: "release-image: pull; last error: no route"},
		{name: "a download that fails", files: map[string][]string{
			"release-image": {begin, failed("pull", "no route"), failed("pull", "no route"),
				entry("stage start", "pull", "", "")},
		}, stages: "release-image: pull", present: "release-image: pull; last error: no route",
			problem: "release-image, stage pull fails: no route"},
		{name: "a stage that may fail", files: map[string][]string{
			"bootkube": {begin, failed("check-api-url", "no name"), entry("stage start", "cb-bootstrap", "", "")},
		}, stages: "bootkube: cb-bootstrap", present: "bootkube: cb-bootstrap; last error: no name"},
		{name: "bootkube fails once, while the API's address moves", files: map[string][]string{
			"bootkube": {begin, failed("mco-bootstrap", "bad input"), entry("service end", "", "failure", "bad input"),
				begin, entry("stage start", "mco-bootstrap", "", "")},
		}, stages: "bootkube: mco-bootstrap", present: "bootkube: mco-bootstrap; last error: bad input"},
		{name: "and again", files: map[string][]string{
			"bootkube": {begin, failed("mco-bootstrap", "bad"), entry("service end", "", "failure", "bad"), begin,
				failed("mco-bootstrap", "bad"), entry("service end", "", "failure", "bad"), begin,
				entry("stage start", "mco-bootstrap", "", "")},
		}, stages: "bootkube: mco-bootstrap", present: "bootkube: mco-bootstrap; last error: bad",
			problem: "bootkube, stage mco-bootstrap fails: bad"},
		{name: "progress waits by trying", files: map[string][]string{
			"bootkube": {begin, ended},
			"progress": {begin, failed("report-complete", "1 of 2 masters"), failed("report-complete", "1 of 2 masters"),
				entry("stage start", "report-complete", "", "")},
		}, done: true, stages: "progress: report-complete", wantBootkube: true,
			present: "progress: report-complete; last error: 1 of 2 masters"},
		{name: "done", files: map[string][]string{"bootkube": {begin, ended}, "progress": {begin, ended}}, done: true,
			wantBootkube: true, wantProgess: true, present: "progress is done"},
		{name: "a file that is being replaced", files: map[string][]string{"bootkube": {begin, `{"phase`}},
			present: "bootkube"},
	}
	for _, tt := range tests {
		root := t.TempDir()
		for name, entries := range tt.files {
			put(t, root, recordsDir+"/"+name+".json", "["+strings.Join(entries, ",")+"]")
		}
		if tt.done {
			put(t, root, bootkubeDone, "")
		}
		f := &follower{root: root}
		c := f.look(t.Context())
		problem := ""
		if c.Problem != nil {
			problem = c.Problem.Message
		}
		if got := strings.Join(c.Stages, ", "); got != tt.stages || c.Present != tt.present || problem != tt.problem ||
			c.Bootkube != tt.wantBootkube || c.Progress != tt.wantProgess {
			t.Errorf("%s: %+v, problem %q", tt.name, c, problem)
		}
	}
}

// TestNodesUnknown: an API that does not answer takes no node away, and none is Ready.
func TestNodesUnknown(t *testing.T) {
	root := t.TempDir()
	put(t, root, kubeconfigs[1], "of this host")
	var fail error
	f := &follower{root: root, nodes: func(_ context.Context, kubeconfig []byte) ([]service.Node, error) {
		if string(kubeconfig) == "of this host" && fail == nil {
			return []service.Node{{Name: "a", Ready: true}}, nil
		}
		return nil, errors.New("connection refused")
	}}
	if got := f.askNodes(t.Context()); len(got) != 1 || !got[0].Ready {
		t.Errorf("%+v", got)
	}
	put(t, root, kubeconfigs[0], "of the cluster") // does not answer yet
	if got := f.askNodes(t.Context()); len(got) != 1 || !got[0].Ready {
		t.Errorf("%+v", got)
	}
	fail = errors.New("gone")
	if got := f.askNodes(t.Context()); len(got) != 1 || got[0].Ready {
		t.Errorf("%+v", got)
	}
}
