package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/records"
)

// Outcome is how a row of the timeline ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Failed  Outcome = "failed"
	Running Outcome = "running" // had not ended when the evidence was taken
)

// Timeline is what happened when. Times of the installer are by the clock of its machine, the others by the hosts'.
type Timeline struct {
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Groups []Group   `json:"groups,omitempty"`
}

// Group is rows that belong together.
type Group struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	Rows []Row  `json:"rows"`
}

// Row is one thing that took time.
type Row struct {
	Name    string    `json:"name"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Outcome Outcome   `json:"outcome"`
	Tries   int       `json:"tries,omitempty"` // if there was more than one
	Note    string    `json:"note,omitempty"`
}

// Took is how long the row lasted.
func (r Row) Took() time.Duration { return r.End.Sub(r.Start) }

const (
	// maxRows bounds the rows of a group. Nobody reads 1,000 nodes row by row.
	maxRows = 60
	// maxPause is the longest time between two runs of the installer that are shown together. A night makes bars too
	// short to see.
	maxPause = 6 * time.Hour
)

func (s *snapshot) timeline() Timeline {
	end := s.end()
	var t Timeline
	odd := func(r Row) bool { return r.Start.Year() < 2000 || r.End.Before(r.Start) }
	for _, g := range []Group{
		s.installerRows(end), s.hostRows(end), s.memberRows(end), s.nodeRows(end), s.operatorRows(end),
	} {
		if g.Rows = slices.DeleteFunc(g.Rows, odd); len(g.Rows) == 0 {
			continue
		}
		g.cut()
		t.Groups = append(t.Groups, g)
		for _, r := range g.Rows {
			if t.From.IsZero() || r.Start.Before(t.From) {
				t.From = r.Start
			}
			t.To = later(t.To, r.End)
		}
	}
	return t
}

// end is the time up to which things that had not ended are drawn: when the evidence was taken, or the last event.
func (s *snapshot) end() time.Time {
	end := s.taken
	for _, sv := range s.services {
		for _, st := range sv.Stages {
			end = later(end, later(st.Start, st.End))
		}
	}
	for _, run := range s.runs {
		for _, e := range run.Phases {
			end = later(end, later(e.Started, e.Ended))
		}
	}
	return end
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// row draws something that may not have ended.
func row(name string, start, end, now time.Time, outcome Outcome) Row {
	if end.IsZero() {
		end, outcome = now, Running
	}
	return Row{Name: name, Start: start, End: end, Outcome: outcome}
}

// cut keeps the rows that failed, then those that took longest.
func (g *Group) cut() {
	if len(g.Rows) <= maxRows {
		return
	}
	g.Note = fmt.Sprintf("%d of %d: those that are not done, and the slowest", maxRows, len(g.Rows))
	order := slices.Clone(g.Rows)
	slices.SortStableFunc(order, func(a, b Row) int { return cmp.Compare(b.Took(), a.Took()) })
	slices.SortStableFunc(order, func(a, b Row) int {
		switch {
		case a.Outcome == b.Outcome || a.Outcome != Done && b.Outcome != Done:
			return 0
		case a.Outcome == Done:
			return 1
		}
		return -1
	})
	g.Rows = order[:maxRows]
	slices.SortStableFunc(g.Rows, func(a, b Row) int { return a.Start.Compare(b.Start) })
}

// installerRows are the phases of the runs that belong together.
func (s *snapshot) installerRows(end time.Time) Group {
	g := Group{Name: "Installer"}
	first := 0
	for i := 1; i < len(s.runs); i++ {
		if s.runs[i].Started.Sub(later(s.runs[i-1].Started, s.runs[i-1].Ended)) > maxPause {
			first = i
		}
	}
	shown := s.runs[first:]
	for i, run := range shown {
		for _, e := range run.Phases {
			if e.Result == phase.Skipped || e.Result == phase.Already {
				continue
			}
			now := end
			if i+1 < len(shown) { // by then this one had ended
				now = shown[i+1].Started
			}
			r := row(e.Name, e.Started, e.Ended, now, Done)
			if e.Result == phase.Broken {
				r.Outcome, r.Note = Failed, e.Detail
			}
			if i > 0 {
				r.Name += fmt.Sprintf(" (run %d)", i+1)
			}
			g.Rows = append(g.Rows, r)
		}
	}
	return g
}

// hostRows are the services of the bootstrap host and their stages.
func (s *snapshot) hostRows(end time.Time) Group {
	g := Group{Name: "Bootstrap host"}
	for _, sv := range s.services {
		for _, st := range sv.Stages {
			r := row(st.Name, st.Start, st.End, end, Done)
			if st.Name != sv.Name {
				r.Name = sv.Name + ": " + st.Name
			}
			if r.Outcome == Done && st.Result == records.Failure {
				r.Outcome = Failed
			}
			r.Note = st.Note
			if st.Tries > 1 {
				r.Tries = st.Tries
			}
			g.Rows = append(g.Rows, r)
		}
	}
	slices.SortFunc(g.Rows, func(a, b Row) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)) })
	return g
}

// rowUntil draws an object from its creation until a condition was true.
func (o object) rowUntil(c condition, now time.Time) Row {
	r := Row{Name: o.Metadata.Name, Start: o.Metadata.CreationTimestamp, End: c.LastTransitionTime, Outcome: Done}
	if !c.is("True") {
		r.End, r.Outcome, r.Note = now, Running, c.Message
	}
	r.End = later(r.Start, r.End)
	return r
}

// nodeRows are the nodes from joining to being ready.
func (s *snapshot) nodeRows(end time.Time) Group {
	g := Group{Name: "Nodes, from joining to ready"}
	for _, n := range s.nodes {
		g.Rows = append(g.Rows, n.rowUntil(n.condition("Ready"), end))
	}
	slices.SortStableFunc(g.Rows, func(a, b Row) int { return a.Start.Compare(b.Start) })
	return g
}

// operatorRows are the operators from their creation to being available.
func (s *snapshot) operatorRows(end time.Time) Group {
	g := Group{Name: "Operators, until available"}
	if h := s.version.Status.History; len(h) > 0 {
		first := h[len(h)-1] // the newest is the first of the list
		r := row("cluster version "+first.Version, first.StartedTime, first.CompletionTime, end, Done)
		if c := s.version.Status.Conditions.get("Failing"); c.is("True") && r.Outcome == Running {
			r.Note = c.why()
		}
		g.Rows = append(g.Rows, r)
	}
	for _, o := range s.operators {
		r := o.rowUntil(o.condition("Available"), end)
		if degraded := o.condition("Degraded"); r.Outcome == Done && degraded.is("True") {
			r.Outcome, r.Note = Failed, "degraded: "+degraded.why()
		}
		g.Rows = append(g.Rows, r)
	}
	if len(g.Rows) > 1 {
		slices.SortStableFunc(g.Rows[1:], func(a, b Row) int { return a.End.Compare(b.End) })
	}
	return g
}
