package analyze

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// answer keeps that the API did not answer the installer, and why.
func (ev *evidence) answer(why string) {
	raw, err := json.Marshal(map[string]string{"error": why})
	if err == nil { // strings can always be encoded
		ev.files[answerFile] = raw
	}
}

// silence is why the API did not answer the installer when it was last asked.
// Where nobody asked, the word of a run that ended for that reason counts.
func (s *scene) silence() (why string, silent bool) {
	if raw, ok := s.ev.files[answerFile]; ok {
		var answer struct {
			Error string `json:"error"`
		}
		return answer.Error, json.Unmarshal(raw, &answer) == nil && answer.Error != ""
	}
	if e, failed := s.failedPhase(); failed && e.Name == phases.APIAnswers.Name && s.local() {
		return e.Detail, true
	}
	return "", false
}

// local reports whether the resources come from the API that the bootstrap host
// itself runs.
func (s *scene) local() bool {
	return strings.Contains(string(s.ev.files[sourceFile]), "loopback")
}

// handedOverAt is when the masters took over in the runs of the installer.
func (s *scene) handedOverAt() time.Time {
	for _, run := range s.runs {
		for _, e := range run.Phases {
			if e.Name == phases.BootstrapComplete.Name && e.Result == phase.Done {
				return e.Ended
			}
		}
	}
	return time.Time{}
}

// born is when the cluster whose API was asked began.
func (s *scene) born() time.Time {
	for _, n := range list[object](s.ev, "namespaces") {
		if n.Metadata.Name == "kube-system" {
			return n.Metadata.CreationTimestamp
		}
	}
	return time.Time{}
}

// second reports whether the bootstrap host runs another control plane than the
// one that the masters took over from it, or from one before it.
func (s *scene) second() bool {
	over := s.handedOverAt()
	return s.local() && !over.IsZero() && s.born().After(over)
}

// hearsay reports whether what is known of the cluster's objects is what the
// bootstrap host's own API says, while the cluster itself has not been heard.
func (s *scene) hearsay() bool {
	_, silent := s.silence()
	return s.local() && (silent || s.second())
}

// told marks findings that are hearsay with their age and their source.
func told(look check) check {
	return func(s *scene) []Finding {
		found := look(s)
		if s.hearsay() {
			for i := range found {
				found[i].Text += " (as of " + s.taken.UTC().Format(time.DateTime) +
					" UTC, in the bootstrap host's own API)"
			}
		}
		return found
	}
}

const apiPlace = "API"

// silentBootstrap is an API that does not answer although the masters have not
// taken over: what is wrong at the bootstrap host comes before it.
func silentBootstrap(s *scene) []Finding {
	why, silent := s.silence()
	if !silent || s.bootstrapped() {
		return nil
	}
	severity := Warning
	switch {
	case s.local():
		severity = Error // the host has one that works
	case s.running() != "" || !s.awaited():
		severity = Info // it may be on its way
	}
	return []Finding{{Severity: severity, Where: apiPlace, Text: "it does not answer this machine: " + why,
		Next: "check that its name and its virtual address or load balancer lead to the bootstrap host, on port " +
			"6443, also from this machine"}}
}

// silentCluster is an API that does not answer although the masters have taken
// over. What failed on them comes before it, what was heard of operators after.
func silentCluster(s *scene) []Finding {
	why, silent := s.silence()
	if !silent || !s.bootstrapped() {
		return nil
	}
	return []Finding{{Severity: Error, Where: apiPlace, Text: "it does not answer this machine: " + why,
		Next: "check the way to it from here (name, route, firewall, virtual address or load balancer, port 6443) " +
			"and that the masters run; then look again: okd-install analyze --live"}}
}

// awaited reports whether a run has begun to wait for the API.
func (s *scene) awaited() bool {
	run, ok := s.last()
	return !ok || slices.ContainsFunc(run.Phases, func(e phase.Entry) bool { return e.Name == phases.APIAnswers.Name })
}

// secondBootstrap warns of a bootstrap host beside a cluster that needs none.
func secondBootstrap(s *scene) []Finding {
	if !s.second() {
		return nil
	}
	return []Finding{{Severity: Warning, Where: bootstrapHost, Since: s.born(),
		Text: "it has begun a control plane of its own, although the masters took over at " +
			s.handedOverAt().UTC().Format(time.DateTime) + " UTC",
		Next: "remove it, so that it does not get the cluster's address: okd-install destroy bootstrap"}}
}
