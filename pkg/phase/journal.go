package phase

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
)

// JournalName is the journal's file in the assets directory.
const JournalName = ".okd_install_journal.json"

// Result is how a phase ended.
type Result string

// The results; a phase that says Running when nothing runs was interrupted.
const (
	Running Result = "running"      // began, and did not say how it ended
	Done    Result = "done"         // did its work
	Already Result = "already-done" // found nothing left to do
	Skipped Result = "skipped"
	Broken  Result = "failed"
)

// Run is what the journal keeps of one run of the installer.
type Run struct {
	Command string    `json:"command"`
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Phases  []Entry   `json:"phases"`
	Notes   []Note    `json:"notes,omitempty"`
	// Cluster is what the run was about, nil if it did not come so far.
	Cluster *Cluster `json:"cluster,omitempty"`
	// Destroyed says that the run has removed the cluster. What later runs did is about another one.
	Destroyed bool `json:"destroyed,omitempty"`
	// Proved are the IDs of machines that were proved to be the cluster's when it was about to be destroyed, and when.
	Proved   []string  `json:"proved,omitempty"`
	ProvedAt time.Time `json:"provedAt,omitzero"`
}

// Cluster is as much of a cluster as destroying it needs.
type Cluster struct {
	InfraID string `json:"infraID"`
	// Platform is where it is, as install-config.yaml names it; empty if the journal of an older version does not say.
	Platform string `json:"platform,omitempty"`
}

// Interrupted reports whether a signal has ended the run.
func (r Run) Interrupted() bool { return strings.HasPrefix(r.Error, exit.ErrInterrupted.Error()) }

// Entry is what the journal keeps of one phase.
type Entry struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Result  Result    `json:"result"`
	Detail  string    `json:"detail,omitempty"`
	// BudgetSeconds limits the phase without progress, LimitSeconds in all; zero is no limit.
	BudgetSeconds float64 `json:"budgetSeconds,omitempty"`
	LimitSeconds  float64 `json:"limitSeconds,omitempty"`
}

// Took is how long the phase ran; zero while it has not ended.
func (e Entry) Took() time.Duration {
	if e.Ended.IsZero() {
		return 0
	}
	return e.Ended.Sub(e.Started)
}

// Note is something worth keeping that happened within a phase.
type Note struct {
	Time    time.Time `json:"time"`
	Phase   string    `json:"phase,omitempty"`
	Message string    `json:"message"`
}

// keptRuns bounds the journal: older runs are dropped.
const keptRuns = 50

// Journal records what every run did, in one file that is always whole. It is an account, not a condition of the
// work: a journal that cannot be written is warned about, once, and never an error. A nil Journal records nothing.
type Journal struct {
	keeping Keeping
	mu      sync.Mutex
	path    string // empty: the file must not be touched
	warned  bool
	runs    []Run
}

// Keeping is what a journal is kept with.
type Keeping struct {
	Now  func() time.Time
	Sink event.Sink // is told of a journal that cannot be read or written
	// Clean takes secrets out of what is recorded; nil if there are none.
	Clean func(string) string
}

// OpenJournal reads the journal in dir, or starts one. One that cannot be read is put aside under a name that says
// so, and a new one goes on with as many runs as could be read.
func OpenJournal(dir string, k Keeping) *Journal {
	if k.Clean == nil {
		k.Clean = func(text string) string { return text }
	}
	j := &Journal{keeping: k, path: filepath.Join(dir, JournalName)}
	runs, err := ReadJournal(dir)
	if err != nil {
		j.path = putAside(j.path, err, k)
	}
	j.runs = runs
	return j
}

// Begin opens a new run; phases and notes go to it from here on.
func (j *Journal) Begin(r Run) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Command = j.keeping.Clean(r.Command)
	j.runs = append(j.runs, r)
	if n := len(j.runs) - keptRuns; n > 0 {
		j.runs = j.runs[n:]
	}
	j.save()
}

// About records which cluster the current run is about.
func (j *Journal) About(c Cluster) { j.change(func(r *Run) { r.Cluster = &c }) }

// Destroyed records that the current run has removed its cluster.
func (j *Journal) Destroyed() { j.change(func(r *Run) { r.Destroyed = true }) }

// Prove records which machines are proved to be the cluster's. They are switched off next, and cannot tell any more.
func (j *Journal) Prove(ids []string) {
	j.change(func(r *Run) { r.Proved, r.ProvedAt = ids, j.keeping.Now() })
}

// provedFor is how long what was proved of machines counts: nobody has given them to somebody else within a day.
const provedFor = 24 * time.Hour

// ProvedLately are the machines that earlier runs have proved to be of a cluster that was not destroyed since.
func (j *Journal) ProvedLately(c Cluster, now time.Time) (ids []string) {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range SinceDestroyed(j.runs) {
		if r.Cluster != nil && r.Cluster.InfraID == c.InfraID && now.Sub(r.ProvedAt) < provedFor {
			ids = append(ids, r.Proved...)
		}
	}
	return ids
}

// End closes the current run. The error of one that was interrupted begins with that word.
func (j *Journal) End(at time.Time, failure error) {
	j.change(func(r *Run) {
		r.Ended = at
		if failure == nil {
			return
		}
		r.Error = j.keeping.Clean(failure.Error())
		if errors.Is(failure, exit.ErrInterrupted) && !r.Interrupted() {
			r.Error = exit.ErrInterrupted.Error() + ": " + r.Error
		}
	})
}

// NoteOnce adds a remark to the current run unless any run has made the same one, and reports whether it was new. In a
// nil Journal every remark is new.
func (j *Journal) NoteOnce(n Note) bool {
	fresh := true
	j.change(func(current *Run) {
		n.Message = j.keeping.Clean(n.Message)
		same := func(o Note) bool { return o.Phase == n.Phase && o.Message == n.Message && o.Time.Equal(n.Time) }
		if slices.ContainsFunc(j.runs, func(r Run) bool { return slices.ContainsFunc(r.Notes, same) }) {
			fresh = false
			return
		}
		current.Notes = append(current.Notes, n)
	})
	return fresh
}

// phase records where a phase stands, in place of what was recorded of it.
func (j *Journal) phase(e Entry) {
	j.change(func(r *Run) {
		e.Detail = j.keeping.Clean(e.Detail)
		if n := len(r.Phases); n > 0 && r.Phases[n-1].Name == e.Name {
			r.Phases[n-1] = e
			return
		}
		r.Phases = append(r.Phases, e)
	})
}

func (j *Journal) change(edit func(*Run)) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.runs) == 0 {
		j.runs = append(j.runs, Run{})
	}
	edit(&j.runs[len(j.runs)-1])
	j.save()
}

// save replaces the file in one step, so that a kill or a power failure never leaves half a journal.
func (j *Journal) save() {
	if j.path == "" {
		return
	}
	data, err := json.MarshalIndent(map[string]any{"runs": j.runs}, "", "  ")
	if err == nil {
		err = atomicfile.Write(j.path, append(data, '\n'), 0o600)
	}
	if err == nil || j.warned {
		return
	}
	j.warned = true // a full disk stays full for all that follows
	event.Warn(j.keeping.Sink, fmt.Sprintf("%s cannot be written, and may lack what this run did: %v", j.path, err))
}
