// Package refuse makes the engine's answers other than success. Their statuses
// follow the classes of the engine's messages, and their texts are the engine's,
// because clients tell cases apart by them.
package refuse

import (
	"fmt"
	"net/http"
	"strings"
)

// Refusal is one such answer.
type Refusal struct {
	Status int // of HTTP
	Reason string
	Detail string
}

func (r *Refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Status, r.Reason, r.Detail))
}

// OperationFailed is the reason that the engine gives for most refusals.
const OperationFailed = "Operation Failed"

func failed(status int, format string, args ...any) error {
	return &Refusal{status, OperationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// Invalid refuses bad parameters.
func Invalid(format string, args ...any) error { return failed(http.StatusBadRequest, format, args...) }

// Conflict refuses what the present state of things does not allow.
func Conflict(format string, args ...any) error { return failed(http.StatusConflict, format, args...) }

// Forbidden refuses what the account may not do.
func Forbidden(format string, args ...any) error {
	return failed(http.StatusForbidden, format, args...)
}

// Broken reports an error of the engine itself.
func Broken(format string, args ...any) error {
	return failed(http.StatusInternalServerError, format, args...)
}

// Incomplete refuses a request that lacks something the call needs.
func Incomplete(what, call string) error {
	return &Refusal{http.StatusBadRequest, "Incomplete parameters", fmt.Sprintf("%s required for %s", what, call)}
}

// NotFound refuses with an empty body: the engine does not say more.
func NotFound() error { return &Refusal{Status: http.StatusNotFound} }

// Action is what a client wants to be done, in the engine's words, for example
// "add VM".
type Action string

// Invalid refuses the action because of bad parameters.
func (a Action) Invalid(format string, args ...any) error {
	return Invalid("Cannot %s. "+format, append([]any{a}, args...)...)
}

// Conflict refuses the action because of the present state of things.
func (a Action) Conflict(format string, args ...any) error {
	return Conflict("Cannot %s. "+format, append([]any{a}, args...)...)
}

// InvalidIf refuses bad parameters, if they are.
func (a Action) InvalidIf(bad bool, format string, args ...any) error {
	if !bad {
		return nil
	}
	return a.Invalid(format, args...)
}

// ConflictIf refuses the action if the state of things does not allow it.
func (a Action) ConflictIf(not bool, format string, args ...any) error {
	if !not {
		return nil
	}
	return a.Conflict(format, args...)
}
