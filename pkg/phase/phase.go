// Package phase runs a literal list of phases: it derives run, resume, skip,
// timings and the journal from the list and knows nothing of what they do.
package phase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
)

// Phase is one step on the way to a cluster.
type Phase struct {
	Name string
	Help string
	// Done looks at the world and says whether the phase has nothing left to
	// do. Nil means that Run is cheap to repeat and finds that out itself.
	Done func(ctx context.Context) (bool, error)
	// Run does the work. It must cope with a world in which an earlier run
	// was killed anywhere in the middle.
	Run func(ctx context.Context, sink event.Sink) error
	// Unless, when it returns a reason, leaves the phase out of this run.
	Unless func() (reason string)
	// Budget is how long the phase may go on without any progress: every
	// progress event that says something new starts it afresh. Zero is no limit.
	Budget time.Duration
	// Limit is how long the phase may take in all, whatever the progress. Zero is
	// three budgets.
	Limit time.Duration
	// Next is what to do when the phase failed: a command that can be pasted.
	Next string
}

// Runner runs phases in order.
type Runner struct {
	Clock   clock.Clock
	Sink    event.Sink
	Journal *Journal
	// Skip names phases to leave out.
	Skip map[string]bool
	// Timeout replaces every phase's budget when it is not zero.
	Timeout time.Duration
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

// Failed says which phase failed, why, and what to do next.
type Failed struct {
	Phase string
	Took  time.Duration
	Next  string
	Err   error
}

func (f *Failed) Error() string { return fmt.Sprintf("phase %s: %v", f.Phase, f.Err) }
func (f *Failed) Unwrap() error { return f.Err }

// Run goes through the list. It stops at the first phase that fails, with a
// *Failed.
func (r *Runner) Run(ctx context.Context, phases []Phase) error {
	if err := r.knowSkips(phases); err != nil {
		return err
	}
	for _, p := range phases {
		if err := r.one(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) knowSkips(phases []Phase) error {
	known := map[string]bool{}
	for _, p := range phases {
		known[p.Name] = true
	}
	for name := range r.Skip {
		if !known[name] {
			return fmt.Errorf("cannot skip phase %q: there is none of that name", name)
		}
	}
	return nil
}

func (r *Runner) one(ctx context.Context, p Phase) error {
	entry := Entry{Name: p.Name, Started: r.Clock.Now()}
	if reason := r.leaveOut(p); reason != "" {
		r.emit(event.PhaseSkipped, p.Name, slog.LevelInfo, reason)
		entry.Ended, entry.Result, entry.Detail = entry.Started, Skipped, reason
		r.Journal.phase(entry)
		return nil
	}
	if err := ctx.Err(); err != nil {
		return &Failed{Phase: p.Name, Next: p.Next, Err: interruption(ctx)}
	}
	t := r.times(p)
	entry.Result, entry.BudgetSeconds, entry.LimitSeconds = Running, t.budget.Seconds(), t.limit.Seconds()
	// First on disk: who is told of a phase may look there for it.
	r.Journal.phase(entry)
	r.emit(event.PhaseStart, p.Name, slog.LevelInfo, p.Help, t.attrs()...)
	result, err := r.run(ctx, p, t)
	entry.Ended, entry.Result = r.Clock.Now(), result
	took := slog.Duration("took", entry.Took())
	if err != nil {
		entry.Detail = err.Error()
		r.Journal.phase(entry)
		r.emit(event.PhaseFailed, p.Name, slog.LevelError, err.Error(), took)
		return &Failed{Phase: p.Name, Took: entry.Took(), Next: p.Next, Err: err}
	}
	r.Journal.phase(entry)
	r.emit(event.PhaseDone, p.Name, slog.LevelInfo, string(result), took)
	return nil
}

func (r *Runner) leaveOut(p Phase) string {
	if r.Skip[p.Name] {
		return "skipped on request"
	}
	if p.Unless != nil {
		return p.Unless()
	}
	return ""
}

// run looks whether the phase is done and does it otherwise, under a deadline
// that follows progress.
func (r *Runner) run(ctx context.Context, p Phase, t times) (Result, error) {
	ctx, watch := follow(ctx, r.Clock, t, event.InPhase(r.Sink, p.Name))
	defer watch.stop()
	if p.Done != nil {
		done, err := p.Done(ctx)
		if err != nil {
			return Broken, orInterruption(ctx, fmt.Errorf("look whether it is done: %w", err))
		}
		if done {
			return Already, nil
		}
	}
	if err := p.Run(ctx, watch); err != nil {
		return Broken, orInterruption(ctx, err)
	}
	return Done, nil
}

func (r *Runner) emit(kind event.Kind, phase string, level slog.Level, msg string, attrs ...slog.Attr) {
	r.Sink.Emit(event.Event{Time: r.Clock.Now(), Kind: kind, Phase: phase, Level: level, Message: msg, Attrs: attrs})
}

// orInterruption prefers the reason for which ctx ended to the error that its
// end caused somewhere below.
func orInterruption(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	cause := interruption(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w (%w)", cause, err)
}

func interruption(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return ctx.Err()
}
