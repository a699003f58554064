// Package phase runs a list of phases, with resume, skip, timings and the journal. It knows nothing of what they do.
package phase

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
)

// Phase is what is known of a step of an installation, without a run.
type Phase struct {
	Name string
	Help string // what it does, as an imperative
	// Budget is how long the phase may go on without new progress. Zero is no limit.
	Budget time.Duration
	// Limit is how long the phase may take in all, whatever the progress. Zero is three budgets.
	Limit time.Duration
	// ExitCode is what the program ends with when the phase failed.
	ExitCode int
	// OnFailure is what is looked at after a failure.
	OnFailure Remedy
	// Next is what to do after a failure.
	Next Hint
	// Undo is the command that removes what the phase has made; empty if it made nothing.
	Undo string
}

// Remedy is what the program does about a phase that failed, before it ends.
type Remedy string

// The remedies.
const (
	Nothing  Remedy = ""         // the error says it all
	Bundle   Remedy = "bundle"   // gather the logs of the hosts and analyze them
	Diagnose Remedy = "diagnose" // ask the cluster what keeps it from being complete
)

// Hint is advice with commands of this program: each %s of Text is one of Commands, without program name and flags.
type Hint struct {
	Text     string
	Commands []string
}

// In is the hint with commands as they are typed, which typed knows.
func (h Hint) In(typed func(command string) string) string {
	words := make([]any, len(h.Commands))
	for i, c := range h.Commands {
		words[i] = typed(c)
	}
	return fmt.Sprintf(h.Text, words...)
}

// Step is a phase and what it does in this run.
type Step struct {
	Phase
	// Done reports whether the phase has nothing left to do. Nil means that Run finds that out cheaply itself.
	Done func(ctx context.Context) (bool, error)
	// Run does the work. It must cope with a world in which an earlier run was killed anywhere in the middle.
	Run func(ctx context.Context, sink event.Sink) error
	// Unless is the reason to leave the phase out of this run, if there is one.
	Unless string
}

// Runner runs steps in order.
type Runner struct {
	Clock   clock.Clock
	Sink    event.Sink
	Journal *Journal
	Skip    []string // phases to leave out
	// Timeout replaces every phase's budget when it is not zero.
	Timeout time.Duration
	// Typed is a command as the user types it, for hints; nil leaves it as it is.
	Typed func(command string) string
}

// Stalled says that a phase made no progress for its whole budget.
type Stalled struct {
	After time.Duration
	Last  string // what was being waited for
	// Moving says that there was progress to the last, but no end of it.
	Moving bool
}

func (s *Stalled) Error() string {
	text := "no progress for "
	if s.Moving {
		text = "not done after "
	}
	text += s.After.String()
	if s.Last != "" {
		text += ", waiting for: " + s.Last
	}
	return text
}

// Is lets callers ask for context.DeadlineExceeded.
func (s *Stalled) Is(target error) bool { return target == context.DeadlineExceeded }

// Failed says which phase failed, and why.
type Failed struct {
	Phase Phase
	Err   error
	next  string
}

func (f *Failed) Error() string { return fmt.Sprintf("phase %s: %v", f.Phase.Name, f.Err) }
func (f *Failed) Unwrap() error { return f.Err }

// ExitCode is that of the cause, if it has one, or the phase's.
func (f *Failed) ExitCode() int { return exit.CodeOr(f.Err, f.Phase.ExitCode) }

// Next is what to do: about the cause, if that is known, or after a failure of the phase.
func (f *Failed) Next() string {
	return cmp.Or(exit.Next(f.Err), f.next)
}

// Run goes through the list. It stops at the first phase that fails, with a *Failed. A phase that is done already is
// not run; any other runs under a deadline that follows its progress.
func (r *Runner) Run(ctx context.Context, steps []Step) error {
	if err := r.checkSkips(steps); err != nil {
		return err
	}
	for _, s := range steps {
		reason := s.Unless
		if slices.Contains(r.Skip, s.Name) {
			reason = "skipped on request"
		}
		if reason != "" {
			r.skip(s, reason)
			continue
		}
		if ctx.Err() != nil {
			return r.failed(s, context.Cause(ctx))
		}
		t := r.times(s.Phase)
		entry := r.begin(s, t)
		within, watch := follow(ctx, r.Clock, t, event.InPhase(r.Sink, s.Name))
		done, err := s.done(within)
		if err == nil && !done {
			err = s.Run(within, watch)
		}
		err = orInterruption(within, err)
		watch.stop()
		r.end(entry, done, err)
		if err != nil {
			return r.failed(s, err)
		}
	}
	return nil
}

func (r *Runner) checkSkips(steps []Step) error {
	for _, name := range r.Skip {
		if !slices.ContainsFunc(steps, func(s Step) bool { return s.Name == name }) {
			return fmt.Errorf("cannot skip phase %q: there is none of that name", name)
		}
	}
	return nil
}

func (r *Runner) skip(s Step, reason string) {
	r.emit(event.PhaseSkipped, s.Name, slog.LevelInfo, reason)
	now := r.Clock.Now()
	r.Journal.phase(Entry{Name: s.Name, Started: now, Ended: now, Result: Skipped, Detail: reason})
}

func (s Step) done(ctx context.Context) (bool, error) {
	if s.Done == nil {
		return false, nil
	}
	done, err := s.Done(ctx)
	if err != nil {
		return false, fmt.Errorf("look whether it is done: %w", err)
	}
	return done, nil
}

func (r *Runner) begin(s Step, t times) Entry {
	entry := Entry{Name: s.Name, Started: r.Clock.Now(), Result: Running,
		BudgetSeconds: t.budget.Seconds(), LimitSeconds: t.limit.Seconds()}
	// First on disk: who is told of a phase may look there for it.
	r.Journal.phase(entry)
	r.emit(event.PhaseStart, s.Name, slog.LevelInfo, s.Help, t.attrs()...)
	return entry
}

func (r *Runner) end(entry Entry, done bool, err error) {
	entry.Ended, entry.Result = r.Clock.Now(), Done
	kind, level := event.PhaseDone, slog.LevelInfo
	switch {
	case err != nil:
		entry.Result, entry.Detail = Broken, err.Error()
		kind, level = event.PhaseFailed, slog.LevelError
	case done:
		entry.Result = Already
	}
	r.Journal.phase(entry)
	text := string(entry.Result)
	if err != nil {
		text = err.Error()
	}
	r.emit(kind, entry.Name, level, text, slog.Duration("took", entry.Took()))
}

func (r *Runner) failed(s Step, err error) error {
	if r.Typed == nil {
		return &Failed{Phase: s.Phase, Err: err, next: s.Next.In(func(command string) string { return command })}
	}
	return &Failed{Phase: s.Phase, Err: err, next: s.Next.In(r.Typed)}
}

func (r *Runner) emit(kind event.Kind, phase string, level slog.Level, msg string, attrs ...slog.Attr) {
	r.Sink.Emit(event.Event{Time: r.Clock.Now(), Kind: kind, Phase: phase, Level: level, Message: msg, Attrs: attrs})
}

// orInterruption prefers the reason for which ctx ended to the error that its end caused somewhere below.
func orInterruption(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w (%w)", cause, err)
}
