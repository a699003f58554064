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

// Invalid refuses bad parameters.
func Invalid(format string, args ...any) error {
	return &Refusal{http.StatusBadRequest, OperationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// Incomplete refuses a request that lacks something the call needs.
func Incomplete(what, call string) error {
	return &Refusal{http.StatusBadRequest, "Incomplete parameters", fmt.Sprintf("%s required for %s", what, call)}
}

// Conflict refuses what the present state of things does not allow.
func Conflict(format string, args ...any) error {
	return &Refusal{http.StatusConflict, OperationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// NotFound refuses with an empty body: the engine does not say more.
func NotFound() error { return &Refusal{Status: http.StatusNotFound} }

// Forbidden refuses what the account may not do.
func Forbidden(format string, args ...any) error {
	return &Refusal{http.StatusForbidden, OperationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// Broken reports an error of the engine itself.
func Broken(err error) error {
	return &Refusal{http.StatusInternalServerError, OperationFailed, "[" + err.Error() + "]"}
}
