package steps

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/types"
)

// Only a check of virtual addresses that fails and names the machine's own card shows that its old system runs. A
// machine whose card is not known is never taken for one.
func TestRunsOldSystem(t *testing.T) {
	const text = "the network card 52:54:00:00:00:18 answers for the virtual address 192.0.2.5, which must be free"
	for _, tt := range []struct {
		name, mac, id string
		result        agent.Result
		want          bool
	}{
		{"its card", "52-54-00-00-00-18", check.VIPs, agent.Fail, true},
		{"another card", "52:54:00:00:00:19", check.VIPs, agent.Fail, false},
		{"no card known", "", check.VIPs, agent.Fail, false},
		{"passed", "52:54:00:00:00:18", check.VIPs, agent.Pass, false},
		{"another check", "52:54:00:00:00:18", "address-conflict", agent.Fail, false},
	} {
		s := agent.Status{Hosts: []agent.HostStatus{{Checks: []agent.Check{
			{ID: tt.id, Result: tt.result, Problem: agent.Problem{Message: text}},
		}}}}
		if got := runsOldSystem(s, types.Machine{MAC: tt.mac}); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
