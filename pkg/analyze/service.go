package analyze

import (
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/records"
)

// service is one unit of the bootstrap host, replayed from its records.
type service struct {
	name      string
	starts    int
	succeeded bool // its last run ended well
	stages    []*stage
	// failure is the newest one that nothing has made good since.
	failure *failure
}

// stage is one step of a service over all its tries.
type stage struct {
	name       string
	start, end time.Time // of the first try, of the last one; end is zero while it runs
	tries      int
	result     string // of the last try that ended
	note       string // what it said last
}

type failure struct {
	stage string // empty: outside of any
	why   string
	since time.Time // the first of those in a row
	times int
}

// replay goes through the records of a service. Commands before and after the
// service count as stages.
func replay(name string, list []records.Record) *service {
	s := &service{name: name}
	known := map[string]*stage{}
	open := func(label string, r records.Record) {
		st := known[label]
		if st == nil {
			st = &stage{name: label, start: r.Timestamp}
			known[label] = st
			s.stages = append(s.stages, st)
		}
		st.end = time.Time{}
		st.tries++
	}
	shut := func(label string, r records.Record) {
		if known[label] == nil { // its beginning was dropped, or never written
			open(label, r)
		}
		st := known[label]
		st.end, st.result, st.note = r.Timestamp, r.Result, r.Note
		if r.Result == records.Failure {
			st.note = r.Why()
			s.fail(label, r)
		} else if s.failure != nil && s.failure.stage == label {
			s.failure = nil
		}
	}
	for _, r := range list {
		s.succeeded = false
		switch r.Phase {
		case records.ServiceStart:
			s.starts++
		case records.StageStart:
			open(r.Stage, r)
		case records.StageEnd:
			shut(r.Stage, r)
		case records.PreStart, records.PostStart:
			open(command(r), r)
		case records.PreEnd, records.PostEnd:
			shut(command(r), r)
			s.succeeded = r.Phase == records.PostEnd && r.Result == records.Success
		case records.ServiceEnd:
			s.end(r)
		}
	}
	return s
}

func (s *service) end(r records.Record) {
	for _, st := range s.stages {
		if st.end.IsZero() { // it was killed with the service
			st.end = r.Timestamp
			if st.result = r.Result; r.Result == records.Failure && st.note == "" {
				st.note = "ended with the service"
			}
		}
	}
	switch {
	case r.Result == records.Success:
		s.succeeded, s.failure = true, nil
	case s.failure == nil:
		s.fail(r.Stage, r)
	}
}

// fail remembers a failure; that a stage fails again adds to the count.
func (s *service) fail(label string, r records.Record) {
	if s.failure == nil || s.failure.stage != label {
		s.failure = &failure{stage: label, since: r.Timestamp}
	}
	s.failure.why = r.Why()
	s.failure.times++
}

func command(r records.Record) string {
	name := r.PreCommand + r.PostCommand
	kind, _, _ := strings.Cut(r.Phase, " ")
	return strings.TrimSpace(kind + " " + name)
}

// running is the stage that the service is in, oldest first, nil if it is in none.
func (s *service) running() *stage {
	var oldest *stage
	for _, st := range s.stages {
		if st.end.IsZero() && (oldest == nil || st.start.Before(oldest.start)) {
			oldest = st
		}
	}
	return oldest
}

// stage returns the stage of that name, nil if it never ran.
func (s *service) stage(name string) *stage {
	if s == nil {
		return nil
	}
	for _, st := range s.stages {
		if st.name == name {
			return st
		}
	}
	return nil
}
