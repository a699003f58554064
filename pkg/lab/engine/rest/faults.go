package rest

import (
	"cmp"
	"io"
	"net/http"

	"github.com/okd-install/okd-install/pkg/lab/engine/fault"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
)

// misbehave lets an injected fault happen and reports whether there was one that
// answers this request.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, paths []string, serve http.HandlerFunc) bool {
	f, ok := s.Faults.Take(r.Method, paths, fault.Request, fault.Lost, fault.Drop)
	if !ok {
		return false
	}
	s.Log.Info("fault happens", "fault", f.ID, "kind", f.Kind, "method", r.Method, "path", r.URL.Path)
	if f.Delay > 0 && s.Clock.Sleep(r.Context(), f.Delay) != nil {
		return true
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
		writeError(w, refuse.NotFound())
	default:
		reason := cmp.Or(f.Reason, refuse.OperationFailed)
		writeError(w, &refuse.Refusal{Status: f.Status, Reason: reason, Detail: f.Detail})
	}
	return true
}

// discard takes the answers that are lost.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
