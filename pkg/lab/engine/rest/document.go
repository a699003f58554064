package rest

import (
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// Stamp writes a time as the engine does.
func Stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-07:00") }

// StampOrNil writes a time, unless it is zero.
func StampOrNil(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := Stamp(t)
	return &s
}

// Href is the address of an object.
func Href(parts ...string) string { return api.Prefix + "/" + strings.Join(parts, "/") }

// Links are those from an object to its parts.
func Links(base string, rels ...string) []api.Link {
	out := make([]api.Link, len(rels))
	for i, rel := range rels {
		out[i] = api.Link{Href: base + "/" + rel, Rel: rel}
	}
	return out
}

// Actions are the links to what can be done to an object.
func Actions(base string, rels ...string) *api.Actions {
	return &api.Actions{Links: Links(base, rels...)}
}

// FirstOf returns the first text that is there.
func FirstOf(texts ...*string) string {
	for _, t := range texts {
		if t != nil {
			return *t
		}
	}
	return ""
}

// Set takes a value over, if there is one.
func Set[T any](dst *T, src *T) {
	if src != nil {
		*dst = *src
	}
}

// Complete is the answer to an action or a removal. The body must not be
// empty: the Go SDK takes that for an error.
func Complete(job *model.Job) *api.Action {
	out := &api.Action{Status: "complete"}
	if job != nil {
		out.Job = api.To("jobs", job.ID)
	}
	return out
}
