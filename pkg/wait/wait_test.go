package wait_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/wait"
)

func TestUntilPollsUntilDone(t *testing.T) {
	clk := clock.NewFake(time.Unix(0, 0))
	calls := 0
	result := make(chan error, 1)
	go func() {
		result <- wait.Until(t.Context(), clk, time.Second, func(context.Context) (bool, string, error) {
			calls++
			return calls == 3, "third call", nil
		})
	}()
	for i := 0; i < 2; i++ {
		for clk.Waiters() == 0 {
			time.Sleep(time.Millisecond)
		}
		clk.Advance(time.Second)
	}
	if err := <-result; err != nil {
		t.Fatalf("Until: %v", err)
	}
	if calls != 3 {
		t.Errorf("check ran %d times, want 3", calls)
	}
}

func TestUntilReports(t *testing.T) {
	broken := errors.New("disk is gone")
	interrupt := errors.New("operator pressed Ctrl-C")
	looks := 0
	tests := []struct {
		name   string
		ctx    func() context.Context
		check  wait.Check
		is     error
		saying string
	}{
		{
			name:   "a permanent error as it is",
			ctx:    context.Background,
			check:  func(context.Context) (bool, string, error) { return false, "looking", broken },
			is:     broken,
			saying: "disk is gone",
		},
		{
			name: "the last reason when cancelled",
			ctx: func() context.Context {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
				t.Cleanup(cancel)
				return ctx
			},
			check:  func(context.Context) (bool, string, error) { return false, "node master-1 not ready", nil },
			is:     context.DeadlineExceeded,
			saying: "timed out; last seen: node master-1 not ready",
		},
		{
			name: "the cause given to the context",
			ctx: func() context.Context {
				ctx, cancel := context.WithCancelCause(context.Background())
				cancel(interrupt)
				return ctx
			},
			check:  func(context.Context) (bool, string, error) { return true, "", nil },
			is:     interrupt,
			saying: "operator pressed Ctrl-C",
		},
		{
			name: "what is missing, not that the last check was interrupted",
			ctx: func() context.Context {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
				t.Cleanup(cancel)
				return ctx
			},
			check: func(ctx context.Context) (bool, string, error) {
				if looks++; looks > 1 {
					<-ctx.Done()
					return false, "GET /version: " + ctx.Err().Error(), nil
				}
				return false, "API is starting", nil
			},
			is:     context.DeadlineExceeded,
			saying: "timed out; last seen: API is starting",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := wait.Until(tt.ctx(), clock.Real(), time.Millisecond, tt.check)
			if !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if err != nil && err.Error() != tt.saying {
				t.Errorf("error says %q, want %q", err, tt.saying)
			}
		})
	}
}
