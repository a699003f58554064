//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// typical is the shortest time that an installation takes here.
const typical = 90 * time.Second

// dice gives the random moments of kills. The seed is in the output; OKD_TEST_SEED
// repeats them.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("OKD_TEST_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("OKD_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// interruptedThenKilled installs a cluster in three runs: the first is ended by Ctrl-C,
// the second is killed, the third completes.
func (c *cluster) interruptedThenKilled(t *testing.T) {
	step(t, "Interrupted", func(t *testing.T) { c.interrupted(t) })
	step(t, "KilledOnce", func(t *testing.T) {
		after := time.Duration(dice(t).Float64() * float64(typical))
		c.killedAfter(t, after)
	})
	step(t, "Completes", func(t *testing.T) {
		c.complete(t)
		c.figures(t)
	})
}

// interrupted presses Ctrl-C while machines are being made.
func (c *cluster) interrupted(t *testing.T) {
	r := c.create(t)
	r.reach(t, phases.Infrastructure.Name, 3*time.Minute)
	time.Sleep(3 * time.Second)
	r.signal(syscall.SIGINT)
	asked := time.Now()
	if code := r.end(t, installBudget); code != exit.Interrupted {
		t.Errorf("exit code %d, want %d", code, exit.Interrupted)
	}
	t.Logf("ended %s after SIGINT", time.Since(asked).Round(100*time.Millisecond))
	infra := c.infraID(t)
	for _, want := range []string{
		"Interrupted. Cluster " + infra + " is left as it is",
		"tag " + infra, "template " + infra + "-rhcos",
		"okd-install create cluster --dir " + c.dir, "okd-install destroy cluster --dir " + c.dir,
	} {
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("standard error has no %q:\n%s", want, last(r.stderr.String(), 20))
		}
	}
}

// killedAfter kills a run of create cluster so long after its start. It reports whether
// the run had not ended before.
func (c *cluster) killedAfter(t *testing.T, after time.Duration) bool {
	t.Helper()
	r := c.create(t)
	select {
	case <-r.ended:
		if r.code != 0 {
			t.Fatalf("%s ended by itself after %s with exit code %d", r, r.took, r.code)
		}
		t.Logf("complete after %s, before the moment of the kill, %s", r.took, after)
		return false
	case <-time.After(time.Until(r.started.Add(after))):
	}
	where := r.now(t)
	c.kill(t, r)
	t.Logf("killed after %s, in phase %s", after.Round(10*time.Millisecond), where)
	return true
}

// kill ends a run with SIGKILL.
func (c *cluster) kill(t *testing.T, r *run) {
	t.Helper()
	r.signal(syscall.SIGKILL)
	if code := r.end(t, installBudget); code != -1 {
		t.Fatalf("%s: exit code %d, not killed", r, code)
	}
}

// figures logs the time of every phase, over all runs of this cluster.
func (c *cluster) figures(t *testing.T) {
	t.Helper()
	total := time.Duration(0)
	took := map[string]time.Duration{}
	var order []string
	for _, r := range journal(t, c.dir) {
		for _, p := range r.Phases {
			if p.Result != phase.Done {
				continue
			}
			if _, seen := took[p.Name]; !seen {
				order = append(order, p.Name)
			}
			took[p.Name] += p.Took()
			total += p.Took()
		}
	}
	for _, name := range order {
		measured(t, "phase %s took %.1f s", name, took[name].Seconds())
	}
	measured(t, "all phases together took %.0f s in %d runs of create cluster", total.Seconds(), len(journal(t, c.dir)))
}

// killedInEveryPhase kills each run as soon as it is in the next phase.
func killedInEveryPhase(t *testing.T, l *lab) {
	c := l.newCluster(t, "demo", standard)
	dice := dice(t)
	for _, name := range phases.Names() {
		if name == phases.Virtualization.Name {
			continue // the lab's release has nothing to do in it
		}
		step(t, name, func(t *testing.T) {
			r := c.create(t)
			if !r.reach(t, name, installBudget) {
				t.Fatalf("%s ended with exit code %d", r, r.code)
			}
			time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond)
			c.kill(t, r)
			t.Logf("killed in phase %s", r.now(t))
		})
	}
	step(t, "Completes", func(t *testing.T) { c.complete(t) })
	checkCluster(t, c)
	l.finish(t, 2*time.Minute, 0, c.dir, "destroy", "cluster")
}

// killedAtRandom kills five installations, each at another moment.
func killedAtRandom(t *testing.T, l *lab) {
	dice := dice(t)
	for n := range 5 {
		step(t, fmt.Sprintf("Moment%d", n+1), func(t *testing.T) {
			c := l.newCluster(t, "demo", standard)
			c.killedAfter(t, time.Duration(dice.Float64()*float64(typical)))
			c.complete(t)
			c.nodesReady(t)
			c.etcdVotes(t)
			c.bootstrapGone(t)
			c.nothingTwice(t)
			l.finish(t, 2*time.Minute, 0, c.dir, "destroy", "cluster")
		})
	}
}
