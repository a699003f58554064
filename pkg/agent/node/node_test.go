package node_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

func TestClusters(t *testing.T) {
	for _, size := range []struct{ masters, arbiters, workers int }{{3, 0, 0}, {3, 0, 2}, {2, 1, 0}, {5, 0, 0}} {
		w := newWorld(t, size.masters, size.arbiters, size.workers)
		w.power(w.machines...)
		w.finished()
	}
}

// TestKilled kills every agent at every point of its life, the service with it on the
// rendezvous host, and cuts the power of the others.
func TestKilled(t *testing.T) {
	world := func(t *testing.T) *world {
		w := newWorld(t, 3, 0, 1)
		w.cfg.Hosts = []agent.Host{{Role: "worker", MACs: []string{"52:54:00:00:00:03"}}}
		return w
	}
	w := world(t)
	w.power(w.machines...)
	w.finished()
	if len(w.seen) < 20 {
		t.Fatalf("points %q", w.seen)
	}
	for _, point := range w.seen {
		for happens, name := range map[fate]string{killed: "killed", powerLoss: "power"} {
			index, what, _ := strings.Cut(point, "/")
			if happens == powerLoss && index == "0" || index == "1" {
				continue // the service's state is in its memory; one of the other masters is enough
			}
			t.Run(name+" "+point, func(t *testing.T) {
				t.Parallel()
				w := world(t)
				hit := false
				w.at = func(m *machine, at string) fate {
					if string(rune('0'+m.index)) == index && at == what && !hit {
						hit = true
						return happens
					}
					return goOn
				}
				w.power(w.machines...)
				w.finished()
				if !hit {
					t.Error("it never came to that point")
				}
			})
		}
	}
}

func TestDiskFails(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	w.machines[1].failing = "I/O error on /dev/vda"
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "I/O error on /dev/vda") || !strings.Contains(s.Problem.Message, "192.0.2.11") {
		t.Errorf("problem %+v", s.Problem)
	}
	w.await("the rendezvous host waits for it", func(s agent.Status) bool {
		return strings.Contains(s.Waiting, "failed") && s.Hosts[slices.IndexFunc(s.Hosts, func(h agent.HostStatus) bool {
			return h.Rendezvous
		})].Stage == agent.Bootstrapping
	})
}

// TestMediumAgain: a host boots the medium again although its disk is written.
func TestMediumAgain(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	w.machines[2].stuck = true
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "boot order") || !strings.Contains(s.Problem.Message, "192.0.2.12") {
		t.Errorf("problem %+v", s.Problem)
	}
	// Somebody corrects the boot order and boots it again.
	w.mu.Lock()
	w.machines[2].stuck = false
	w.machines[2].next = powerLoss
	w.machines[2].stop()
	w.mu.Unlock()
	w.finished()
}
