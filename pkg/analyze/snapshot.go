package analyze

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/records"
)

// snapshot is the evidence, decoded, with what was found in it.
type snapshot struct {
	ev        *evidence
	taken     time.Time
	runs      []phase.Run
	services  map[string]*records.Service
	hasAPI    bool // the API was asked
	nodes     []object
	requests  []signingRequest
	version   clusterVersion
	operators []object
	etcd      object
	pods      []pod
	events    []clusterEvent
	findings  []Finding
}

func (ev *evidence) decode() *snapshot {
	s := &snapshot{
		ev: ev, taken: ev.taken, runs: ev.runs(), services: ev.services(),
		nodes:     list[object](ev, "nodes"),
		requests:  list[signingRequest](ev, "certificatesigningrequests", "csr"),
		operators: list[object](ev, "clusteroperators"),
		pods:      list[pod](ev, "pods"),
		events:    list[clusterEvent](ev, "events"),
		findings:  []Finding{},
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
	slices.SortFunc(s.pods, func(a, b pod) int { return cmp.Compare(a.name(), b.name()) })
	return s
}

// complete reports whether the cluster has installed itself.
func (s *snapshot) complete() bool {
	c := s.version.Status.Conditions
	return c.get("Available").is("True") && c.get("Failing").is("False") && c.get("Progressing").is("False")
}

// last is the newest run that went through phases; false if there is none.
func (s *snapshot) last() (phase.Run, bool) {
	for _, run := range slices.Backward(s.runs) {
		if len(run.Phases) > 0 {
			return run, true
		}
	}
	return phase.Run{}, false
}

// running is the phase that a run of the installer is in, empty if none is running.
func (s *snapshot) running() string {
	run, ok := s.last()
	if !ok || !run.Ended.IsZero() {
		return ""
	}
	if e := run.Phases[len(run.Phases)-1]; e.Result == phase.Running {
		return e.Name
	}
	return ""
}

// handedOver is the first run's entry for the masters taking over; false if no run got there.
func (s *snapshot) handedOver(results ...phase.Result) (phase.Entry, bool) {
	for _, run := range s.runs {
		for _, e := range run.Phases {
			if e.Name == phases.BootstrapComplete.Name && slices.Contains(results, e.Result) {
				return e, true
			}
		}
	}
	return phase.Entry{}, false
}

// bootstrapped reports whether the masters have taken over. Until then no operator can be healthy.
func (s *snapshot) bootstrapped() bool {
	if p := s.services["progress"]; p != nil && p.Succeeded {
		return true
	}
	_, over := s.handedOver(phase.Done, phase.Already)
	return over || s.etcd.condition("EtcdBootstrapMemberRemoved").is("True") || s.complete()
}

// apiFailure is why the API did not answer the installer when it was last asked. If it was not asked, the error of a
// run that ended for that reason counts.
func (s *snapshot) apiFailure() (why string, silent bool) {
	if raw, ok := s.ev.files[answerFile]; ok {
		var answer struct {
			Error string `json:"error"`
		}
		return answer.Error, json.Unmarshal(raw, &answer) == nil && answer.Error != ""
	}
	if e, _, failed := s.failedPhase(); failed && e.Name == phases.APIAnswers.Name && s.fromBootstrap() {
		return e.Detail, true
	}
	return "", false
}

// fromBootstrap reports whether the resources come from the API that the bootstrap host itself runs.
func (s *snapshot) fromBootstrap() bool {
	return strings.Contains(string(s.ev.files[sourceFile]), "loopback")
}

// created is when the cluster whose API was asked began.
func (s *snapshot) created() time.Time {
	for _, n := range list[object](s.ev, "namespaces") {
		if n.Metadata.Name == "kube-system" {
			return n.Metadata.CreationTimestamp
		}
	}
	return time.Time{}
}

// secondControlPlane reports whether the bootstrap host runs another control plane than the one that the masters took
// over from it, or from one before it.
func (s *snapshot) secondControlPlane() bool {
	e, over := s.handedOver(phase.Done)
	return over && s.fromBootstrap() && s.created().After(e.Ended)
}

// secondHand reports whether objects of the cluster are known only from the bootstrap host's own API, while the
// cluster itself did not answer.
func (s *snapshot) secondHand() bool {
	_, silent := s.apiFailure()
	return s.fromBootstrap() && (silent || s.secondControlPlane())
}

// apiSilentAtBootstrap: the API does not answer although the masters have not taken over. What is wrong on the
// bootstrap host comes before it.
func apiSilentAtBootstrap(s *snapshot) {
	why, silent := s.apiFailure()
	if !silent || s.bootstrapped() {
		return
	}
	severity := Warning
	run, ran := s.last()
	awaited := slices.ContainsFunc(run.Phases, func(e phase.Entry) bool { return e.Name == phases.APIAnswers.Name })
	switch {
	case s.fromBootstrap():
		severity = Error // the host has one that works
	case s.running() != "" || ran && !awaited:
		severity = Info // it may be on its way
	}
	s.add(severity, theAPI, "it does not answer this machine: "+why,
		"check that its name and its virtual address or load balancer lead to the bootstrap host, on port "+
			"6443, also from this machine", time.Time{})
}

// apiSilent: the API does not answer although the masters have taken over. What failed on them comes before it, what
// operators reported after it.
func apiSilent(s *snapshot) {
	if why, silent := s.apiFailure(); silent && s.bootstrapped() {
		s.add(Error, theAPI, "it does not answer this machine: "+why,
			"check the way to it from here (name, route, firewall, virtual address or load balancer, port 6443) "+
				"and that the masters run; then look again: okd-install analyze --live", time.Time{})
	}
}

// secondBootstrap warns of a bootstrap host beside a cluster that needs none.
func secondBootstrap(s *snapshot) {
	if !s.secondControlPlane() {
		return
	}
	e, _ := s.handedOver(phase.Done)
	s.add(Warning, bootstrapHost, "it has begun a control plane of its own, although the masters took over at "+
		e.Ended.UTC().Format(time.DateTime)+" UTC",
		"remove it, so that it does not get the cluster's address: okd-install destroy bootstrap", s.created())
}
