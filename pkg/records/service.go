package records

import (
	"strings"
	"time"
)

// Service is one unit of the bootstrap host, replayed from its records.
type Service struct {
	Name      string
	Starts    int
	Succeeded bool // its last run ended well
	Stages    []*Stage
	// Failure is the newest one that no later success has made good.
	Failure *Fault
}

// Stage is one step of a service over all its tries. Commands before and after the service count as stages.
type Stage struct {
	Name       string
	Start, End time.Time // of the first try, of the last one; End is zero while it runs
	Tries      int
	Result     string // of the last try that ended
	Note       string // what it said last
}

// Fault is a failure of a service.
type Fault struct {
	Stage string // empty outside of any
	Why   string
	Since time.Time // the first of those in a row
	Times int
}

// Replay goes through the records of a service.
func Replay(name string, list []Record) *Service {
	s := &Service{Name: name}
	for _, r := range list {
		s.Succeeded = false
		switch r.Phase {
		case ServiceStart:
			s.Starts++
		case StageStart, PreStart, PostStart:
			s.begin(r)
		case StageEnd, PreEnd, PostEnd:
			s.endStage(r)
			s.Succeeded = r.Phase == PostEnd && r.Result == Success
		case ServiceEnd:
			s.end(r)
		}
	}
	return s
}

func (s *Service) begin(r Record) *Stage {
	stage := s.Stage(r.stage())
	if stage == nil {
		stage = &Stage{Name: r.stage(), Start: r.Timestamp}
		s.Stages = append(s.Stages, stage)
	}
	stage.End = time.Time{}
	stage.Tries++
	return stage
}

func (s *Service) endStage(r Record) {
	stage := s.Stage(r.stage())
	if stage == nil { // its beginning was dropped, or never written
		stage = s.begin(r)
	}
	stage.End, stage.Result, stage.Note = r.Timestamp, r.Result, r.Note
	if r.Result == Failure {
		stage.Note = r.Why()
		s.fail(r)
	} else if s.Failure != nil && s.Failure.Stage == stage.Name {
		s.Failure = nil
	}
}

func (s *Service) end(r Record) {
	for _, stage := range s.Stages {
		if !stage.End.IsZero() {
			continue
		}
		stage.End, stage.Result = r.Timestamp, r.Result // it was killed with the service
		if r.Result == Failure && stage.Note == "" {
			stage.Note = "ended with the service"
		}
	}
	if r.Result == Success {
		s.Succeeded, s.Failure = true, nil
	} else if s.Failure == nil {
		s.fail(r)
	}
}

// fail remembers a failure; a stage that fails again adds to the count.
func (s *Service) fail(r Record) {
	if s.Failure == nil || s.Failure.Stage != r.stage() {
		s.Failure = &Fault{Stage: r.stage(), Since: r.Timestamp}
	}
	s.Failure.Why = r.Why()
	s.Failure.Times++
}

// stage is the name of the stage that a record is about.
func (r Record) stage() string {
	switch r.Phase {
	case PreStart, PreEnd, PostStart, PostEnd:
		kind, _, _ := strings.Cut(r.Phase, " ")
		return strings.TrimSpace(kind + " " + r.PreCommand + r.PostCommand)
	}
	return r.Stage
}

// Running is the stage that the service is in, the oldest of several; nil if it is in none.
func (s *Service) Running() *Stage {
	var oldest *Stage
	for _, stage := range s.Stages {
		if stage.End.IsZero() && (oldest == nil || stage.Start.Before(oldest.Start)) {
			oldest = stage
		}
	}
	return oldest
}

// Stage is the stage of that name, nil if it never ran.
func (s *Service) Stage(name string) *Stage {
	for _, stage := range s.Stages {
		if stage.Name == name {
			return stage
		}
	}
	return nil
}
