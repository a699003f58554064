package redfish

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/stmcginnis/gofish/common"
	gofish "github.com/stmcginnis/gofish/redfish"
)

const (
	taskPoll  = 3 * time.Second
	taskLimit = 10 * time.Minute
)

// task is what is needed of a task, or of Dell's job in its place.
type task struct {
	ID         string `json:"@odata.id"`
	TaskState  gofish.TaskState
	TaskStatus common.Health
	JobState   string
	Message    string
}

// follow waits for the end of what an answer says has only begun. An answer that names no task is the end: the
// caller looks at the result anyway.
func (b *BMC) follow(ctx context.Context, action string, a *answer) error {
	if a.status != http.StatusAccepted {
		return nil
	}
	at := a.header.Get("Location")
	if at == "" {
		var t task
		if json.Unmarshal(a.body, &t) != nil || t.TaskState == "" || t.ID == "" {
			return nil
		}
		at = t.ID
	}
	u, err := url.Parse(at)
	if err != nil || u.Path == "" {
		return nil
	}
	ended, err := b.until(ctx, action, taskPoll, taskLimit, func() (bool, error) { return b.ended(ctx, action, u) })
	if err != nil || ended {
		return err
	}
	return b.fail(action, &Error{
		Kind: Stuck, Detail: "task " + printable(u.Path, false) + " has not ended after " + taskLimit.String(),
		Advice: "look at the BMC's list of tasks and at its event log; resetting the BMC ends a task that hangs",
	})
}

// ended reports whether a task has, and how it failed if it did. Tasks that are gone have ended.
func (b *BMC) ended(ctx context.Context, action string, at *url.URL) (bool, error) {
	a, err := b.conn.do(ctx, request{action: action, method: http.MethodGet, path: at.RequestURI()})
	if Is(err, NotFound) || status(err) == http.StatusGone {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var t task
	if len(a.body) > 0 {
		if err := unmarshal(a.body, &t); err != nil {
			return false, b.fail(action, &Error{Kind: Broken, Detail: "task: " + err.Error(), Err: err})
		}
	}
	switch t.TaskState {
	case gofish.ExceptionTaskState, gofish.KilledTaskState, gofish.CancelledTaskState, gofish.InterruptedTaskState:
		return true, b.failedTask(action, t, a.body)
	case gofish.CompletedTaskState:
		if t.TaskStatus == common.CriticalHealth { // Dell completes what has failed
			return true, b.failedTask(action, t, a.body)
		}
		return true, nil
	case "":
	default:
		return false, nil
	}
	switch t.JobState {
	case "Failed", "CompletedWithErrors", "RebootFailed":
		return true, b.failedTask(action, t, a.body)
	case "Completed":
		return true, nil
	case "":
		return a.status != http.StatusAccepted, nil // the answer of a task's monitor
	}
	return false, nil
}

func (b *BMC) failedTask(action string, t task, body []byte) error {
	e := &Error{Kind: Refused}
	e.IDs, e.Detail = words(body)
	if e.Detail == "" {
		e.Detail = printable(t.Message, false)
	}
	if e.Detail == "" {
		e.Detail = "its task ended as " + string(t.TaskState) + t.JobState
	}
	return b.fail(action, e)
}
