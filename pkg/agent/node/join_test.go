package node_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/agent"
)

// joining is a world of one host that becomes a node of a cluster.
func joining(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 0, 0, 1)
	w.cfg.Rendezvous = netip.MustParseAddr("127.0.0.1")
	w.cfg.Hosts = []agent.Host{{Hostname: "worker-0", Role: "worker", MACs: []string{"52:54:00:00:00:00"}}}
	w.cfg.Join = &agent.Join{Image: "image"}
	return w
}

// TestJoin lets a host join, and kills its agent or cuts its power at every point of its life.
func TestJoin(t *testing.T) {
	w := joining(t)
	w.power(w.machines...)
	w.finished()
	if w.machines[0].started || len(w.seen) < 6 {
		t.Errorf("units of the bootstrap %v, points %q", w.machines[0].started, w.seen)
	}
	for _, point := range w.seen {
		for happens, name := range map[fate]string{killed: "killed", powerLoss: "power"} {
			t.Run(name+" "+point, func(t *testing.T) {
				t.Parallel()
				w, hit := joining(t), false
				w.at = func(_ *machine, at string) fate {
					if "0/"+at == point && !hit {
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

// A machine that the file does not list keeps its disk.
func TestJoinLeftAlone(t *testing.T) {
	w := joining(t)
	w.cfg.Hosts[0].MACs = []string{"52:54:00:00:00:99"}
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "is left alone") {
		t.Errorf("problem %+v", s.Problem)
	}
	w.machines[0].w.mu.Lock()
	defer w.machines[0].w.mu.Unlock()
	for _, point := range w.seen {
		if point == "0/write" {
			t.Error("its disk was written")
		}
	}
}
