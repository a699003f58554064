package analyze

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/records"
)

// nodeImage checks the checkout of the release's node image, which a plain CoreOS needs before anything else. Hosts
// that boot a node image have no such service.
func nodeImage(s *snapshot) {
	if sv := s.services["node-image-pull"]; sv != nil && !sv.Succeeded {
		s.addService(sv, "the node image could not be put in place", "the node image is still being put in place")
	}
}

func releaseImage(s *snapshot) {
	before, sv := s.services["node-image-pull"], s.services["release-image"]
	switch {
	case len(s.services) == 0, s.bootstrapped():
	case sv == nil || sv.Starts == 0:
		if before == nil || before.Succeeded { // it waits for that
			s.addNotStarted("release-image", "")
		}
	case !sv.Succeeded:
		s.addService(sv, "the release image could not be downloaded", "the release image is still being downloaded")
	}
}

func bootkube(s *snapshot) {
	before, sv := s.services["release-image"], s.services["bootkube"]
	switch {
	case before == nil || !before.Succeeded, s.bootstrapped():
	case sv == nil || sv.Starts == 0:
		s.addNotStarted("bootkube", " although the release image is there")
	case !sv.Succeeded && !waits(sv):
		s.addService(sv, "bootkube failed", "bootkube is not done")
	}
}

// handOver is bootkube while it waits for the masters.
func handOver(s *snapshot) {
	if sv := s.services["bootkube"]; sv != nil && !sv.Succeeded && !s.bootstrapped() && waits(sv) {
		s.addService(sv, "bootkube failed while it waited for the masters", "bootkube waits for the masters")
	}
}

// reporting is the last thing that the bootstrap host does.
func reporting(s *snapshot) {
	if sv := s.services["progress"]; sv != nil && !sv.Succeeded && !s.bootstrapped() {
		s.addService(sv, "completion could not be reported to the cluster",
			"completion is not reported to the cluster yet")
	}
}

func (s *snapshot) addNotStarted(unit, although string) {
	s.add(Error, bootstrapHost, unit+".service was never started"+although,
		"read bootstrap/journals/"+unit+".log in the log bundle, and the failed units", time.Time{})
}

// waits reports whether bootkube waits for the masters. What keeps those is the better cause.
func waits(sv *records.Service) bool {
	stage := ""
	if sv.Failure != nil && !isAPICheck(sv.Failure.Stage) {
		stage = sv.Failure.Stage
	} else if running := sv.Running(); running != nil {
		stage = running.Name
	}
	return stage == "cb-bootstrap" || stage == "wait-for-ceo"
}

// addService reports how a service failed, or what it is doing if nothing has failed.
func (s *snapshot) addService(sv *records.Service, failed, going string) {
	if f := sv.Failure; f != nil && !isAPICheck(f.Stage) {
		text := failed
		if f.Stage != "" {
			text += " in stage " + f.Stage
		}
		if f.Times > 1 {
			text += fmt.Sprintf(" (%d times in a row)", f.Times)
		}
		s.add(Error, bootstrapHost, text+": "+f.Why,
			hint(f.Why, "read bootstrap/journals/"+sv.Name+".log and bootstrap/stages in the log bundle"), f.Since)
		return
	}
	var since time.Time
	if stage := sv.Running(); stage != nil {
		since = stage.Start
		going += ": stage " + stage.Name + s.ago(since)
	}
	s.add(Warning, bootstrapHost, going, "", since)
}

// ago is how long something has lasted, if that is known.
func (s *snapshot) ago(t time.Time) string {
	if d := s.taken.Sub(t); d > 0 && !t.IsZero() && !s.taken.IsZero() {
		return " for " + event.Elapsed(d)
	}
	return ""
}

// apiChecks are the stages that look at the API's two names. They fail without stopping bootkube.
var apiChecks = []struct{ stage, text, next string }{
	{"resolve-api-url", "the name of the API does not resolve on the bootstrap host",
		"make api.<name>.<domain> resolvable for the machines"},
	{"resolve-api-int-url", "the internal name of the API does not resolve on the bootstrap host",
		"make api-int.<name>.<domain> resolvable for the machines"},
	{"check-api-url", "the API does not answer under its name on the bootstrap host",
		"check that the load balancer, or the virtual address, leads port 6443 to the bootstrap host and the masters"},
	{"check-api-int-url", "the API does not answer under its internal name on the bootstrap host",
		"check that the load balancer, or the virtual address, leads ports 6443 and 22623 to the bootstrap host " +
			"and the masters"},
}

func isAPICheck(stage string) bool {
	return slices.ContainsFunc(apiChecks, func(c struct{ stage, text, next string }) bool { return c.stage == stage })
}

func apiNames(s *snapshot) {
	sv := s.services["bootkube"]
	if sv == nil || s.bootstrapped() {
		return
	}
	severity := Warning
	if e, _, failed := s.failedPhase(); failed && e.Name == phases.APIAnswers.Name {
		severity = Error // then this is why
	}
	for _, c := range apiChecks {
		stage := sv.Stage(c.stage)
		if stage == nil || stage.Result != records.Failure {
			continue
		}
		text := c.text
		if stage.Note != "" {
			text += ": " + strings.TrimSpace(stage.Note)
		}
		s.add(severity, bootstrapHost, text, c.next, stage.End)
	}
}
