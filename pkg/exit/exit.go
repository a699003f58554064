// Package exit is how a run of the program ends: with which code, and with which advice to the person who reads the
// error. An error that knows its code has a method ExitCode, one that knows a next step has a method Next; any
// package can make one, and this package finds them in a chain of errors.
package exit

import (
	"context"
	"errors"
	"fmt"
)

// The exit codes of openshift-install, and one of our own. Wrappers decide by them what to do next.
const (
	OK             = 0
	Other          = 1
	InstallConfig  = 3
	Infrastructure = 4
	Bootstrap      = 5
	Install        = 6
	Operators      = 7
	Interrupted    = 8
	// Unproved ends a run that might harm a living cluster. openshift-install has no such code.
	Unproved = 9
)

// ErrInterrupted is the cause with which a signal ends the context.
var ErrInterrupted = errors.New("interrupted")

// IsInterrupted reports whether a signal has ended ctx.
func IsInterrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrInterrupted) }

// Error is an error with an exit code and, where there is one, a next step.
type Error struct {
	code int
	next string
	err  error
}

// New makes an error with code Other. The next step may be empty.
func New(next, format string, args ...any) error {
	return With(Other, next, fmt.Errorf(format, args...))
}

// With gives err a code and a next step, which may be empty.
func With(code int, next string, err error) error { return &Error{code, next, err} }

// Stopped makes the error of a run that ends before it has changed anything, because it might harm a living cluster.
func Stopped(next, format string, args ...any) error {
	return With(Unproved, next, fmt.Errorf(format+"; nothing was changed", args...))
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// ExitCode is the code with which a run that ended with e exits.
func (e *Error) ExitCode() int { return e.code }

// Next is what the reader can do, empty if e does not know.
func (e *Error) Next() string { return e.next }

// Code is the code with which a run that ended with err exits. The outermost error that knows one decides.
func Code(err error) int { return CodeOr(err, Other) }

// CodeOr is Code with another code for an error that knows none.
func CodeOr(err error, other int) int {
	var coded interface {
		error
		ExitCode() int
	}
	switch {
	case err == nil:
		return OK
	case errors.Is(err, ErrInterrupted):
		return Interrupted
	case errors.As(err, &coded):
		return coded.ExitCode()
	}
	return other
}

// Next is what the reader of err can do, empty if no error in the chain knows. The outermost that knows decides.
func Next(err error) string {
	for err != nil {
		var advising interface {
			error
			Next() string
		}
		if !errors.As(err, &advising) {
			return ""
		}
		if next := advising.Next(); next != "" {
			return next
		}
		err = errors.Unwrap(advising)
	}
	return ""
}
