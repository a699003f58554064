package analyze

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/phases"
)

// waiting are the stages of bootkube in which it waits for the masters. What
// keeps those is the better cause.
var waiting = []string{"cb-bootstrap", "wait-for-ceo"}

// nodeImage is the checkout of the release's node image, which a bare CoreOS
// needs before anything else; hosts that boot a node image have no such service.
func nodeImage(s *scene) []Finding {
	if sv := s.services["node-image-pull"]; sv != nil && !sv.succeeded {
		return s.trouble(sv, Error, "the node image could not be put in place",
			"the node image is still being put in place")
	}
	return nil
}

func releaseImage(s *scene) []Finding {
	sv := s.services["release-image"]
	switch {
	case len(s.services) == 0, s.bootstrapped():
		return nil
	case sv == nil || sv.starts == 0:
		if image := s.services["node-image-pull"]; image != nil && !image.succeeded {
			return nil // it waits for that
		}
		return []Finding{{Severity: Error, Where: bootstrapHost, Text: "release-image.service was never started",
			Next: "read bootstrap/journals/release-image.log in the log bundle, and the failed units"}}
	case !sv.succeeded:
		return s.trouble(sv, Error, "the release image could not be downloaded",
			"the release image is still being downloaded")
	}
	return nil
}

func bootkube(s *scene) []Finding {
	image, sv := s.services["release-image"], s.services["bootkube"]
	switch {
	case image == nil || !image.succeeded, s.bootstrapped():
		return nil
	case sv == nil || sv.starts == 0:
		return []Finding{{Severity: Error, Where: bootstrapHost,
			Text: "bootkube.service was never started although the release image is there",
			Next: "read bootstrap/journals/bootkube.log in the log bundle, and the failed units"}}
	case sv.succeeded || s.waits(sv):
		return nil
	}
	return s.trouble(sv, Error, "bootkube failed", "bootkube is not done")
}

// handOver is bootkube while it waits for the masters.
func handOver(s *scene) []Finding {
	if sv := s.services["bootkube"]; sv != nil && !sv.succeeded && !s.bootstrapped() && s.waits(sv) {
		return s.trouble(sv, Error, "bootkube waits for the masters in vain", "bootkube waits for the masters")
	}
	return nil
}

// reporting is the last thing that the bootstrap host does.
func reporting(s *scene) []Finding {
	if sv := s.services["progress"]; sv != nil && !sv.succeeded && !s.bootstrapped() {
		return s.trouble(sv, Error, "completion could not be reported to the cluster",
			"completion is not reported to the cluster yet")
	}
	return nil
}

func (s *scene) waits(sv *service) bool {
	if sv.failure != nil && !isAPIName(sv.failure.stage) {
		return slices.Contains(waiting, sv.failure.stage)
	}
	st := sv.running()
	return st != nil && slices.Contains(waiting, st.name)
}

// trouble says what a service fails with, or what it is doing if nothing has
// failed.
func (s *scene) trouble(sv *service, severity Severity, failed, going string) []Finding {
	f := Finding{Severity: severity, Where: bootstrapHost}
	if x := sv.failure; x != nil && !isAPIName(x.stage) {
		f.Text, f.Since = failed, x.since
		if x.stage != "" {
			f.Text += " in stage " + x.stage
		}
		if x.times > 1 {
			f.Text += fmt.Sprintf(" (%d times in a row)", x.times)
		}
		f.Text += ": " + x.why
		f.Next = hint(x.why, "read bootstrap/journals/"+sv.name+".log and bootstrap/stages in the log bundle")
		return []Finding{f}
	}
	f.Severity, f.Text = Warning, going
	if st := sv.running(); st != nil {
		f.Since = st.start
		f.Text += ": stage " + st.name + s.sinceThen(st.start)
	}
	return []Finding{f}
}

func (s *scene) sinceThen(t time.Time) string {
	if d := s.taken.Sub(t); d > 0 && !t.IsZero() && !s.taken.IsZero() {
		return " for " + event.Elapsed(d)
	}
	return ""
}

// apiChecks are the stages that look at the API's two names. They fail without
// stopping bootkube.
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

func isAPIName(stage string) bool {
	for _, c := range apiChecks {
		if c.stage == stage {
			return true
		}
	}
	return false
}

func apiNames(s *scene) []Finding {
	var out []Finding
	severity := Warning
	if e, failed := s.failedPhase(); failed && e.Name == phases.APIAnswers.Name {
		severity = Error // then this is why
	}
	for _, c := range apiChecks {
		st := s.services["bootkube"].stage(c.stage)
		if st == nil || st.result != "failure" || s.bootstrapped() {
			continue
		}
		text := c.text
		if st.note != "" {
			text += ": " + strings.TrimSpace(st.note)
		}
		out = append(out, Finding{Severity: severity, Where: bootstrapHost, Text: text, Next: c.next, Since: st.end})
	}
	return out
}
