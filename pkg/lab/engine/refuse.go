package engine

import (
	"fmt"
	"net/http"
)

// refusal is an answer other than success. Its status follows the class of
// the engine's message, and the texts are the engine's, because clients tell
// cases apart by them.
type refusal struct {
	status int
	reason string
	detail string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.reason, r.detail) }

const operationFailed = "Operation Failed"

// invalid refuses bad parameters.
func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, operationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// incomplete refuses a request that lacks something the call needs.
func incomplete(what, call string) error {
	return &refusal{http.StatusBadRequest, "Incomplete parameters", fmt.Sprintf("%s required for %s", what, call)}
}

// conflict refuses what the present state of things does not allow.
func conflict(format string, args ...any) error {
	return &refusal{http.StatusConflict, operationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

// notFound refuses with an empty body: the engine does not say more.
func notFound() error { return &refusal{status: http.StatusNotFound} }

func forbidden(format string, args ...any) error {
	return &refusal{http.StatusForbidden, operationFailed, "[" + fmt.Sprintf(format, args...) + "]"}
}

func broken(err error) error {
	return &refusal{http.StatusInternalServerError, operationFailed, "[" + err.Error() + "]"}
}
