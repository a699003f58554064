package analyze

import (
	"cmp"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// scene is the evidence, decoded.
type scene struct {
	ev        *evidence
	taken     time.Time
	runs      []phase.Run
	services  map[string]*service
	hasAPI    bool // the API was asked
	nodes     []object
	requests  []signingRequest
	version   clusterVersion
	operators []object
	etcd      object
	pods      []pod
	events    []clusterEvent
}

func (ev *evidence) scene() *scene {
	s := &scene{
		ev: ev, taken: ev.taken, runs: ev.runs(), services: ev.services(),
		nodes:     list[object](ev, "nodes"),
		requests:  list[signingRequest](ev, "certificatesigningrequests", "csr"),
		operators: list[object](ev, "clusteroperators"),
		pods:      list[pod](ev, "pods"),
		events:    list[clusterEvent](ev, "events"),
	}
	_, s.hasAPI = ev.resource("nodes")
	if versions := list[clusterVersion](ev, "clusterversions", "clusterversion"); len(versions) > 0 {
		s.version = versions[0]
	}
	if etcds := list[object](ev, "etcds", "etcd"); len(etcds) > 0 {
		s.etcd = etcds[0]
	}
	byName := func(a, b object) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) }
	slices.SortFunc(s.nodes, byName)
	slices.SortFunc(s.operators, byName)
	slices.SortFunc(s.pods, func(a, b pod) int {
		return cmp.Or(cmp.Compare(a.Metadata.Namespace, b.Metadata.Namespace),
			cmp.Compare(a.Metadata.Name, b.Metadata.Name))
	})
	return s
}

// complete says whether the cluster has installed itself.
func (s *scene) complete() bool {
	c := s.version.Status.Conditions
	return c.get("Available").is("True") && c.get("Failing").is("False") && c.get("Progressing").is("False")
}

// last is the newest run that went through phases; false if there is none.
func (s *scene) last() (phase.Run, bool) {
	for i := len(s.runs) - 1; i >= 0; i-- {
		if len(s.runs[i].Phases) > 0 {
			return s.runs[i], true
		}
	}
	return phase.Run{}, false
}

// running is the phase that a run of the installer is in, if one goes on.
func (s *scene) running() string {
	run, ok := s.last()
	if !ok || !run.Ended.IsZero() {
		return ""
	}
	if e := run.Phases[len(run.Phases)-1]; e.Result == phase.Running {
		return e.Name
	}
	return ""
}

// bootstrapped says whether the masters have taken over: until then operators
// cannot be well.
func (s *scene) bootstrapped() bool {
	if p := s.services["progress"]; p != nil && p.succeeded {
		return true
	}
	for _, run := range s.runs {
		for _, e := range run.Phases {
			if e.Name == phases.BootstrapComplete.Name && (e.Result == phase.Done || e.Result == phase.Already) {
				return true
			}
		}
	}
	return s.etcd.condition("EtcdBootstrapMemberRemoved").is("True") || s.complete()
}

// masters counts the control-plane nodes that have joined.
func (s *scene) masters() int {
	n := 0
	for _, node := range s.nodes {
		if node.isMaster() {
			n++
		}
	}
	return n
}
