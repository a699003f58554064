package etcd

import (
	"fmt"
	"slices"
	"strings"
)

// member of the etcd cluster as the planner sees it.
type member struct {
	ID      uint64
	Name    string // empty until it has published it, seconds after it started
	IP      string // of its peer URL
	Learner bool
	Alive   bool // answers its peers
	Healthy bool // answers its clients, and knows a leader; not asked of learners
}

// candidate is a control plane node.
type candidate struct {
	Node    string
	IP      string
	Waiting bool // its etcd pod is there and waits to be a member
}

// state of the world that the planner decides on.
type state struct {
	Members           []member
	Nodes             []candidate
	Replicas          int  // nodes that the cluster is to have a member on
	Delayed           bool // the bootstrap host becomes one of them when it has handed over
	BootstrapComplete bool // the installer's completion ConfigMap says so
	Leader            uint64
}

// enough is how many members without the bootstrap's make etcd independent of it. As in
// OKD three are enough for larger control planes, too, whose other members follow. A
// bootstrap host that becomes a node itself cannot wait for its own member.
func (s state) enough() int {
	n := min(s.Replicas, 3)
	if s.Delayed && n > 1 {
		n--
	}
	return n
}

type verb string

const (
	nothing    verb = ""
	addLearner verb = "add learner"
	promote    verb = "promote"
	moveLeader verb = "move leader"
	remove     verb = "remove"
)

// action is the one change of membership to make next.
type action struct {
	Do     verb
	Member uint64 // promote, remove: whom; move leader: to whom
	Name   string
	IP     string // add learner
	Why    string // what is being waited for, when there is nothing to do
}

// next decides. One change at a time, only while every member is healthy, cannot
// cost the quorum: a learner does not count, a promotion adds one member that is up
// to date, and the bootstrap member goes when the others are complete. That one may
// be dead by then: removing it lowers the quorum to what the others make alone.
func next(s state) action {
	learners := slices.DeleteFunc(slices.Clone(s.Members), func(m member) bool { return !m.Learner })
	for _, l := range learners {
		if !slices.ContainsFunc(s.Nodes, func(c candidate) bool { return c.IP == l.IP }) {
			return action{Do: remove, Member: l.ID, Name: l.display()}
		}
	}
	for _, m := range s.Members {
		if !m.Learner && !m.Healthy && !(s.leaving(m) && s.BootstrapComplete) {
			return action{Why: fmt.Sprintf("member %s does not answer clients", s.nodeOf(m))}
		}
	}
	if len(learners) > 0 {
		l := learners[0]
		if !l.Alive {
			return action{Why: fmt.Sprintf("learner %s has not started", l.display())}
		}
		return action{Do: promote, Member: l.ID, Name: s.nodeOf(l)}
	}
	why := ""
	for _, c := range s.Nodes {
		if slices.ContainsFunc(s.Members, func(m member) bool { return m.IP == c.IP }) {
			continue
		}
		if c.Waiting {
			return action{Do: addLearner, Name: c.Node, IP: c.IP}
		}
		why = fmt.Sprintf("etcd pod on %s has not started", c.Node)
	}
	return bootstrapStep(s, why)
}

// leaving reports whether a member is on a bootstrap host that goes. One that
// bootstrapped in place stays, under the old name until the operator's pod runs it.
func (s state) leaving(m member) bool {
	return m.Name == BootstrapMember && !slices.ContainsFunc(s.Nodes, func(c candidate) bool { return c.IP == m.IP })
}

func bootstrapStep(s state, why string) action {
	i := slices.IndexFunc(s.Members, s.leaving)
	if i < 0 {
		return action{Why: why}
	}
	b := s.Members[i]
	others := slices.DeleteFunc(slices.Clone(s.Members), func(m member) bool { return m.ID == b.ID || m.Learner })
	switch {
	case len(others) < s.enough() || len(others) == 0:
		if why == "" {
			why = fmt.Sprintf("%d of %d control plane members vote", len(others), s.enough())
		}
		return action{Why: why}
	case !s.BootstrapComplete:
		return action{Why: "the bootstrap is not complete"}
	case s.Leader == b.ID:
		// Handing over first spares the cluster an election.
		return action{Do: moveLeader, Member: others[0].ID, Name: others[0].Name}
	}
	return action{Do: remove, Member: b.ID, Name: b.Name}
}

// nodeOf names a member that has not published its name by its node.
func (s state) nodeOf(m member) string {
	for _, c := range s.Nodes {
		if c.IP == m.IP {
			return c.Node
		}
	}
	return m.display()
}

func (m member) display() string {
	if m.Name != "" {
		return m.Name
	}
	return m.IP
}

// tally counts members by what they do for the cluster.
type tally struct {
	voters   int
	alive    int // of the voters: they make the quorum, also before they serve clients
	healthy  int // of the voters
	learners int
	sick     []string // voters that are neither healthy nor just starting
}

func (s state) tally() tally {
	var t tally
	for _, m := range s.Members {
		if m.Learner {
			t.learners++
			continue
		}
		t.voters++
		if m.Alive {
			t.alive++
		}
		starting := m.Alive && m.Name == ""
		switch {
		case m.Healthy:
			t.healthy++
		case !starting:
			t.sick = append(t.sick, s.nodeOf(m))
		}
	}
	return t
}

// runningInCluster is condition EtcdRunningInCluster, which wait-for-ceo watches:
// etcd no longer depends on the bootstrap host.
func (s state) runningInCluster() (bool, string) {
	stay := s
	stay.Members = slices.DeleteFunc(slices.Clone(s.Members), s.leaving)
	t, voters := stay.tally(), s.tally().voters
	if len(t.sick) > 0 {
		return false, "not healthy: " + strings.Join(t.sick, ", ")
	}
	if s.Replicas == 0 || t.healthy < s.enough() {
		return false, fmt.Sprintf("%d of %d control plane members vote", t.healthy, s.enough())
	}
	if len(stay.Members) < len(s.Members) {
		return true, fmt.Sprintf("%d members vote, the bootstrap member among them", voters)
	}
	return true, fmt.Sprintf("%d members vote", voters)
}
