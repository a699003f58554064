// Package bootstrap watches the bootstrap host from outside: what it is doing, since when, and its last error.
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

// The output of lookCommand has a section per service and one with failed units, each begun by sectionPrefix and name.
const (
	sectionPrefix = "== "
	failedSection = "failed"
)

// interpret reads the output of lookCommand.
func interpret(out []byte) Status {
	sections := split(out)
	var status Status
	for _, service := range services {
		if list := records.Parse(sections[service]); len(list) > 0 {
			status = status.after(records.Replay(service, list), list[0].Timestamp)
		}
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

// after is the status once a service has begun; s is that of the services before, which may still fail.
func (s Status) after(sv *records.Service, begun time.Time) Status {
	s.Service, s.Stage, s.Since = sv.Name, "", begun
	for _, stage := range sv.Stages {
		if !stage.End.Before(s.Since) {
			s.Stage, s.Since = stage.Name, stage.End
		}
	}
	if running := sv.Running(); running != nil {
		s.Stage, s.Since = running.Name, running.Start
	}
	switch f := sv.Failure; {
	case sv.Succeeded:
		s.Stage, s.Done = "", sv.Name == services[len(services)-1]
		s.LastError, s.FailedAt, s.Failures = "", "", 0
	case f != nil:
		s.LastError, s.FailedAt, s.Failures = f.Why, f.Stage, f.Times
	}
	return s
}
