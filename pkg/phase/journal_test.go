package phase_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func keeping(sink event.Sink) phase.Keeping {
	return phase.Keeping{Now: func() time.Time { return noon }, Sink: sink}
}

// heard collects the messages for users.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (h *heard) Emit(e event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, event.Sentence(e))
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.texts, "\n")
}

// journal writes one with two runs, the first of which destroyed a cluster.
func journal(t *testing.T) (dir string, content []byte) {
	t.Helper()
	dir = t.TempDir()
	j := phase.OpenJournal(dir, keeping(event.Discard))
	j.Begin(phase.Run{Command: "destroy cluster"})
	j.About(phase.Cluster{InfraID: "demo-x7k2p", Platform: "none"})
	j.Destroyed()
	j.Begin(phase.Run{Command: "create cluster"})
	content, err := os.ReadFile(filepath.Join(dir, phase.JournalName))
	if err != nil {
		t.Fatal(err)
	}
	return dir, content
}

func TestUnreadableJournalIsPutAside(t *testing.T) {
	_, whole := journal(t)
	for _, tt := range []struct {
		name    string
		content []byte
		runs    int // of those before
		saying  string
	}{
		{"cut off in its last run", whole[:len(whole)-20], 1, "it is cut off"},
		{"cut off between runs", whole[:len(whole)-5], 2, "it is cut off"},
		{"cut off at once", whole[:5], 0, "it is cut off"},
		{"empty", nil, 0, "it is cut off"},
		{"zeros, as after a power failure", make([]byte, 4096), 0, "invalid character"},
		{"something else", []byte(`[1, 2]`), 0, "it has ["},
		{"another object", []byte(`{"clusters": []}`), 0, "it has clusters"},
		{"runs of another form", []byte(`{"runs": [7]}`), 0, "cannot unmarshal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, phase.JournalName)
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			var told heard
			j := phase.OpenJournal(dir, keeping(&told))
			aside := path + ".unreadable-20260102T120000.000Z"
			if got := told.String(); !strings.Contains(got, tt.saying) || !strings.Contains(got, aside) {
				t.Errorf("told %q, want %q and %s", got, tt.saying, aside)
			}
			kept, err := os.ReadFile(aside)
			if err != nil || string(kept) != string(tt.content) {
				t.Errorf("what was put aside: %q, %v", kept, err)
			}
			j.Begin(phase.Run{Command: "status"})
			runs, err := phase.ReadJournal(dir)
			if err != nil || len(runs) != tt.runs+1 {
				t.Fatalf("goes on with %d runs, want %d; %v", len(runs), tt.runs+1, err)
			}
			if tt.runs > 0 && *runs[0].Cluster != (phase.Cluster{InfraID: "demo-x7k2p", Platform: "none"}) {
				t.Errorf("the destroyed cluster is forgotten: %+v", runs[0])
			}
		})
	}
}

func TestJournalThatIsADirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, phase.JournalName)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	phase.OpenJournal(dir, keeping(event.Discard)).Begin(phase.Run{Command: "create cluster"})
	if runs, err := phase.ReadJournal(dir); err != nil || len(runs) != 1 {
		t.Errorf("%v, %v", runs, err)
	}
}

// A phase runs even if the journal cannot be written.
func TestPhasesRunWithoutAJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var told heard
	j := phase.OpenJournal(dir, keeping(&told))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	ran := 0
	step := phase.Step{Phase: phase.Phase{Name: "up"}, Run: func(context.Context,
		event.Sink) error {
		ran++
		return nil
	}}
	down := phase.Step{Phase: phase.Phase{Name: "down"},
		Run: func(context.Context, event.Sink) error { return errors.New("refused") }}
	j.Begin(phase.Run{Command: "create cluster"})
	err := (&phase.Runner{Clock: clock.Real(), Sink: event.Discard, Journal: j}).Run(t.Context(),
		[]phase.Step{step, down})
	if ran != 1 || err == nil || err.Error() != "phase down: refused" {
		t.Errorf("ran %d, %v", ran, err)
	}
	j.End(noon, err)
	if n := strings.Count(told.String(), "cannot be written"); n != 1 {
		t.Errorf("warned %d times: %s", n, told.String())
	}
}

func TestJournalHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	k := keeping(event.Discard)
	k.Clean = func(text string) string { return strings.ReplaceAll(text, "s3cret", "(hidden)") }
	j := phase.OpenJournal(dir, k)
	j.Begin(phase.Run{Command: "create cluster s3cret"})
	bad := phase.Step{Phase: phase.Phase{Name: "images"},
		Run: func(context.Context, event.Sink) error { return errors.New("get https://u:s3cret@h") }}
	err := (&phase.Runner{Clock: clock.Real(), Sink: event.Discard, Journal: j}).Run(t.Context(), []phase.Step{bad})
	j.NoteOnce(phase.Note{Message: "s3cret"})
	if j.NoteOnce(phase.Note{Message: "s3cret"}) {
		t.Error("what was noted is not found again")
	}
	j.End(noon, err)
	content, err := os.ReadFile(filepath.Join(dir, phase.JournalName))
	if err != nil || strings.Contains(string(content), "s3cret") || strings.Count(string(content), "(hidden)") != 4 {
		t.Errorf("%v:\n%s", err, content)
	}
}

// A phase says before it begins how long it may take.
func TestPhaseSaysItsLongestTime(t *testing.T) {
	nothing := func(context.Context, event.Sink) error { return nil }
	for _, tt := range []struct {
		name    string
		phase   phase.Phase
		timeout time.Duration
		saying  string
		seconds float64 // in all, for programs
	}{
		{"three budgets", phase.Phase{Name: "up", Help: "wait", Budget: 45 * time.Minute}, 0,
			"Phase up: wait (at most 2h15m; gives up after 45m without progress)", 8100},
		{"its own limit", phase.Phase{Name: "up", Help: "wait", Budget: 30 * time.Minute, Limit: 3 * time.Hour}, 0,
			"Phase up: wait (at most 3h; gives up after 30m without progress)", 10800},
		{"--timeout", phase.Phase{Name: "up", Budget: time.Hour, Limit: 5 * time.Hour}, 20 * time.Second,
			"Phase up (at most 1m; gives up after 20s without progress)", 60},
		{"no limit", phase.Phase{Name: "up", Help: "wait"}, time.Minute, "Phase up: wait", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := phase.OpenJournal(dir, keeping(event.Discard))
			var began event.Event
			var onDisk phase.Entry
			sink := event.SinkFunc(func(e event.Event) {
				if e.Kind == event.PhaseStart {
					began = e
					runs, _ := phase.ReadJournal(dir)
					onDisk = runs[0].Phases[0]
				}
			})
			err := (&phase.Runner{Clock: clock.Real(), Sink: sink, Journal: j, Timeout: tt.timeout}).
				Run(t.Context(), []phase.Step{{Phase: tt.phase, Run: nothing}})
			if err != nil {
				t.Fatal(err)
			}
			if got := event.Sentence(began); got != tt.saying {
				t.Errorf("says %q, want %q", got, tt.saying)
			}
			if onDisk.LimitSeconds != tt.seconds || (len(began.Attrs) == 0) != (tt.seconds == 0) {
				t.Errorf("journal %+v, attributes %v", onDisk, began.Attrs)
			}
		})
	}
}

// What a destroy has removed is known afterwards, also from the notes in prose of
// earlier versions.
func TestDestroyedClusters(t *testing.T) {
	dir := t.TempDir()
	older := `{"runs":[
		{"command":"create cluster","phases":[{"name":"images"}]},
		{"command":"destroy cluster","phases":null,
			"notes":[{"time":"2026-01-02T03:04:05Z","message":"destroyed demo-1"}]},
		{"command":"destroy cluster","phases":null,
			"notes":[{"time":"2026-01-02T03:04:05Z","message":"destroyed demo-2 on none"}]},
		{"command":"create cluster","phases":[]}]}`
	if err := os.WriteFile(filepath.Join(dir, phase.JournalName), []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	runs, err := phase.ReadJournal(dir)
	if err != nil || len(runs) != 4 {
		t.Fatalf("%+v, %v", runs, err)
	}
	if got := runs[1].Cluster; got == nil || *got != (phase.Cluster{InfraID: "demo-1"}) || !runs[1].Destroyed {
		t.Errorf("of an older version: %+v", got)
	}
	if got := phase.LastDestroyed(runs); got != (phase.Cluster{InfraID: "demo-2", Platform: "none"}) {
		t.Errorf("the last one: %+v", got)
	}
	if got := phase.SinceDestroyed(runs); len(got) != 1 || got[0].Command != "create cluster" {
		t.Errorf("what came after it: %+v", got)
	}
	j := phase.OpenJournal(dir, keeping(event.Discard))
	j.Begin(phase.Run{Command: "destroy cluster"})
	j.About(phase.Cluster{InfraID: "demo-3", Platform: "toy"})
	j.Destroyed()
	runs, err = phase.ReadJournal(dir)
	if err != nil || phase.LastDestroyed(runs) != (phase.Cluster{InfraID: "demo-3", Platform: "toy"}) ||
		len(phase.SinceDestroyed(runs)) != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
	if got := phase.LastDestroyed(runs[3:4]); got != (phase.Cluster{}) {
		t.Errorf("nothing was destroyed: %+v", got)
	}
}

func TestJournalSaysHowARunEnded(t *testing.T) {
	tests := []struct {
		name        string
		err         error
		want        string
		interrupted bool
	}{
		{"well", nil, "", false},
		{"badly", errors.New("login refused"), "login refused", false},
		{"interrupted", fmt.Errorf("phase images: %w", exit.ErrInterrupted), "interrupted: phase images: interrupted",
			true},
		{"interrupted at once", exit.ErrInterrupted, "interrupted", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := phase.OpenJournal(dir, keeping(event.Discard))
			j.Begin(phase.Run{Command: "create cluster"})
			j.End(noon, tt.err)
			runs, err := phase.ReadJournal(dir)
			if err != nil || len(runs) != 1 {
				t.Fatal(runs, err)
			}
			if r := runs[0]; r.Error != tt.want || r.Ended.IsZero() || r.Interrupted() != tt.interrupted {
				t.Errorf("run %+v, want error %q", r, tt.want)
			}
		})
	}
}

// A run that goes on where another stopped sees the events of etcd again, and
// keeps them once.
func TestNotesAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	note := phase.Note{Time: noon, Phase: "bootstrap-complete", Message: "etcd: master-0 joined"}
	for run := range 2 {
		j := phase.OpenJournal(dir, keeping(event.Discard))
		j.Begin(phase.Run{Command: "create cluster"})
		if fresh := j.NoteOnce(note); fresh != (run == 0) {
			t.Errorf("run %d: fresh %v", run, fresh)
		}
		again := note // the same again later is something else: it left and came back
		again.Time = noon.Add(time.Minute)
		if run == 1 && !j.NoteOnce(again) {
			t.Error("a second time is lost")
		}
	}
	runs, err := phase.ReadJournal(dir)
	if err != nil || len(runs[0].Notes) != 1 || len(runs[1].Notes) != 1 {
		t.Errorf("%+v, %v", runs, err)
	}
	if none := (*phase.Journal)(nil); !none.NoteOnce(note) {
		t.Error("without a journal nothing was said before")
	}
}

func FuzzReadJournal(f *testing.F) {
	f.Add([]byte(`{"runs":[{"command":"create cluster","phases":[{"name":"images"}]}]}`))
	f.Add([]byte(`{"runs":null}`))
	f.Add([]byte(`{"runs":[{"phases":[`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, phase.JournalName), content, 0o600); err != nil {
			t.Fatal(err)
		}
		j := phase.OpenJournal(dir, keeping(event.Discard))
		j.Begin(phase.Run{Command: "status"})
		if runs, err := phase.ReadJournal(dir); err != nil || runs[len(runs)-1].Command != "status" {
			t.Errorf("%v, %v", runs, err)
		}
	})
}

// What was proved of machines counts for a day, for the same cluster, until it is destroyed.
func TestProvedLately(t *testing.T) {
	demo, other := phase.Cluster{InfraID: "demo-x7k2p"}, phase.Cluster{InfraID: "demo-zzzzz"}
	dir := t.TempDir()
	j := phase.OpenJournal(dir, keeping(event.Discard))
	for _, machines := range [][]string{{"a", "b"}, nil, {"c"}} {
		j.Begin(phase.Run{Command: "destroy cluster"})
		j.About(demo)
		if machines != nil {
			j.Prove(machines)
		}
	}
	for _, tt := range []struct {
		cluster phase.Cluster
		after   time.Duration
		want    string
	}{
		{demo, 23 * time.Hour, "[a b c]"},
		{demo, 24 * time.Hour, "[]"},
		{other, time.Hour, "[]"},
	} {
		again := phase.OpenJournal(dir, keeping(event.Discard))
		if got := fmt.Sprint(again.ProvedLately(tt.cluster, noon.Add(tt.after))); got != tt.want {
			t.Errorf("%s after %s: %s, want %s", tt.cluster.InfraID, tt.after, got, tt.want)
		}
	}
	j.Destroyed()
	if got := j.ProvedLately(demo, noon); len(got) > 0 {
		t.Errorf("destroyed, and proved: %q", got)
	}
	if got := (*phase.Journal)(nil).ProvedLately(demo, noon); got != nil {
		t.Errorf("without a journal: %q", got)
	}
}
