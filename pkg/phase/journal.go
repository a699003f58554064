package phase

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
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
}

// Entry is what the journal keeps of one phase.
type Entry struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Result  Result    `json:"result"`
	Detail  string    `json:"detail,omitempty"`
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

// NoteDestroyed begins the note which says that a cluster is gone; its
// infrastructure id follows. What comes after it is about another cluster.
const NoteDestroyed = "destroyed "

// keptRuns bounds the journal: older runs are dropped.
const keptRuns = 50

// Journal records what every run did, in one file that is always whole. A nil
// Journal records nothing.
type Journal struct {
	mu   sync.Mutex
	path string
	runs []Run
}

// OpenJournal reads the journal in dir, or starts one.
func OpenJournal(dir string) (*Journal, error) {
	runs, err := ReadJournal(dir)
	if err != nil {
		return nil, err
	}
	return &Journal{path: filepath.Join(dir, JournalName), runs: runs}, nil
}

// ReadJournal returns the runs recorded in dir, oldest first.
func ReadJournal(dir string) ([]Run, error) {
	path := filepath.Join(dir, JournalName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var doc struct {
		Runs []Run `json:"runs"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read journal %s: %w; move it away to go on without the history", path, err)
	}
	return doc.Runs, nil
}

// Begin opens a new run; phases and notes go to it from here on.
func (j *Journal) Begin(r Run) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.runs = append(j.runs, r)
	if n := len(j.runs) - keptRuns; n > 0 {
		j.runs = j.runs[n:]
	}
	return j.save()
}

// End closes the current run.
func (j *Journal) End(at time.Time, failure error) error {
	return j.change(func(r *Run) {
		r.Ended = at
		if failure != nil {
			r.Error = failure.Error()
		}
	})
}

// Note adds a remark to the current run.
func (j *Journal) Note(n Note) error {
	return j.change(func(r *Run) { r.Notes = append(r.Notes, n) })
}

// Noted says whether any run has made this very remark already.
func (j *Journal) Noted(n Note) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.runs, func(r Run) bool {
		return slices.ContainsFunc(r.Notes, func(o Note) bool {
			return o.Phase == n.Phase && o.Message == n.Message && o.Time.Equal(n.Time)
		})
	})
}

func (j *Journal) phase(name string, started, ended time.Time, result Result, detail string) error {
	return j.change(func(r *Run) {
		e := Entry{Name: name, Started: started, Ended: ended, Result: result, Detail: detail}
		if n := len(r.Phases); n > 0 && r.Phases[n-1].Name == name {
			r.Phases[n-1] = e
			return
		}
		r.Phases = append(r.Phases, e)
	})
}

func (j *Journal) change(edit func(*Run)) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.runs) == 0 {
		j.runs = append(j.runs, Run{})
	}
	edit(&j.runs[len(j.runs)-1])
	return j.save()
}

// save replaces the file in one step, so that a kill leaves the old or the
// new journal, never half of one.
func (j *Journal) save() error {
	data, err := json.MarshalIndent(map[string]any{"runs": j.runs}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode journal: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(j.path), JournalName+".*")
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	_, err = tmp.Write(append(data, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), j.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}
