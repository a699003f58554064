package rest

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

// Call is one request to the API.
type Call struct {
	*datacenter.DataCenter
	User  sso.User
	Query url.Values
	// Wait, if set, holds the answer back until a task has ended.
	Wait <-chan error

	r    *http.Request
	body []byte
}

// ID returns a path parameter.
func (c *Call) ID(name string) string { return c.r.PathValue(name) }

// InCenter refuses requests below another data center than this one.
func (c *Call) InCenter() error {
	if strings.Contains(c.r.URL.Path, "/datacenters/") && c.ID("id") != c.Layout.Center.ID {
		return refuse.NotFound()
	}
	return nil
}

// read decodes the request document into v.
func (c *Call) read(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return refuse.Incomplete("entity", c.r.Method)
	}
	if err := xml.Unmarshal(c.body, v); err != nil {
		return malformed(err)
	}
	return nil
}

func malformed(err error) error {
	return &refuse.Refusal{
		Status: http.StatusBadRequest, Reason: "Request syntactically incorrect.", Detail: err.Error(),
	}
}

// Flag returns a boolean given in the query, or as matrix parameter by old clients.
func (c *Call) Flag(name string) bool {
	v, _ := strconv.ParseBool(c.Query.Get(name))
	return v
}

// Correlation is what the client calls the job of its command; it may be empty.
func (c *Call) Correlation() string {
	return cmp.Or(c.Query.Get("correlation_id"), c.r.Header.Get("Correlation-Id"))
}

// Job registers the job of a command that goes on after the answer.
func (c *Call) Job(format string, args ...any) *model.Job {
	return c.StartJob(c.Correlation(), fmt.Sprintf(format, args...))
}

// Done registers the job of a command that has ended already.
func (c *Call) Done(format string, args ...any) { c.EndJob(c.Job(format, args...).ID, nil) }

// Completed registers the job of such a command and answers no more than that.
func (c *Call) Completed(format string, args ...any) (*api.Element, error) {
	c.Done(format, args...)
	return Complete(nil), nil
}

// Complete is the answer to an action or a removal. The body must not be empty:
// the Go SDK takes that for an error.
func Complete(job *model.Job) *api.Element {
	out := api.New("action").Set("status", "complete")
	if job != nil {
		out.Refer("job", "jobs", job.ID)
	}
	return out
}

// Set takes a value over, if there is one.
func Set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

// Follows reports whether a sub-collection is to be included in the answer.
func (c *Call) Follows(name string) bool {
	for _, f := range strings.Split(c.Query.Get("follow"), ",") {
		f = strings.ReplaceAll(strings.TrimSpace(f), "_", "")
		if f == name || strings.HasPrefix(f, name+".") {
			return true
		}
	}
	return false
}

// Handler answers a call. The data center's lock is held while it runs.
type Handler func(c *Call) (*api.Element, error)

// permitted is the engine's coarse permission model: administrators may do
// everything; others may look, if they ask for the filtered view.
func (c *Call) permitted() error {
	if c.User.Admin {
		return nil
	}
	if c.r.Method != http.MethodGet {
		return refuse.Forbidden("User is not authorized to perform this action.")
	}
	if filter, _ := strconv.ParseBool(c.r.Header.Get("Filter")); !filter {
		return &refuse.Refusal{
			Status: http.StatusForbidden, Reason: refuse.OperationFailed,
			Detail: "query execution failed due to insufficient permissions.",
		}
	}
	return nil
}
