// Package bootstrap watches the temporary control plane from outside: what the
// bootstrap host is doing, since when, and what went wrong there last.
package bootstrap

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Status is what the bootstrap host does right now.
type Status struct {
	Service   string    // unit, such as bootkube
	Stage     string    // step of the unit, such as cb-bootstrap
	Since     time.Time // when the stage began, by the host's clock
	LastError string    // last failure that nothing has made good since
	FailedAt  string    // stage of that failure
	Failures  int       // how often that stage has failed in a row
	Done      bool      // the host has done its part
}

// String says it in one line, without anything that changes by itself.
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

// record is one entry of a service's record file.
type record struct {
	Timestamp    time.Time
	Phase        string
	Result       string
	Stage        string
	ErrorLine    string
	ErrorMessage string
}

// services are the units that keep records, in the order in which they run.
var services = []string{"node-image-pull", "release-image", "bootkube", "progress"}

const divider = "== "

// interpret reads what the command of the watch prints: per service a line
// "== NAME" and its record file, then "== failed" and the units that failed.
func interpret(out []byte) Status {
	sections := split(out)
	var status Status
	for _, service := range services {
		records := parseRecords(sections[service])
		if len(records) == 0 {
			continue
		}
		status = follow(service, records, status)
	}
	if status.LastError == "" && !status.Done {
		if units := strings.Fields(string(sections["failed"])); len(units) > 0 {
			status.LastError = "unit failed: " + strings.Join(units, ", ")
		}
	}
	return status
}

func split(out []byte) map[string][]byte {
	sections := map[string][]byte{}
	name := ""
	for line := range bytes.Lines(out) {
		if title, ok := bytes.CutPrefix(line, []byte(divider)); ok {
			name = strings.TrimSpace(string(title))
			continue
		}
		sections[name] = append(sections[name], line...)
	}
	return sections
}

// parseRecords reads as much of a record file as makes sense: it may be read
// while it is replaced, and its writer may have been killed.
func parseRecords(raw []byte) []record {
	var entries []json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return nil
	}
	var out []record
	for _, entry := range entries {
		var r record
		if json.Unmarshal(entry, &r) == nil && r.Phase != "" {
			out = append(out, r)
		}
	}
	return out
}

// follow replays one service's records on top of what those before it left.
func follow(service string, records []record, before Status) Status {
	s := Status{Service: service, Since: records[0].Timestamp}
	// A service that waits for another one has begun; what failed there counts.
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
	for _, r := range records {
		finished = false
		switch r.Phase {
		case "service start":
			now = nil // whatever ran was killed
		case "stage start":
			ended(r.Stage)
			now = append(now, running{r.Stage, r.Timestamp})
		case "stage end":
			ended(r.Stage)
			s.Stage, s.Since = r.Stage, r.Timestamp
			switch {
			case r.Result == "failure":
				if s.FailedAt != r.Stage {
					s.Failures = 0
				}
				s.LastError, s.FailedAt, s.Failures = firstOf(r.ErrorMessage, r.ErrorLine, "failed"), r.Stage, s.Failures+1
			case s.FailedAt == r.Stage:
				s.LastError, s.FailedAt, s.Failures = "", "", 0
			}
		case "service end":
			now = nil
			if r.Result == "success" {
				finished = true
				s.LastError, s.FailedAt, s.Failures = "", "", 0
			} else if s.LastError == "" {
				s.LastError, s.FailedAt, s.Failures = firstOf(r.ErrorMessage, r.ErrorLine, "failed"), s.Stage, 1
			}
		}
	}
	if len(now) > 0 {
		// Several may run; the oldest is what the others wait for.
		s.Stage, s.Since = now[0].stage, now[0].since
	}
	if finished {
		s.Stage = ""
		s.Done = service == services[len(services)-1]
	}
	return s
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
