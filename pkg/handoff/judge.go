package handoff

import (
	"fmt"
	"slices"

	"github.com/okd-install/okd-install/pkg/machines"
)

// Answer is whether the masters have taken over. Unknown is an answer of its own: silence proves nothing.
type Answer string

// The answers.
const (
	Unknown Answer = ""
	No      Answer = "no"
	Yes     Answer = "yes"
)

// Evidence is what can be known about it without changing anything.
type Evidence struct {
	// Started and Marked are what the state says: machines were begun, and the masters have taken over.
	Started, Marked bool
	// Record and Machines are the platform's, unless it could not be asked.
	Record   machines.Record
	Machines []machines.Machine
	Platform error
	// API is what the cluster itself says, if it was asked.
	API API
}

// API is what a cluster says of itself.
type API struct {
	URL             string
	Complete, Moved bool  // the bootstrap is complete, etcd has left its host
	Silent          error // why there is no answer
	Asked           bool
}

// Verdict is what follows from the evidence.
type Verdict struct {
	Answer Answer
	// Why is the reason, in words that end a sentence.
	Why string
	// Told: nothing but the user's word is behind the answer.
	Told bool
	// Untouched: the bootstrap host has never run.
	Untouched bool
	// Running is the only reason for the No: going on with a bootstrap host that runs is safe whatever the answer, but
	// removing it is not.
	Running bool
}

// Settled reports whether the verdict stands whatever the API says.
func (e Evidence) Settled() bool {
	asked := e
	asked.API = API{Asked: true, Complete: true, Moved: true}
	return asked.Judge() == e.Judge()
}

// Absent reports whether the platform has nothing of the cluster, by its own word.
func (e Evidence) Absent() bool {
	return e.Platform == nil && e.Record.Progress == machines.NoRecord && len(e.Machines) == 0
}

// Judge weighs the evidence.
func (e Evidence) Judge() Verdict {
	boot, there := e.bootstrap()
	absent := e.Absent()
	switch {
	case e.Platform != nil && !e.Marked:
		return Verdict{Why: "the platform cannot be asked: " + e.Platform.Error()}
	case e.Record.Progress == machines.HandedOver:
		return Verdict{Answer: Yes, Why: "the platform's record says so"}
	case absent && (e.Started || e.Marked):
		return Verdict{Why: "the state says that machines were made, but the platform has nothing of them: " +
			"it may be another platform than that of the cluster, or the cluster was destroyed from another directory"}
	case absent:
		return Verdict{Answer: No, Untouched: true, Why: "nothing of the cluster is there"}
	case e.Marked:
		return Verdict{Answer: Yes, Why: "the state says so"}
	case e.Record.Progress == machines.Making && !boot.Ran:
		return Verdict{Answer: No, Untouched: true, Why: "the bootstrap host has never been started"}
	case e.API.Asked && e.API.Silent == nil:
		return e.API.verdict()
	case there && boot.Runs:
		return Verdict{Answer: No, Running: true,
			Why: "the bootstrap host " + boot.Name + " still runs, and " + e.API.Silence()}
	case there && !boot.Ran:
		return Verdict{Answer: No, Untouched: true, Why: "the bootstrap host " + boot.Name + " has never run"}
	case e.Record.Progress == machines.Unrecorded && !there && !e.masters():
		return Verdict{Answer: No, Untouched: true, Why: "no machine of the cluster is there"}
	}
	return Verdict{Why: e.API.Silence() + e.left(boot, there)}
}

func (a API) verdict() Verdict {
	switch {
	case a.Complete && a.Moved:
		return Verdict{Answer: Yes, Why: "the API at " + a.URL + " says so"}
	case a.Complete:
		return Verdict{Answer: No, Why: "etcd still has a member on the bootstrap host"}
	case a.Moved:
		return Verdict{Why: "the API at " + a.URL + " says that etcd has left the bootstrap host, " +
			"but not that the bootstrap is complete"}
	}
	return Verdict{Answer: No, Why: "the API at " + a.URL + " says that the bootstrap is not complete"}
}

// Silence says what could not be asked, and why.
func (a API) Silence() string {
	switch {
	case !a.Asked:
		return "the API was not asked"
	case a.URL == "":
		return "the API cannot be asked: " + fmt.Sprint(a.Silent)
	}
	return fmt.Sprintf("the API at %s does not say: %v", a.URL, a.Silent)
}

// left says why the machines prove nothing.
func (e Evidence) left(boot machines.Machine, there bool) string {
	switch {
	case e.Record.Progress == machines.ByHand:
		return ""
	case there:
		return "; the bootstrap host " + boot.Name + " has run, and is " + boot.Status
	}
	return "; there is no bootstrap host any more"
}

func (e Evidence) bootstrap() (machines.Machine, bool) {
	for _, m := range e.Machines {
		if m.Role == "bootstrap" {
			return m, true
		}
	}
	return machines.Machine{}, false
}

func (e Evidence) masters() bool {
	return slices.ContainsFunc(e.Machines, func(m machines.Machine) bool { return m.Role == "master" })
}

// With is the verdict with the user's word: it decides where nothing is proved, and against a proof it is an error.
func (v Verdict) With(said Answer) (Verdict, error) {
	switch {
	case said == Unknown || said == v.Answer && !v.Running:
		return v, nil
	case v.Answer != Unknown && !v.Running:
		words := map[Answer]string{Yes: "have taken over", No: "have not taken over"}
		return v, fmt.Errorf("the masters %s: %s; --handed-over says otherwise", words[v.Answer], v.Why)
	}
	return Verdict{Answer: said, Told: true, Why: "--handed-over says so (" + v.Why + ")"}, nil
}
