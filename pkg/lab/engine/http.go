package engine

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
	"github.com/okd-install/okd-install/pkg/lab/engine/search"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

// maxBody bounds request documents; custom scripts are the big ones.
const maxBody = 64 << 20

// call is one request to the API.
type call struct {
	*Engine
	r     *http.Request
	user  sso.User
	query url.Values
	body  []byte
	// wait, if set, holds the answer back until a task has ended.
	wait <-chan error
}

// id is a path parameter.
func (c *call) id(name string) string { return c.r.PathValue(name) }

// read decodes the request document into v.
func (c *call) read(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return incomplete("entity", c.r.Method)
	}
	if err := xml.Unmarshal(c.body, v); err != nil {
		return &refusal{http.StatusBadRequest, "Request syntactically incorrect.", err.Error()}
	}
	return nil
}

// flag is a boolean given in the query, or as matrix parameter by old clients.
func (c *call) flag(name string) bool {
	v, _ := strconv.ParseBool(c.query.Get(name))
	return v
}

// job registers the job of a command that goes on after the answer.
func (c *call) job(format string, args ...any) *model.Job {
	id := c.query.Get("correlation_id")
	if id == "" {
		id = c.r.Header.Get("Correlation-Id")
	}
	return c.startJob(id, fmt.Sprintf(format, args...))
}

// done registers the job of a command that has ended already.
func (c *call) done(format string, args ...any) {
	c.endJob(c.job(format, args...).ID, nil)
}

// follows tells whether a sub-collection is to be included in the answer.
func (c *call) follows(name string) bool {
	for _, f := range strings.Split(c.query.Get("follow"), ",") {
		f = strings.ReplaceAll(strings.TrimSpace(f), "_", "")
		if f == name || strings.HasPrefix(f, name+".") {
			return true
		}
	}
	return false
}

// handler answers a call; e.mu is held while it runs.
type handler func(c *call) (any, error)

// api wraps a handler: authentication, reading, locking, writing.
func (e *Engine) api(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := e.authenticate(w, r)
		if !ok {
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeError(w, &refusal{http.StatusBadRequest, "Request syntactically incorrect.", err.Error()})
			return
		}
		c := &call{Engine: e, r: r, user: user, query: r.URL.Query(), body: body}
		if err := c.permitted(); err != nil {
			writeError(w, err)
			return
		}
		e.mu.Lock()
		out, err := h(c)
		var data []byte
		if err == nil {
			data, err = xml.MarshalIndent(out, "", "    ")
		}
		e.mu.Unlock()
		if err == nil && c.wait != nil {
			select {
			case err = <-c.wait:
			case <-r.Context().Done():
				return
			}
		}
		if err != nil {
			var refused *refusal
			if !errors.As(err, &refused) {
				e.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			writeError(w, err)
			return
		}
		status := http.StatusOK
		if _, action := out.(*api.Action); r.Method == http.MethodPost && !action {
			status = http.StatusCreated
		}
		w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, xmlHeader)
		_, _ = w.Write(data)
	}
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// permitted is the engine's coarse permission model: administrators may do
// everything; others may look, if they ask for the filtered view.
func (c *call) permitted() error {
	if c.user.Admin {
		return nil
	}
	if c.r.Method != http.MethodGet {
		return forbidden("User is not authorized to perform this action.")
	}
	if filter, _ := strconv.ParseBool(c.r.Header.Get("Filter")); !filter {
		return &refusal{http.StatusForbidden, operationFailed,
			"query execution failed due to insufficient permissions."}
	}
	return nil
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		errors.As(broken(err), &refused)
	}
	if refused.reason == "" {
		w.WriteHeader(refused.status)
		return
	}
	w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
	w.WriteHeader(refused.status)
	data, err := xml.MarshalIndent(api.Fault{Reason: refused.reason, Detail: refused.detail}, "", "    ")
	if err == nil {
		_, _ = io.WriteString(w, xmlHeader+string(data))
	}
}

// serve normalizes the path, lets faults happen and routes.
func (e *Engine) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	for strings.Contains(path, "//") {
		// Clients with a slash at the end of their URL ask for /api//vms; the
		// engine answers that without a redirect.
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	r2 := r.Clone(r.Context())
	r2.URL.Path, r2.URL.RawPath = path, ""
	paths := []string{path, strings.TrimPrefix(path, api.Prefix)}
	if !e.misbehave(w, r2, paths, e.routes.ServeHTTP) {
		e.routes.ServeHTTP(w, r2)
	}
}

// misbehave lets an injected fault happen, if there is one for this request.
// It returns false when the request is to be served as usual.
func (e *Engine) misbehave(w http.ResponseWriter, r *http.Request, paths []string, serve http.HandlerFunc) bool {
	f, ok := e.faults.Take(r.Method, paths, fault.Request, fault.Lost, fault.Drop)
	if !ok {
		return false
	}
	e.log.Info("fault happens", "fault", f.ID, "kind", f.Kind, "method", r.Method, "path", r.URL.Path)
	if f.Delay > 0 {
		ctx := r.Context()
		if e.clock.Sleep(ctx, f.Delay) != nil {
			return true
		}
	}
	switch {
	case f.Kind == fault.Lost:
		serve(&discard{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case f.Kind == fault.Drop:
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	switch f.Status {
	case http.StatusUnauthorized:
		expired(w)
	case http.StatusNotFound:
		writeError(w, notFound())
	default:
		reason := f.Reason
		if reason == "" {
			reason = operationFailed
		}
		writeError(w, &refusal{f.Status, reason, f.Detail})
	}
	return true
}

// discard is where lost answers go.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// logged writes the request log. Query values and headers stay out of it:
// they may hold tokens.
func (e *Engine) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := e.clock.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			e.log.Debug("request", "method", r.Method, "path", logPath(r.URL.Path), "status", rec.status,
				"took", e.clock.Now().Sub(start).Round(time.Microsecond))
		}()
		next.ServeHTTP(rec, r)
	})
}

// logPath hides tickets: knowing one is the permission to read a disk.
func logPath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/images/"); ok && len(rest) > 8 {
		return "/images/" + rest[:8] + "..."
	}
	return path
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// found filters, sorts and pages a collection by the request's search, max and
// case parameters.
func found[T any](c *call, items []*T, fields func(*T) search.Fields) ([]*T, error) {
	q, err := search.Parse(c.query.Get("search"))
	if err != nil {
		return nil, invalid("%v", err)
	}
	var out []*T
	path := c.r.URL.Path
	_, blind := c.faults.Take(c.r.Method, []string{path, strings.TrimPrefix(path, api.Prefix)}, fault.IgnoreSearch)
	for _, item := range items {
		if blind {
			out = append(out, item)
			continue
		}
		ok, err := q.Match(fields(item))
		if err != nil {
			return nil, invalid("%v", err)
		}
		if ok {
			out = append(out, item)
		}
	}
	if field, desc := q.Sort(); field != "" {
		sortBy(out, field, desc, fields)
	}
	const page = 100
	if q.Page > 0 {
		from := min((q.Page-1)*page, len(out))
		out = out[from:min(from+page, len(out))]
	}
	if n, err := strconv.Atoi(c.query.Get("max")); err == nil && n >= 0 && n < len(out) {
		out = out[:n]
	}
	return out, nil
}
