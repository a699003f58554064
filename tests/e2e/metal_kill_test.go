//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/phases"
)

// TestMetalKill kills the installer in every phase, and then at random moments. Run again it completes, and nothing of
// the boots is left.
func TestMetalKill(t *testing.T) {
	a := newMetal(t, "metal-kill", metalSize(0), "idrac9")
	dice := dice(t)
	for _, m := range killMoments() {
		if m.name == phases.Infrastructure.Name {
			step(t, "Interrupted", func(t *testing.T) { a.interruptedBoot(t) })
		}
		step(t, m.name, func(t *testing.T) {
			r := a.create(t)
			if !m.reached(t, a, r) {
				t.Fatalf("%s ended with exit code %d:\n%s", r, r.code, last(r.stderr.String(), 20))
			}
			if !m.exact {
				time.Sleep(time.Duration(dice.IntN(700)) * time.Millisecond)
			}
			a.kill(t, r)
			t.Logf("killed in phase %s", r.now(t))
			a.mended(t)
		})
	}
	step(t, "Completes", func(t *testing.T) { a.completesClean(t) })
	step(t, "DestroyKilled", func(t *testing.T) {
		r := a.start(t, a.dir, nil, "destroy", "cluster")
		time.Sleep(time.Duration(dice.IntN(5000)) * time.Millisecond)
		r.signal(syscall.SIGKILL)
		<-r.ended
		if r.code == 0 {
			a.allOff(t)
			return
		}
		a.destroyedUnproved(t) // masters that are off do not answer for the others
	})
	step(t, "AtRandom", func(t *testing.T) {
		a.again(t)
		for range 5 {
			if !a.killedAfter(t, time.Duration(dice.Float64()*float64(typical/2))) {
				break
			}
		}
		a.completesClean(t)
		a.destroyed(t)
	})
}

// killMoment is when a run is killed.
type killMoment struct {
	name    string
	exact   bool // at once when it is reached, not a little later
	reached func(t *testing.T, a *agents, r *run) bool
}

// killMoments are the phases, and what happens in infrastructure before a host is switched on.
func killMoments() (list []killMoment) {
	for _, name := range []string{
		phases.Preflight.Name, phases.Images.Name, "MediumInserted", "OverrideSet", phases.Infrastructure.Name,
		phases.AgentHosts.Name, phases.APIAnswers.Name, phases.BootstrapComplete.Name, phases.BootstrapDestroyed.Name,
		phases.NodesJoined.Name, phases.ClusterComplete.Name,
	} {
		m := killMoment{name: name, reached: func(t *testing.T, _ *agents, r *run) bool {
			return r.reach(t, name, installBudget)
		}}
		inserted := func(h daemon.Host) bool { return h.State == "down" && h.Media != "" }
		switch name {
		case "MediumInserted":
			m.exact, m.reached = true, becomes(func(h daemon.Host) bool { return inserted(h) && h.Once == "" })
		case "OverrideSet":
			m.exact, m.reached = true, becomes(func(h daemon.Host) bool { return inserted(h) && h.Once == host.FromMedia })
		}
		list = append(list, m)
	}
	return list
}

// becomes waits until a host is as described, after it was not: an earlier run may have left it like that.
func becomes(is func(daemon.Host) bool) func(*testing.T, *agents, *run) bool {
	return func(t *testing.T, a *agents, r *run) bool {
		t.Helper()
		name, was := a.hosts[0].Name, true
		a.breaks(t, name, "bmc-slow=1s") // so that the moment can be seen
		for deadline := time.Now().Add(installBudget); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			now := is(a.host(t, name))
			if now && !was {
				return true
			}
			was = now
			select {
			case <-r.ended:
				return false
			default:
			}
		}
		t.Fatalf("host %s was not as wanted within %s:\n%s", name, installBudget, last(r.stderr.String(), 20))
		return false
	}
}

// interruptedBoot presses Ctrl-C while hosts are started.
func (a *agents) interruptedBoot(t *testing.T) {
	before := a.sessions(t) // of runs that were killed
	r := a.create(t)
	r.reach(t, phases.Infrastructure.Name, installBudget)
	time.Sleep(3 * time.Second)
	r.signal(syscall.SIGINT)
	if code := r.end(t, time.Since(r.started)+time.Minute); code != exit.Interrupted {
		t.Errorf("exit code %d, want %d", code, exit.Interrupted)
	}
	if said := r.stderr.String(); !containsAll(said, []string{"Interrupted.", "create cluster --dir " + a.dir}) {
		t.Errorf("standard error does not say how to go on:\n%s", last(said, 20))
	}
	a.noneSince(t, before)
}

// completesClean runs create cluster to its end, and checks that it leaves nothing in the hosts or at their BMCs.
func (a *agents) completesClean(t *testing.T) {
	t.Helper()
	left := a.sessions(t) // of runs that were killed
	a.complete(t)
	a.nodesReady(t)
	a.etcdVotes(t)
	a.noMedia(t)
	a.noneSince(t, left)
}

// noneSince checks that no more sessions are open than before.
func (a *agents) noneSince(t *testing.T, before map[string]int) {
	t.Helper()
	for name, n := range a.sessions(t) {
		if n > before[name] {
			t.Errorf("host %s: %d sessions, %d of which were there before the last run", name, n, before[name])
		}
	}
}

// sessions are how many are open at the BMC of each host.
func (a *agents) sessions(t *testing.T) map[string]int {
	t.Helper()
	count := map[string]int{}
	var all []string
	for _, h := range a.inRack(t) {
		count[h.Name] = h.BMC.Sessions
		all = append(all, fmt.Sprintf("%s: %d", h.Name, h.BMC.Sessions))
	}
	t.Logf("open sessions: %s", strings.Join(all, ", "))
	return count
}

// again writes the inputs of a cluster that was destroyed. Its hosts still have their disks.
func (a *agents) again(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, "install-config.yaml"), a.inputs, 0o600); err != nil {
		t.Fatal(err)
	}
}
