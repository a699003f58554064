// Package bootstrap watches the bootstrap host from outside: what it is doing,
// since when, and its last error.
package bootstrap

import (
	"bytes"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/records"
)

// Status is what the bootstrap host is doing.
type Status struct {
	Service   string    // unit, such as bootkube
	Stage     string    // step of the unit, such as cb-bootstrap
	Since     time.Time // when the stage began, by the host's clock
	LastError string    // last failure, empty once a retry has succeeded
	FailedAt  string    // stage of that failure
	Failures  int       // how often that stage has failed in a row
	Done      bool      // the host has done its part
}

// String describes the status in one line. It changes only if the status does.
func (s Status) String() string {
	var out strings.Builder
	switch {
	case s.Done:
		return "bootstrap host: done"
	case s.Stage != "":
		out.WriteString("bootstrap host: " + s.Service + ": " + s.Stage)
	case s.Service != "":
		out.WriteString("bootstrap host: " + s.Service)
	default:
		out.WriteString("bootstrap host: starting")
	}
	if s.LastError != "" {
		out.WriteString("; last error")
		if s.FailedAt != "" && s.FailedAt != s.Stage {
			out.WriteString(" in " + s.FailedAt)
		}
		out.WriteString(": " + s.LastError)
	}
	return out.String()
}

// services are the units that write records, in the order in which they run.
var services = []string{"node-image-pull", "release-image", "bootkube", "progress"}

// The output of lookCommand has a section per service and one with the units that
// failed. A section begins with a line of sectionPrefix and its name.
const (
	sectionPrefix = "== "
	failedSection = "failed"
)

// interpret reads the output of lookCommand.
func interpret(out []byte) Status {
	sections := split(out)
	var status Status
	for _, service := range services {
		list := records.Parse(sections[service])
		if len(list) == 0 {
			continue
		}
		status = replay(service, list, status)
	}
	if status.LastError == "" && !status.Done {
		if units := strings.Fields(string(sections[failedSection])); len(units) > 0 {
			status.LastError = "unit failed: " + strings.Join(units, ", ")
		}
	}
	return status
}

func split(out []byte) map[string][]byte {
	sections := map[string][]byte{}
	name := ""
	for line := range bytes.Lines(out) {
		if title, ok := bytes.CutPrefix(line, []byte(sectionPrefix)); ok {
			name = strings.TrimSpace(string(title))
			continue
		}
		sections[name] = append(sections[name], line...)
	}
	return sections
}

// replay applies one service's records to the status after the services before.
func replay(service string, list []records.Record, before Status) Status {
	s := Status{Service: service, Since: list[0].Timestamp}
	// A service may start while an earlier one still fails.
	s.LastError, s.FailedAt, s.Failures = before.LastError, before.FailedAt, before.Failures
	type running struct {
		stage string
		since time.Time
	}
	var now []running
	ended := func(stage string) {
		for i, r := range now {
			if r.stage == stage {
				now = append(now[:i], now[i+1:]...)
				return
			}
		}
	}
	finished := false
	for _, r := range list {
		finished = false
		switch r.Phase {
		case records.ServiceStart:
			now = nil // what was running has been killed
		case records.StageStart:
			ended(r.Stage)
			now = append(now, running{r.Stage, r.Timestamp})
		case records.StageEnd:
			ended(r.Stage)
			s.Stage, s.Since = r.Stage, r.Timestamp
			switch {
			case r.Result == records.Failure:
				if s.FailedAt != r.Stage {
					s.Failures = 0
				}
				s.LastError, s.FailedAt, s.Failures = r.Why(), r.Stage, s.Failures+1
			case s.FailedAt == r.Stage:
				s.LastError, s.FailedAt, s.Failures = "", "", 0
			}
		case records.ServiceEnd:
			now = nil
			if r.Result == records.Success {
				finished = true
				s.LastError, s.FailedAt, s.Failures = "", "", 0
			} else if s.LastError == "" {
				s.LastError, s.FailedAt, s.Failures = r.Why(), s.Stage, 1
			}
		}
	}
	if len(now) > 0 {
		// Of several stages the oldest is shown: the others may depend on it.
		s.Stage, s.Since = now[0].stage, now[0].since
	}
	if finished {
		s.Stage = ""
		s.Done = service == services[len(services)-1]
	}
	return s
}
