package phase_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/phase"
)

type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf("%s %s", e.Kind, e.Phase))
}

func ok(name string, ran *[]string) phase.Step {
	return phase.Step{Phase: phase.Phase{Name: name}, Run: func(context.Context, event.Sink) error {
		*ran = append(*ran, name)
		return nil
	}}
}

func newRunner(t *testing.T, sink event.Sink) (*phase.Runner, string) {
	t.Helper()
	dir := t.TempDir()
	j := phase.OpenJournal(dir, keeping(event.Discard))
	j.Begin(phase.Run{Command: "create cluster", PID: 7})
	return &phase.Runner{Clock: clock.Real(), Sink: sink, Journal: j}, dir
}

func TestRunInOrderSkipAndResume(t *testing.T) {
	var ran []string
	rec := &recorder{}
	r, dir := newRunner(t, rec)
	r.Skip = []string{"three"}
	two := ok("two", &ran)
	two.Done = func(context.Context) (bool, error) { return true, nil }
	four := ok("four", &ran)
	four.Unless = "this cluster has no workers"
	err := r.Run(t.Context(), []phase.Step{ok("one", &ran), two, ok("three", &ran), four, ok("five", &ran)})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "five"}; !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	want := []string{
		"phase-start one", "phase-done one", "phase-start two", "phase-done two",
		"phase-skipped three", "phase-skipped four", "phase-start five", "phase-done five",
	}
	if !slices.Equal(rec.lines, want) {
		t.Errorf("events %v, want %v", rec.lines, want)
	}
	runs, err := phase.ReadJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range runs[0].Phases {
		got = append(got, e.Name+" "+string(e.Result))
	}
	if want := []string{"one done", "two already-done", "three skipped", "four skipped",
		"five done"}; !slices.Equal(got, want) {
		t.Errorf("journal %v, want %v", got, want)
	}
}

func TestFailureNamesPhaseAndStopsThere(t *testing.T) {
	var ran []string
	r, dir := newRunner(t, event.Discard)
	boom := errors.New("engine is down")
	r.Typed = func(command string) string { return "okd-install " + command }
	images := phase.Phase{Name: "images", ExitCode: 4, Next: phase.Hint{Text: "%s tries again",
		Commands: []string{"create cluster"}}}
	bad := phase.Step{Phase: images, Run: func(context.Context, event.Sink) error { return boom }}
	err := r.Run(t.Context(), []phase.Step{bad, ok("later", &ran)})
	var failed *phase.Failed
	if !errors.As(err, &failed) || failed.Phase.Name != "images" || failed.ExitCode() != 4 ||
		failed.Next() != "okd-install create cluster tries again" || !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if len(ran) != 0 {
		t.Errorf("ran %v after a failure", ran)
	}
	runs, _ := phase.ReadJournal(dir)
	if e := runs[0].Phases[0]; e.Result != phase.Broken || !strings.Contains(e.Detail, "engine is down") {
		t.Errorf("journal has %+v", e)
	}
}

// An exit code and next step of the cause win over those of the phase.
func TestFailureOfAKnownCause(t *testing.T) {
	r, _ := newRunner(t, event.Discard)
	images := phase.Phase{Name: "images", ExitCode: 4, Next: phase.Hint{Text: "try again"}}
	for _, tt := range []struct {
		cause error
		code  int
		next  string
	}{
		{errors.New("broken"), 4, "try again"},
		{fmt.Errorf("x: %w", exit.With(9, "look", errors.New("broken"))), 9, "look"},
		{exit.New("", "broken"), 1, "try again"},
	} {
		err := r.Run(t.Context(), []phase.Step{{Phase: images,
			Run: func(context.Context, event.Sink) error { return tt.cause }}})
		if exit.Code(err) != tt.code || exit.Next(err) != tt.next || !errors.Is(err, tt.cause) {
			t.Errorf("%v: code %d, next %q", err, exit.Code(err), exit.Next(err))
		}
	}
}

func TestUnknownSkipIsRefused(t *testing.T) {
	r, _ := newRunner(t, event.Discard)
	r.Skip = []string{"imags"}
	if err := r.Run(t.Context(), []phase.Step{{Phase: phase.Phase{Name: "images"}}}); err == nil ||
		!strings.Contains(err.Error(), `"imags"`) {
		t.Errorf("got %v", err)
	}
}

// A budget runs from the last progress, not from the start.
func TestBudgetFollowsProgress(t *testing.T) {
	clk := clock.NewFake(time.Unix(0, 0))
	r := &phase.Runner{Clock: clk, Sink: event.Discard}
	step := make(chan string)
	stalled := phase.Step{Phase: phase.Phase{Name: "wait", Budget: time.Minute},
		Run: func(ctx context.Context, sink event.Sink) error {
			for {
				select {
				case msg := <-step:
					event.ProgressOf(sink, msg)
					step <- ""
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}}
	result := make(chan error, 1)
	go func() { result <- r.Run(t.Context(), []phase.Step{stalled}) }()
	say := func(msg string) { step <- msg; <-step }
	advance := func(d time.Duration) {
		for clk.Waiters() == 0 {
			time.Sleep(time.Millisecond)
		}
		clk.Advance(d)
	}
	say("node 0")
	advance(50 * time.Second)
	say("node 1") // new: the minute starts again
	advance(20 * time.Second)
	select {
	case err := <-result:
		t.Fatalf("gave up although there was progress: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	say("node 0") // said before: no progress
	advance(45 * time.Second)
	err := <-result
	var s *phase.Stalled
	if !errors.As(err, &s) || s.Last != "node 0" || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

// Endless progress does not prolong a phase without limit.
func TestBudgetHasACeiling(t *testing.T) {
	clk := clock.NewFake(time.Unix(0, 0))
	r := &phase.Runner{Clock: clk, Sink: event.Discard}
	endless := phase.Step{Phase: phase.Phase{Name: "wait", Budget: time.Minute},
		Run: func(ctx context.Context, sink event.Sink) error {
			for n := 0; ; n++ {
				event.ProgressOf(sink, fmt.Sprintf("retry %d", n))
				if err := clk.Sleep(ctx, 30*time.Second); err != nil {
					return err
				}
			}
		}}
	result := make(chan error, 1)
	go func() { result <- r.Run(t.Context(), []phase.Step{endless}) }()
	for {
		select {
		case err := <-result:
			var s *phase.Stalled
			if took := clk.Now().Sub(time.Unix(0, 0)); !errors.As(err, &s) || !s.Moving || took < 3*time.Minute ||
				took > 4*time.Minute {
				t.Fatalf("after %s: %v", took, err)
			}
			return
		default:
			if clk.Waiters() == 2 { // the phase and its watchdog
				clk.Advance(10 * time.Second)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestInterruptKeepsItsCause(t *testing.T) {
	ctrlC := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	r, _ := newRunner(t, event.Discard)
	err := r.Run(ctx, []phase.Step{{Phase: phase.Phase{Name: "up"}, Run: func(ctx context.Context, _ event.Sink) error {
		cancel(ctrlC)
		<-ctx.Done()
		return fmt.Errorf("dial engine: %w", ctx.Err())
	}}})
	if !errors.Is(err, ctrlC) {
		t.Fatalf("lost the cause: %v", err)
	}
}

func TestJournalSurvivesAndKeepsHistory(t *testing.T) {
	dir := t.TempDir()
	for i := range 60 {
		j := phase.OpenJournal(dir, keeping(event.Discard))
		j.Begin(phase.Run{Command: fmt.Sprint(i)})
		j.NoteOnce(phase.Note{Time: time.Unix(int64(i), 0), Message: "etcd members: 4"})
	}
	runs, err := phase.ReadJournal(dir)
	if err != nil || len(runs) != 50 || runs[49].Command != "59" || runs[49].Notes[0].Message != "etcd members: 4" {
		t.Fatalf("runs %d, err %v", len(runs), err)
	}
	info, err := os.Stat(filepath.Join(dir, phase.JournalName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, err %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.json.*"))
	if len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
}
