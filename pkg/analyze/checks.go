package analyze

import (
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// check examines one part of an installation and adds what it finds.
type check func(*snapshot)

// checks are in the order in which an installation goes on.
var checks = []check{
	earlyFailure, bootstrapReached, secondBootstrap, bootstrapUnits, nodeImage, releaseImage, bootkube, apiNames,
	apiSilentAtBootstrap, masterHosts, apiSilent, signingRequests, nodesJoined, nodesReady,
	handOver, reporting, etcdMembers, podsStuck, versionState, operatorsState, installerError,
}

// Where findings are.
const (
	bootstrapHost = "bootstrap host"
	installerHere = "installer"
	theAPI        = "API"
	theCluster    = "cluster"
)

// add records a finding. What is known of objects of the cluster says how it is known.
func (s *snapshot) add(severity Severity, where, text, next string, since time.Time) {
	s.findings = append(s.findings, Finding{Severity: severity, Where: where, Text: text, Next: next, Since: since})
}

// addObject is add for what the API says of an object. It marks what only the bootstrap host's own API says.
func (s *snapshot) addObject(severity Severity, where, text, next string, since time.Time) {
	if s.secondHand() {
		text += " (as of " + s.taken.UTC().Format(time.DateTime) + " UTC, in the bootstrap host's own API)"
	}
	s.add(severity, where, text, next, since)
}

// failedPhase is the phase in which the newest run failed. Early means that there was no bootstrap host or cluster
// yet, or that they are not the reason: then the installer's own error is the cause.
func (s *snapshot) failedPhase() (e phase.Entry, early, failed bool) {
	run, ok := s.last()
	if !ok || run.Interrupted() {
		return phase.Entry{}, false, false
	}
	e = run.Phases[len(run.Phases)-1]
	p, known := phases.Find(e.Name)
	failed = e.Result == phase.Broken
	return e, failed && known && p.OnFailure == phase.Nothing, failed
}

const goOn = "run the same command again: it goes on where it stopped"

func (s *snapshot) addPhase(e phase.Entry, next string) {
	severity := Error
	if s.complete() {
		severity = Info // the cluster got there without the installer
	}
	s.add(severity, installerHere, "phase "+e.Name+": "+e.Detail, next, e.Started)
}

func earlyFailure(s *snapshot) {
	if e, early, _ := s.failedPhase(); early {
		s.addPhase(e, hint(e.Detail, "correct that and run okd-install create cluster again: it goes on where it stopped"))
	}
}

// installerError is the installer's last error. It names what was waited for, which the other findings explain.
func installerError(s *snapshot) {
	run, ok := s.last()
	switch e, early, failed := s.failedPhase(); {
	case failed && !early:
		s.addPhase(e, goOn)
	case ok && run.Interrupted():
		s.add(Info, installerHere, "the last run was interrupted: "+run.Command, goOn, time.Time{})
	}
}

// bootstrapReached distinguishes a bootstrap host that could not be logged in to from one that did nothing.
func bootstrapReached(s *snapshot) {
	if _, early, _ := s.failedPhase(); early || len(s.services) > 0 || s.bootstrapped() {
		return
	}
	severity := Error
	if s.running() != "" || s.hasAPI {
		severity = Warning // it may still be starting, and an API that answers came from it
	}
	for _, gap := range s.ev.gaps {
		if why, ok := strings.CutPrefix(gap, bootstrapHost); ok {
			s.add(severity, bootstrapHost, "it could not be reached: "+strings.TrimPrefix(why, ": "),
				"look at its console: whether it booted, got an address and ran Ignition; then whether this "+
					"machine reaches its port 22", time.Time{})
			return
		}
	}
	if _, ok := s.last(); ok && s.hasAPI {
		return // the host was not asked
	}
	s.add(Warning, bootstrapHost, "nothing is known of it: there are no service records",
		"give its address: okd-install gather bootstrap --bootstrap ADDRESS --master ADDRESS --key FILE", time.Time{})
}

func bootstrapUnits(s *snapshot) {
	units := slices.DeleteFunc(failedUnits(s.ev.files[failedUnitsFile]), func(unit string) bool {
		name, _, _ := strings.Cut(unit, ".")
		return s.services[name] != nil // its records say more
	})
	if len(units) > 0 {
		s.addUnits(bootstrapHost, units,
			"read bootstrap/journals/"+strings.TrimSuffix(units[0], ".service")+".log in the log bundle")
	}
}

// addUnits reports failed units. Without a container runtime or a kubelet nothing else works on a host.
func (s *snapshot) addUnits(where string, units []string, next string) {
	severity := Warning
	for _, unit := range units {
		for _, vital := range []string{"kubelet", "crio", "machine-config-daemon"} {
			if strings.HasPrefix(unit, vital) {
				severity = Error
			}
		}
	}
	s.add(severity, where, "failed units: "+strings.Join(units, ", "), next, time.Time{})
}

// masterHosts are units that failed on hosts of the control plane, and hosts that could not be reached.
func masterHosts(s *snapshot) {
	for _, host := range s.ev.masters() {
		if units := failedUnits(s.ev.files[mastersDir+host+"/"+failedUnitsFile]); len(units) > 0 {
			s.addUnits(host, units, "read "+mastersDir+host+"/journals in the log bundle")
		}
	}
	for _, gap := range s.ev.gaps {
		host, ok := strings.CutPrefix(gap, "control-plane host ")
		if !ok {
			continue
		}
		next := "look at its console: whether it booted, and whether it got its config from port 22623 of the API's " +
			"internal address"
		if strings.Contains(host, "none of the keys in") {
			next = "give the private half of the install-config's sshKey: okd-install gather bootstrap --key FILE, or " +
				"ssh-add FILE"
		}
		s.add(Warning, "control plane", "there are no logs of "+host, next, time.Time{})
	}
}
