package phases_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// Names, codes and order are what users and wrappers know.
func TestTable(t *testing.T) {
	var got []string
	codes := map[string]int{}
	for _, p := range phases.All() {
		got = append(got, p.Name)
		codes[p.Name] = p.ExitCode
	}
	want := []string{"preflight", "images", "infrastructure", "bootstrap-up", "api-answers", "bootstrap-complete",
		"bootstrap-destroyed", "nodes-joined", "cluster-complete", "virtualization"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the phases are not those of the design:\n%s", diff)
	}
	wantCodes := map[string]int{
		"preflight": 1, "images": 4, "infrastructure": 4, "bootstrap-up": 4, "api-answers": 5, "bootstrap-complete": 5,
		"bootstrap-destroyed": 4, "nodes-joined": 6, "cluster-complete": 6, "virtualization": 6,
	}
	if diff := cmp.Diff(wantCodes, codes); diff != "" {
		t.Errorf("the exit codes are not those of the reference:\n%s", diff)
	}
}

func TestEveryPhaseIsWhole(t *testing.T) {
	hints := []phase.Hint{phases.Waiting}
	for _, p := range phases.All() {
		if p.Help == "" || p.ExitCode == 0 {
			t.Errorf("%s: help %q, exit code %d", p.Name, p.Help, p.ExitCode)
		}
		if p.Budget == 0 || p.Next.Text == "" {
			t.Errorf("%s has no budget or no next step", p.Name)
		}
		hints = append(hints, p.Next)
	}
	for _, h := range hints {
		if text := h.In(func(c string) string { return c }); strings.Contains(text, "%!") {
			t.Errorf("a hint does not fit its commands: %s", text)
		}
	}
}

func TestFind(t *testing.T) {
	for _, p := range phases.All() {
		if got, known := phases.Find(p.Name); !known || got.Help != p.Help {
			t.Errorf("%s: %+v, %v", p.Name, got, known)
		}
	}
	if _, known := phases.Find("of another version"); known {
		t.Error("finds what it does not have")
	}
}
