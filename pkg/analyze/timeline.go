package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/phase"
)

// Outcome is how a row of the timeline ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Failed  Outcome = "failed"
	Running Outcome = "running" // had not ended when the evidence was taken
)

// Timeline is what happened when. Times of the installer are by the clock of
// its machine, the others by those of the hosts.
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
	// maxRows bounds the rows of a group. A cluster of 1,000 nodes is not read
	// row by row.
	maxRows = 60
	// sameEffort is how much time may be between two runs of the installer
	// that are shown together. A night makes bars too short to see.
	sameEffort = 6 * time.Hour
)

func (s *scene) timeline() Timeline {
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
			if r.End.After(t.To) {
				t.To = r.End
			}
		}
	}
	return t
}

// end is the time up to which things that had not ended are drawn: when the
// evidence was taken, or the last thing that is known.
func (s *scene) end() time.Time {
	end := s.taken
	for _, sv := range s.services {
		for _, st := range sv.stages {
			end = later(end, later(st.start, st.end))
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
	slices.SortStableFunc(order, func(a, b Row) int {
		if (a.Outcome == Done) != (b.Outcome == Done) {
			return map[bool]int{true: 1, false: -1}[a.Outcome == Done]
		}
		return cmp.Compare(b.Took(), a.Took())
	})
	g.Rows = order[:maxRows]
	slices.SortStableFunc(g.Rows, func(a, b Row) int { return a.Start.Compare(b.Start) })
}

// installerRows are the phases of create cluster and the waits, over the runs
// that belong together.
func (s *scene) installerRows(end time.Time) Group {
	g := Group{Name: "Installer"}
	first := 0
	for i := 1; i < len(s.runs); i++ {
		if s.runs[i].Started.Sub(later(s.runs[i-1].Started, s.runs[i-1].Ended)) > sameEffort {
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
			if i+1 < len(shown) { // the next run tells when this one was gone at the latest
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
func (s *scene) hostRows(end time.Time) Group {
	g := Group{Name: "Bootstrap host"}
	for _, sv := range s.services {
		for _, st := range sv.stages {
			r := row(st.name, st.start, st.end, end, Done)
			if st.name != sv.name {
				r.Name = sv.name + ": " + st.name
			}
			if r.Outcome == Done && st.result == "failure" {
				r.Outcome = Failed
			}
			r.Note = st.note
			if st.tries > 1 {
				r.Tries = st.tries
			}
			g.Rows = append(g.Rows, r)
		}
	}
	slices.SortFunc(g.Rows, func(a, b Row) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)) })
	return g
}

// nodeRows are the nodes from joining to being ready.
func (s *scene) nodeRows(end time.Time) Group {
	g := Group{Name: "Nodes, from joining to ready"}
	for _, n := range s.nodes {
		ready := n.condition("Ready")
		r := Row{Name: n.Metadata.Name, Start: n.Metadata.CreationTimestamp, End: ready.LastTransitionTime,
			Outcome: Done}
		if !ready.is("True") {
			r.End, r.Outcome, r.Note = end, Running, ready.Message
		}
		if r.End.Before(r.Start) {
			r.End = r.Start
		}
		g.Rows = append(g.Rows, r)
	}
	slices.SortStableFunc(g.Rows, func(a, b Row) int { return a.Start.Compare(b.Start) })
	return g
}

// operatorRows are the operators from the start of the rollout, or their own
// creation, to being available.
func (s *scene) operatorRows(end time.Time) Group {
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
		available := o.condition("Available")
		r := Row{Name: o.Metadata.Name, Start: o.Metadata.CreationTimestamp, End: available.LastTransitionTime,
			Outcome: Done}
		switch degraded := o.condition("Degraded"); {
		case !available.is("True"):
			r.End, r.Outcome, r.Note = end, Running, available.Message
		case degraded.is("True"):
			r.Outcome, r.Note = Failed, "degraded: "+degraded.why()
		}
		if r.End.Before(r.Start) {
			r.End = r.Start
		}
		g.Rows = append(g.Rows, r)
	}
	if len(g.Rows) > 1 {
		slices.SortStableFunc(g.Rows[1:], func(a, b Row) int { return a.End.Compare(b.End) })
	}
	return g
}
