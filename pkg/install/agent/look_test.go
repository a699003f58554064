package agent

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

func TestLines(t *testing.T) {
	s := three(agent.Ready)
	s.Hosts[1].Checks = []agent.Check{{ID: "ntp", Result: agent.Fail}}
	s.Hosts[2].Silent = true
	s.MissingNames = []string{"worker-0"}
	got := strings.Join(hostLines(s), "\n")
	want := "a (master) is ready\nb (master) is ready; it has to pass check ntp\n" +
		"c (master) is ready; it was last heard of at 00:00:00 UTC\nnot registered: worker-0"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
