package analyze

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// check looks at one part of an installation.
type check func(*scene) []Finding

// checks are in the order in which an installation goes on.
var checks = []check{
	beforeBootstrap, bootstrapReached, secondBootstrap, bootstrapUnits, nodeImage, releaseImage, bootkube, apiNames,
	silentBootstrap, masterHosts, silentCluster, told(signingRequests), told(nodesJoined), told(nodesReady),
	handOver, reporting, told(etcdMembers), told(podsStuck), told(versionState), told(operatorsState), installerError,
}

const bootstrapHost = "bootstrap host"

// speaksForItself reports whether a phase failed before there was a bootstrap
// host or a cluster to look at, or for reasons that are not theirs: then the
// installer's own error is the cause.
func speaksForItself(e phase.Entry) bool {
	p, known := phases.Find(e.Name)
	return known && p.OnFailure == phase.Nothing
}

// failedPhase is the phase in which the newest run failed.
func (s *scene) failedPhase() (phase.Entry, bool) {
	run, ok := s.last()
	if !ok || run.Interrupted() {
		return phase.Entry{}, false
	}
	e := run.Phases[len(run.Phases)-1]
	return e, e.Result == phase.Broken
}

func (s *scene) phaseFinding(e phase.Entry) Finding {
	severity := Error
	if s.complete() {
		severity = Info // the cluster got there without the installer
	}
	return Finding{Severity: severity, Where: "installer", Text: "phase " + e.Name + ": " + e.Detail, Since: e.Started,
		Next: hint(e.Detail, "correct that and run okd-install create cluster again: it goes on where it stopped")}
}

// beforeBootstrap is what failed when there was nothing of the cluster yet: the
// installer's own error is the cause.
func beforeBootstrap(s *scene) []Finding {
	if e, failed := s.failedPhase(); failed && speaksForItself(e) {
		return []Finding{s.phaseFinding(e)}
	}
	return nil
}

// installerError is what the installer said last. It names what it waited for,
// which the other findings explain.
func installerError(s *scene) []Finding {
	run, ok := s.last()
	switch e, failed := s.failedPhase(); {
	case failed && !speaksForItself(e):
		f := s.phaseFinding(e)
		f.Next = "run the same command again: it goes on where it stopped"
		return []Finding{f}
	case ok && run.Interrupted():
		return []Finding{{Severity: Info, Where: "installer", Text: "the last run was interrupted: " + run.Command,
			Next: "run the same command again: it goes on where it stopped"}}
	}
	return nil
}

// bootstrapReached tells a bootstrap host that nobody could log in to from one
// that did nothing.
func bootstrapReached(s *scene) []Finding {
	if len(s.services) > 0 || s.bootstrapped() {
		return nil
	}
	if e, failed := s.failedPhase(); failed && speaksForItself(e) {
		return nil
	}
	severity := Error
	if s.running() != "" || s.hasAPI {
		severity = Warning // it may be on its way; what answers as API came from it
	}
	for _, gap := range s.ev.gaps {
		if strings.HasPrefix(gap, "bootstrap host") {
			return []Finding{{Severity: severity, Where: bootstrapHost,
				Text: "it could not be reached: " + strings.TrimPrefix(gap, "bootstrap host: "),
				Next: "look at its console: whether it booted, got an address and ran Ignition; then whether this " +
					"machine reaches its port 22"}}
		}
	}
	if _, ok := s.last(); ok && s.hasAPI {
		return nil // nothing was asked of the host
	}
	return []Finding{{Severity: Warning, Where: bootstrapHost,
		Text: "nothing of it is known: there are no service records",
		Next: "give its address: okd-install gather bootstrap --bootstrap ADDRESS --master ADDRESS --key FILE"}}
}

func bootstrapUnits(s *scene) []Finding {
	var units []string
	for _, unit := range failedUnits(s.ev.files[failedUnitsFile]) {
		// What has records is told from these, and better.
		if name, _, _ := strings.Cut(unit, "."); s.services[name] == nil {
			units = append(units, unit)
		}
	}
	if len(units) == 0 {
		return nil
	}
	severity := Warning
	vital := func(u string) bool { return u == "kubelet.service" || strings.HasPrefix(u, "crio") }
	if slices.ContainsFunc(units, vital) {
		severity = Error
	}
	return []Finding{{Severity: severity, Where: bootstrapHost, Text: "failed units: " + strings.Join(units, ", "),
		Next: "read bootstrap/journals/" + strings.TrimSuffix(units[0], ".service") + ".log in the log bundle"}}
}

// nextForMaster is what to do about a host that could not be asked, by the
// reason for that.
func nextForMaster(reason string) string {
	if strings.Contains(reason, "none of the keys in") {
		return "give the private half of the install-config's sshKey: okd-install gather bootstrap --key FILE, or " +
			"ssh-add FILE"
	}
	return "look at its console: whether it booted, and whether it got its config from port 22623 of the API's " +
		"internal address"
}

// masterHosts are the units that failed on hosts of the control plane, and the
// hosts that could not be reached.
func masterHosts(s *scene) []Finding {
	var out []Finding
	for _, host := range s.ev.masters() {
		units := failedUnits(s.ev.files[mastersDir+host+"/"+failedUnitsFile])
		if len(units) == 0 {
			continue
		}
		severity := Warning
		if slices.ContainsFunc(units, func(u string) bool {
			return strings.HasPrefix(u, "kubelet") || strings.HasPrefix(u, "crio") ||
				strings.HasPrefix(u, "machine-config-daemon")
		}) {
			severity = Error
		}
		out = append(out, Finding{Severity: severity, Where: host, Text: "failed units: " + strings.Join(units, ", "),
			Next: fmt.Sprintf("read %s%s/journals in the log bundle", mastersDir, host)})
	}
	for _, gap := range s.ev.gaps {
		if host, ok := strings.CutPrefix(gap, "control-plane host "); ok {
			out = append(out, Finding{Severity: Warning, Where: "control plane", Text: "there are no logs of " + host,
				Next: nextForMaster(host)})
		}
	}
	return out
}
