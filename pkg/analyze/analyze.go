// Package analyze finds out why an installation failed, or how far it is: from a log bundle of this installer or of
// openshift-install, or from the journal of a directory, the API and the bootstrap host. It only reads.
package analyze

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // keeps the installation from going on
	Warning Severity = "warning" // may do so
	Info    Severity = "info"    // a consequence, or just good to know
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Info}, s) }

// Finding is one thing that was found out.
type Finding struct {
	Severity Severity  `json:"severity"`
	Where    string    `json:"where"` // host, component or cluster
	Text     string    `json:"text"`
	Next     string    `json:"next,omitempty"` // what to do about it
	Since    time.Time `json:"since,omitzero"`
}

// Report is what is known of an installation.
type Report struct {
	Source   string    `json:"source"` // file or directory
	Taken    time.Time `json:"taken,omitzero"`
	Version  string    `json:"version,omitempty"`
	Complete bool      `json:"complete"`
	// Cause is the one line that matters: what keeps the installation from being complete.
	Cause string `json:"cause"`
	Next  string `json:"next,omitempty"`
	// Findings are ordered by severity, then as an installation goes on.
	Findings []Finding `json:"findings"`
	Timeline Timeline  `json:"timeline"`
	// Gaps are what could not be looked at.
	Gaps []string `json:"gaps,omitempty"`
}

// Bundle analyzes a log bundle. One that is cut off, or lacks parts, is analyzed as far as it goes; the report says
// what is missing.
func Bundle(ctx context.Context, path string) (*Report, error) {
	ev, err := readBundle(ctx, path)
	if err != nil {
		return nil, err
	}
	return newReport(path, ev), nil
}

// newReport draws the conclusions. Checks are in the order in which an installation goes on, so the first thing that
// is wrong is the cause of what comes after it.
func newReport(source string, ev *evidence) *Report {
	s := ev.decode()
	for _, run := range checks {
		run(s)
	}
	slices.SortStableFunc(s.findings, func(a, b Finding) int { return a.Severity.rank() - b.Severity.rank() })
	r := &Report{Source: source, Taken: s.taken, Version: s.version.Status.Desired.Version, Complete: s.complete(),
		Findings: s.findings, Timeline: s.timeline()}
	r.conclude(s)
	for _, gap := range ev.gaps {
		// After the handover there is no bootstrap host to look at.
		if !strings.HasPrefix(gap, bootstrapHost) || !s.bootstrapped() {
			r.Gaps = append(r.Gaps, gap)
		}
	}
	r.Clean(oneLine)
	return r
}

// conclude names the cause.
func (r *Report) conclude(s *snapshot) {
	if len(r.Findings) > 0 {
		if f := r.Findings[0]; f.Severity == Error || f.Severity == Warning && !r.Complete {
			r.Cause, r.Next = f.Where+": "+f.Text, f.Next
			return
		}
	}
	switch phase := s.running(); {
	case r.Complete:
		r.Cause = "none: the cluster is complete"
	case phase != "":
		r.Cause = "none found: the installation is in phase " + phase
	default:
		r.Cause = "none found in what could be looked at"
		r.Next = "look at the timeline for what took longest, and at the consoles of the hosts"
	}
}

// Clean passes every text of the report through f: outside data must not reach a terminal as it is, nor carry secrets.
func (r *Report) Clean(f func(string) string) {
	r.Version, r.Cause, r.Next = f(r.Version), f(r.Cause), f(r.Next)
	for i := range r.Findings {
		x := &r.Findings[i]
		x.Where, x.Text, x.Next = f(x.Where), f(x.Text), f(x.Next)
	}
	for i := range r.Timeline.Groups {
		g := &r.Timeline.Groups[i]
		g.Name, g.Note = f(g.Name), f(g.Note)
		for j := range g.Rows {
			g.Rows[j].Name, g.Rows[j].Note = f(g.Rows[j].Name), f(g.Rows[j].Note)
		}
	}
	for i := range r.Gaps {
		r.Gaps[i] = f(r.Gaps[i])
	}
}
