package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// A rendezvous host that should answer and does not is named within a minute, once.
func TestUnanswered(t *testing.T) {
	silence := errors.New("no answer")
	at := func(stage agent.Stage) agent.Status {
		s := three(stage)
		s.Hosts[0].Rendezvous = true
		return s
	}
	tests := []struct {
		name string
		says []any
		want string // in a warning; empty for none
	}{
		{"never there", []any{silence}, "boot the host that gets its address from the image"},
		{"bootstrapping", []any{at(agent.Bootstrapping), silence}, "The rendezvous host, a, does not answer any more"},
		{"writing", []any{at(agent.Writing), silence}, "when it wrote its disk"},
		{"it reboots", []any{at(agent.Written), silence}, ""},
		{"it answers again", []any{at(agent.Bootstrapping), silence, at(agent.Bootstrapping)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clk := clock.NewFake(time.Now())
			f := follows(clk, tt.says...)
			var l lines
			for range 30 {
				_, _ = f.begun(t.Context(), &l)
				clk.Advance(statusEvery)
			}
			checkWarnings(t, l, tt.want)
		})
	}
}

// checkWarnings checks that there is one warning with a text and the next step, or none.
func checkWarnings(t *testing.T, l lines, want string) {
	t.Helper()
	var warnings []string
	for _, line := range l {
		if strings.HasPrefix(line, "warn ") {
			warnings = append(warnings, line)
		}
	}
	switch {
	case want == "" && len(warnings) > 0, want != "" && len(warnings) != 1:
		t.Errorf("warnings %q", warnings)
	case want != "" && (!strings.Contains(warnings[0], want) || !strings.Contains(warnings[0], "Next: ")):
		t.Errorf("warning %q, want %q", warnings[0], want)
	}
}

// Hosts that do not come are named within a minute, and are told apart from those that a
// rendezvous host has forgotten.
func TestMissing(t *testing.T) {
	clk := clock.NewFake(time.Now())
	few := agent.Status{Missing: 2, MissingNames: []string{"b", "c"}, Hosts: []agent.HostStatus{host("a", agent.Ready)}}
	f := follows(clk, few)
	var l lines
	for range 30 {
		_, _ = f.look(t.Context(), &l)
		clk.Advance(statusEvery)
	}
	checkWarnings(t, l, "Each of hosts b, c has not registered. Next: boot it from the image; if it has booted")

	running := three(agent.Writing)
	running.Since = clk.Now()
	again := few
	again.Since = clk.Now().Add(time.Second)
	f = follows(clk, running, again)
	l = nil
	_, _ = f.look(t.Context(), &l)
	_, _ = f.look(t.Context(), &l)
	if text := strings.Join(l, "\n"); !strings.Contains(text, "has forgotten the installation") {
		t.Errorf("said\n%s", text)
	}
	l = nil
	for range 30 {
		_, _ = f.look(t.Context(), &l)
		clk.Advance(statusEvery)
	}
	checkWarnings(t, l, "even if its disk was written")
}
