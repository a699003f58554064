package analyze

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// change is something that happened to an etcd member.
type change struct {
	at   time.Time
	text string
}

// The etcd operator reports in events what it does to members. Reason and words have both stayed the same over
// releases; notes of the installer have the words only.
var (
	added    = regexp.MustCompile(`(?i)\badded\b`)
	promoted = regexp.MustCompile(`(?i)\bpromoted?\b`)
	removed  = regexp.MustCompile(`(?i)\bremoved\b`)
)

// memberChanges come from the cluster's events or, where they are missing, from the installer's notes of them.
func (s *snapshot) memberChanges() []change {
	var out []change
	for _, e := range s.events {
		if strings.HasPrefix(e.Reason, "Member") && e.Type != "Warning" &&
			strings.HasPrefix(e.Metadata.Namespace, "openshift-etcd") {
			out = append(out, change{e.when(), e.Message})
		}
	}
	if len(out) == 0 {
		for _, run := range s.runs {
			for _, n := range run.Notes {
				if text, ok := strings.CutPrefix(n.Message, "etcd: "); ok {
					out = append(out, change{n.Time, text})
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b change) int { return a.at.Compare(b.at) })
	return out
}

// memberRows count etcd members, from that of the bootstrap host to those of the masters alone. Each row lasts until
// the next change.
func (s *snapshot) memberRows(end time.Time) Group {
	g := Group{Name: "etcd members"}
	voters, learners := 1, 0
	changes := s.memberChanges()
	for i, c := range changes {
		switch {
		case removed.MatchString(c.text):
			voters--
		case promoted.MatchString(c.text):
			voters, learners = voters+1, max(learners-1, 0)
		case added.MatchString(c.text):
			learners++
		default:
			continue
		}
		until := end
		if i+1 < len(changes) {
			until = changes[i+1].at
		}
		name := fmt.Sprintf("%d voting", voters)
		if learners > 0 {
			name += fmt.Sprintf(", %d learning", learners)
		}
		if voters < 1 { // the beginning is missing
			name = "member removed"
		}
		g.Rows = append(g.Rows, Row{Name: name, Start: c.at, End: later(c.at, until), Outcome: Done, Note: c.text})
	}
	return g
}
