package etcd

import (
	"cmp"
	"math/rand/v2"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

const bootIP = "198.18.0.100"

func voter(id uint64, name, ip string) member {
	return member{ID: id, Name: name, IP: ip, Alive: true, Healthy: true}
}

var (
	boot = voter(1, BootstrapMember, bootIP)
	m0   = voter(2, "m0", "198.18.0.101")
	m1   = voter(3, "m1", "198.18.0.102")
	m2   = voter(4, "m2", "198.18.0.103")
	m3   = voter(5, "m3", "198.18.0.104")
	m4   = voter(6, "m4", "198.18.0.105")
)

func sick(m member) member     { m.Alive, m.Healthy = false, false; return m }
func learning(m member) member { m.Learner, m.Healthy = true, false; return m }
func added(m member) member {
	m.Learner, m.Name, m.Alive, m.Healthy = true, "", false, false
	return m
}

func nodes(waiting ...bool) []candidate {
	var all []candidate
	for _, m := range []member{m0, m1, m2, m3, m4} {
		all = append(all, candidate{m.Name, m.IP, false})
	}
	for i := range waiting {
		all[i].Waiting = waiting[i]
	}
	return all[:len(waiting)]
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		what string
		s    state
		want action
	}{
		{"only bootstrap, no node", state{Members: []member{boot}, Replicas: 3},
			action{Why: "0 of 3 control plane members vote"}},
		{"a node waits", state{Members: []member{boot}, Nodes: nodes(true), Replicas: 3},
			action{Do: addLearner, Name: "m0", IP: m0.IP}},
		{"pod not there yet", state{Members: []member{boot}, Nodes: nodes(false), Replicas: 3},
			action{Why: "etcd pod on m0 has not started"}},
		{"the ready one first", state{Members: []member{boot}, Nodes: nodes(false, true), Replicas: 3},
			action{Do: addLearner, Name: "m1", IP: m1.IP}},
		{"learner not started: no second one", state{Members: []member{boot, added(m0)}, Nodes: nodes(true, true),
			Replicas: 3},
			action{Why: "learner 198.18.0.101 has not started"}},
		{"learner started is promoted", state{Members: []member{boot, learning(m0)}, Nodes: nodes(false, true),
			Replicas: 3},
			action{Do: promote, Member: 2, Name: "m0"}},
		{"learner that has not published its name is promoted too",
			state{Members: []member{boot, {ID: 2, IP: m0.IP, Learner: true, Alive: true}}, Nodes: nodes(false, true),
				Replicas: 3},
			action{Do: promote, Member: 2, Name: "m0"}},
		{"promoted before it serves clients: no second learner",
			state{Members: []member{boot, {ID: 2, IP: m0.IP, Alive: true}}, Nodes: nodes(false, true), Replicas: 3},
			action{Why: "member m0 does not answer clients"}},
		{"learner unreachable", state{Members: []member{boot, learning(sick(m0))}, Nodes: nodes(false, true),
			Replicas: 3},
			action{Why: "learner m0 has not started"}},
		{"learner whose node is gone is removed", state{Members: []member{boot, added(m2)}, Nodes: nodes(true, true),
			Replicas: 3},
			action{Do: remove, Member: 4, Name: m2.IP}},
		{"sick voter stops adding", state{Members: []member{boot, sick(m0)}, Nodes: nodes(false, true), Replicas: 3},
			action{Why: "member m0 does not answer clients"}},
		{"sick voter stops promoting", state{Members: []member{boot, sick(m0), learning(m1)},
			Nodes: nodes(false, false), Replicas: 3},
			action{Why: "member m0 does not answer clients"}},
		{"complete, bootstrap not done", state{Members: []member{boot, m0, m1, m2}, Nodes: nodes(false, false, false),
			Replicas: 3},
			action{Why: "the bootstrap is not complete"}},
		{"bootstrap done", state{Members: []member{boot, m0, m1, m2}, Nodes: nodes(false, false, false), Replicas: 3,
			BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"bootstrap leads", state{Members: []member{boot, m0, m1, m2}, Nodes: nodes(false, false, false), Replicas: 3,
			BootstrapComplete: true, Leader: 1},
			action{Do: moveLeader, Member: 2, Name: "m0"}},
		{"bootstrap done but a master is sick", state{Members: []member{boot, m0, sick(m1), m2},
			Nodes: nodes(false, false, false), Replicas: 3, BootstrapComplete: true},
			action{Why: "member m1 does not answer clients"}},
		{"bootstrap done but a master is missing", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false),
			Replicas: 3, BootstrapComplete: true},
			action{Why: "2 of 3 control plane members vote"}},
		{"bootstrap died before its time", state{Members: []member{sick(boot), m0, m1, m2},
			Nodes: nodes(false, false, false), Replicas: 3},
			action{Why: "member etcd-bootstrap does not answer clients"}},
		{"bootstrap died when done: out with it", state{Members: []member{sick(boot), m0, m1, m2},
			Nodes: nodes(false, false, false), Replicas: 3, BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"single node", state{Members: []member{boot, m0}, Nodes: nodes(false), Replicas: 1, BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"in place: the bootstrap host is the node", state{Members: []member{boot},
			Nodes: []candidate{{"sno", bootIP, false}}, Replicas: 1, BootstrapComplete: true}, action{}},
		// As OKD: three members without the bootstrap's are enough.
		{"five: two are too few", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false), Replicas: 5,
			BootstrapComplete: true},
			action{Why: "2 of 3 control plane members vote"}},
		{"five: three are enough", state{Members: []member{boot, m0, m1, m2}, Nodes: nodes(false, false, false, false),
			Replicas: 5, BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"five: the fourth is there first", state{Members: []member{boot, m0, m1, m2},
			Nodes: nodes(false, false, false, true), Replicas: 5, BootstrapComplete: true},
			action{Do: addLearner, Name: "m3", IP: m3.IP}},
		{"five: the fifth follows", state{Members: []member{m0, m1, m2, m3}, Nodes: nodes(false, false, false, false, true),
			Replicas: 5, BootstrapComplete: true},
			action{Do: addLearner, Name: "m4", IP: m4.IP}},
		// The bootstrap host becomes the last node.
		{"delayed: one is too few", state{Members: []member{boot, m0}, Nodes: nodes(false), Replicas: 3,
			Delayed: true, BootstrapComplete: true},
			action{Why: "1 of 2 control plane members vote"}},
		{"delayed: a learner does not count", state{Members: []member{boot, m0, added(m1)}, Nodes: nodes(false, false),
			Replicas: 3, Delayed: true, BootstrapComplete: true},
			action{Why: "learner 198.18.0.102 has not started"}},
		{"delayed: two, bootstrap not done", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false),
			Replicas: 3, Delayed: true},
			action{Why: "the bootstrap is not complete"}},
		{"delayed: bootstrap done", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false), Replicas: 3,
			Delayed: true, BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"delayed: bootstrap leads", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false), Replicas: 3,
			Delayed: true, BootstrapComplete: true, Leader: 1},
			action{Do: moveLeader, Member: 2, Name: "m0"}},
		{"delayed: a master is sick", state{Members: []member{boot, m0, sick(m1)}, Nodes: nodes(false, false),
			Replicas: 3, Delayed: true, BootstrapComplete: true},
			action{Why: "member m1 does not answer clients"}},
		{"delayed: the third comes at the address of the bootstrap", state{Members: []member{m0, m1},
			Nodes: append(nodes(false, false), candidate{"m2", bootIP, true}), Replicas: 3, Delayed: true,
			BootstrapComplete: true},
			action{Do: addLearner, Name: "m2", IP: bootIP}},
		{"delayed: five", state{Members: []member{boot, m0, m1}, Nodes: nodes(false, false, false, false), Replicas: 5,
			Delayed: true, BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"delayed: two nodes", state{Members: []member{boot, m0}, Nodes: nodes(false), Replicas: 2, Delayed: true,
			BootstrapComplete: true},
			action{Do: remove, Member: 1, Name: BootstrapMember}},
		{"delayed: a single node", state{Members: []member{boot}, Replicas: 1, Delayed: true, BootstrapComplete: true},
			action{Why: "0 of 1 control plane members vote"}},
		{"at rest", state{Members: []member{m0, m1, m2}, Nodes: nodes(false, false, false), Replicas: 3,
			BootstrapComplete: true}, action{}},
		{"never the last one", state{Members: []member{boot}, BootstrapComplete: true},
			action{Why: "0 of 0 control plane members vote"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := next(c.s); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestWalk plays random worlds of every size: whatever happens, there is at most one
// learner, changes are made only among healthy voters, the bootstrap member goes when
// enough others vote, and it ends with all nodes and no other. A bootstrap host that
// becomes a node itself comes back, at its address, after its member has been removed.
func TestWalk(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 600 {
		w := walk{rnd: rnd, replicas: []int{1, 2, 3, 4, 5}[i%5], delayed: i%2 == 0}
		if w.replicas == 1 {
			w.delayed = false // such a host installs itself in place
		}
		w.play(t)
	}
}

type walk struct {
	rnd      *rand.Rand
	replicas int
	delayed  bool
}

func (w walk) play(t *testing.T) {
	t.Helper()
	first := w.replicas
	if w.delayed {
		first--
	}
	s := state{Members: []member{boot}, Nodes: nodes(make([]bool, first)...), Replicas: w.replicas, Delayed: w.delayed}
	for range 120 * (w.replicas + 1) {
		w.change(&s)
		a := next(s)
		if a.Do != nothing {
			for _, m := range s.Members {
				if !m.Learner && !m.Healthy && m.Name != BootstrapMember {
					t.Fatalf("%+v although %s is sick", a, m.display())
				}
			}
		}
		others := s.tally().voters - 1
		apply(&s, a)
		if a.Do == remove && a.Name == BootstrapMember {
			if others < min(first, 3) && !(w.delayed && others == 2) {
				t.Fatalf("%+v: removed the bootstrap member with %d others", w, others)
			}
			if w.delayed { // it restarts, and is the last node
				s.Nodes = append(s.Nodes, candidate{"m" + boot.IP, boot.IP, false})
			}
		}
		if n := s.tally().learners; n > 1 {
			t.Fatalf("%d learners", n)
		}
	}
	if n := s.tally(); n.voters != w.replicas || n.learners != 0 || s.Members[0].Name == BootstrapMember {
		t.Fatalf("%+v: ended with %+v", w, s.Members)
	}
}

// change is what happens in the world before the planner looks again.
func (w walk) change(s *state) {
	i := w.rnd.IntN(len(s.Nodes))
	switch w.rnd.IntN(6) {
	case 0:
		s.Nodes[i].Waiting = true
	case 1: // learners start
		for j := range s.Members {
			s.Members[j].Alive = s.Members[j].Alive || s.Members[j].Learner
		}
	case 2: // somebody dies
		m := &s.Members[w.rnd.IntN(len(s.Members))]
		*m = sick(*m)
	case 3, 4: // all voters recover, and publish their names
		for j := range s.Members {
			if m := &s.Members[j]; !m.Learner {
				m.Alive, m.Healthy, m.Name = true, true, cmp.Or(m.Name, "m")
			}
		}
	case 5:
		running, _ := s.runningInCluster()
		s.BootstrapComplete = s.BootstrapComplete || running
	}
	s.Leader = s.Members[w.rnd.IntN(len(s.Members))].ID
}

func apply(s *state, a action) {
	switch a.Do {
	case addLearner:
		id := uint64(10)
		for _, m := range s.Members {
			id = max(id, m.ID+1)
		}
		s.Members = append(s.Members, member{ID: id, IP: a.IP, Learner: true})
	case promote, remove:
		for i := range s.Members {
			if s.Members[i].ID != a.Member {
				continue
			}
			if a.Do == promote {
				s.Members[i].Learner = false
			} else {
				s.Members = append(s.Members[:i], s.Members[i+1:]...)
			}
			return
		}
	}
}

func TestRunningInCluster(t *testing.T) {
	for _, c := range []struct {
		what string
		s    state
		want bool
	}{
		{"bootstrap only", state{Members: []member{boot}, Replicas: 3}, false},
		{"three of four", state{Members: []member{boot, m0, m1}, Replicas: 3}, false},
		{"four", state{Members: []member{boot, m0, m1, m2}, Replicas: 3}, true},
		{"four with a learner", state{Members: []member{boot, m0, m1, learning(m2)}, Replicas: 3}, false},
		{"four, one sick", state{Members: []member{boot, m0, m1, sick(m2)}, Replicas: 3}, false},
		{"four, bootstrap sick", state{Members: []member{sick(boot), m0, m1, m2}, Replicas: 3}, true},
		{"three without bootstrap", state{Members: []member{m0, m1, m2}, Replicas: 3}, true},
		{"single", state{Members: []member{boot, m0}, Replicas: 1}, true},
		{"in place, under its old name", state{Members: []member{boot}, Nodes: []candidate{{"sno", bootIP, false}},
			Replicas: 1}, true},
		{"in place, sick", state{Members: []member{sick(boot)}, Nodes: []candidate{{"sno", bootIP, false}},
			Replicas: 1}, false},
		{"size unknown", state{Members: []member{boot}}, false},
		{"five: three and the bootstrap", state{Members: []member{boot, m0, m1, m2}, Replicas: 5}, true},
		{"five: two and the bootstrap", state{Members: []member{boot, m0, m1}, Replicas: 5}, false},
		{"delayed: two and the bootstrap", state{Members: []member{boot, m0, m1}, Replicas: 3, Delayed: true}, true},
		{"delayed: one and the bootstrap", state{Members: []member{boot, m0}, Replicas: 3, Delayed: true}, false},
		{"delayed: two, the bootstrap gone", state{Members: []member{m0, m1}, Replicas: 3, Delayed: true}, true},
		{"delayed: one sick", state{Members: []member{boot, m0, sick(m1)}, Replicas: 3, Delayed: true}, false},
		{"delayed: two nodes", state{Members: []member{boot, m0}, Replicas: 2, Delayed: true}, true},
	} {
		if got, why := c.s.runningInCluster(); got != c.want {
			t.Errorf("%s: %v (%s), want %v", c.what, got, why, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	up := func(id uint64) member { return member{ID: id, Name: "m", Alive: true, Healthy: true} }
	starting, down := member{ID: 8, Alive: true}, member{ID: 9, Name: "m"}
	sick := member{ID: 9, Name: "m", Alive: true}
	learner := member{ID: 7, Learner: true, Alive: true}
	for _, c := range []struct {
		name                                string
		members                             []member
		busy, unavailable, degraded, onHold bool
	}{
		{"three are well", []member{up(1), up(2), up(3)}, false, false, false, false},
		{"one learns", []member{up(1), up(2), up(3), learner}, true, false, false, false},
		{"two vote", []member{up(1), up(2)}, true, false, false, true},
		{"one starts", []member{up(1), up(2), starting}, true, false, false, false},
		{"one is down", []member{up(1), up(2), down}, true, false, true, true},
		{"one is sick", []member{up(1), up(2), sick}, true, false, true, true},
		{"half of them are down", []member{up(1), up(2), down, down}, true, true, true, true},
		{"none serves", []member{starting, starting, starting}, true, true, false, false},
	} {
		var r staticpod.Report
		judge(&r, state{Members: c.members, Replicas: 3}, action{})
		if r.Busy != c.busy || r.Unavailable != "" != c.unavailable || r.Degraded != "" != c.degraded ||
			r.Hold != "" != c.onHold {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// TestJudgeWithoutTheLast: after a delayed hand-over two members make the cluster until
// the former bootstrap host has joined. That is neither a fault nor progress.
func TestJudgeWithoutTheLast(t *testing.T) {
	s := state{Members: []member{m0, m1}, Nodes: nodes(false, false), Replicas: 3, Delayed: true, BootstrapComplete: true}
	var r staticpod.Report
	judge(&r, s, next(s))
	if r.Busy || r.Unavailable != "" || r.Degraded != "" {
		t.Errorf("%+v", r)
	}
	if r.Hold == "" {
		t.Error("one of two members may be replaced")
	}
	s.Nodes = append(s.Nodes, candidate{"m2", bootIP, true})
	apply(&s, next(s))
	r = staticpod.Report{}
	judge(&r, s, next(s))
	if !r.Busy || r.Unavailable != "" || r.Degraded != "" {
		t.Errorf("while the third one learns: %+v", r)
	}
}
