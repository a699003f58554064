package check

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/clock"
)

// slow is a check that runs until it is released, and counts its runs.
type slow struct {
	runs    atomic.Int32
	release chan agent.Check
}

func (s *slow) run(ctx context.Context, _ *Input, _ *World) agent.Check {
	s.runs.Add(1)
	if ctx.Err() != nil {
		return fail("", "ended")
	}
	select {
	case c := <-s.release:
		return c
	case <-ctx.Done():
		return fail("", "ended")
	}
}

func TestRunner(t *testing.T) {
	clk := clock.NewFake(now)
	s := &slow{release: make(chan agent.Check, 1)}
	r := NewRunner(t.Context(), &World{Clock: clk}, []Check{
		{ID: "fast", Run: func(context.Context, *Input, *World) agent.Check { return pass("fast") }},
		{ID: "unused", Run: s.run, Uses: func(*Input) bool { return false }},
		{ID: "slow", Run: s.run, Every: time.Minute, Timeout: time.Hour, Key: func(in *Input) string { return in.role() }},
	})
	in := Input{Config: &agent.Config{Masters: 3}}
	now := func(want agent.Result, runs int32) {
		t.Helper()
		got := r.Results(t.Context(), in)
		if len(got) != 2 || got[0].ID != "fast" || got[0].Result != agent.Pass ||
			got[1].ID != "slow" || got[1].Result != want {
			t.Fatalf("got %+v, want %s", got, want)
		}
		if want == agent.Pending {
			return // it may not have begun
		}
		if n := s.runs.Load(); n != runs {
			t.Fatalf("%d runs, want %d", n, runs)
		}
	}
	done := func(c agent.Check) {
		t.Helper()
		s.release <- c
		r.Wait()
	}
	now(agent.Pending, 0)
	now(agent.Pending, 0) // does not begin twice
	done(fail("", "x"))
	now(agent.Fail, 1) // and is not repeated at once
	clk.Advance(Retry)
	now(agent.Fail, 1) // what is known, while it runs again
	done(pass("y"))
	now(agent.Pass, 2)
	clk.Advance(Retry)
	now(agent.Pass, 2)
	clk.Advance(time.Minute - Retry)
	r.Results(t.Context(), in)
	// What runs now is about what was, so that its result is of no interest.
	in.Config = &agent.Config{Masters: 3, Workers: 1}
	now(agent.Pending, 0)
	done(pass("z"))
	now(agent.Pass, 4)
}

func TestRunnerTimeout(t *testing.T) {
	s := &slow{release: make(chan agent.Check)}
	r := NewRunner(t.Context(), &World{Clock: clock.NewFake(now)}, []Check{
		{ID: "slow", Run: s.run, Every: Never, Timeout: time.Millisecond},
	})
	r.Results(t.Context(), Input{})
	r.Wait()
	if got := r.Results(t.Context(), Input{}); got[0].Result != agent.Fail {
		t.Errorf("got %+v", got)
	}
}
