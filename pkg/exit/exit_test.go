package exit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
)

// hint is an error that knows a next step and no code.
type hint string

func (h hint) Error() string { return "broken" }
func (h hint) Next() string  { return string(h) }

func TestCodeAndNext(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		err  error
		code int
		next string
	}{
		{"success", nil, 0, ""},
		{"anything else", broken, 1, ""},
		{"with advice", exit.New("try again", "dial %s: %w", "x", broken), 1, "try again"},
		{"with a code", exit.With(exit.InstallConfig, "", broken), 3, ""},
		{"wrapped", fmt.Errorf("read: %w", exit.With(exit.Unproved, "look", broken)), 9, "look"},
		{"joined", errors.Join(broken, exit.With(exit.Bootstrap, "look", broken)), 5, "look"},
		{"two that know", exit.With(exit.Bootstrap, "outer", exit.With(exit.Install, "inner", broken)), 5, "outer"},
		{"one that does not", exit.With(exit.Bootstrap, "", exit.New("inner", "x: %w", broken)), 5, "inner"},
		{"an error of another package", exit.With(exit.Bootstrap, "", fmt.Errorf("x: %w", hint("inner"))), 5, "inner"},
		{"a signal", exit.With(exit.Bootstrap, "", fmt.Errorf("%w by SIGINT", exit.ErrInterrupted)), 8, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code, next := exit.Code(tt.err), exit.Next(tt.err); code != tt.code || next != tt.next {
				t.Errorf("code %d, next step %q; want %d, %q", code, next, tt.code, tt.next)
			}
		})
	}
}

func TestIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	if exit.IsInterrupted(ctx) {
		t.Error("not yet")
	}
	cancel(exit.ErrInterrupted)
	child, end := context.WithCancel(ctx)
	defer end()
	if !exit.IsInterrupted(child) {
		t.Error("a child does not know")
	}
	other, stop := context.WithCancel(t.Context())
	stop()
	if exit.IsInterrupted(other) {
		t.Error("any end counts as an interruption")
	}
}
