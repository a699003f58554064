// Package rest serves the engine's API by HTTP, with its sign-on, its sessions
// and the faults that are injected. What is below /ovirt-engine/api comes from
// the packages in its directory: one per part of the API.
package rest

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
	"github.com/okd-install/okd-install/pkg/lab/engine/datacenter"
	"github.com/okd-install/okd-install/pkg/lab/engine/refuse"
	"github.com/okd-install/okd-install/pkg/lab/engine/sso"
)

// Server serves one data center.
type Server struct {
	*datacenter.DataCenter
	sso    *sso.Store
	routes *http.ServeMux
}

// Register adds what answers a method and a path below the API's.
type Register func(method, path string, h Handler)

// Objects adds what lists the objects of a kind at a path, and shows one of them.
func (on Register) Objects(path string, kind interface {
	List(*Call) (*api.Element, error)
	Show(*Call) (*api.Element, error)
}) {
	on("GET", path, kind.List)
	on("GET", path+"/{id}", kind.Show)
}

// New returns a server whose API consists of parts.
func New(dc *datacenter.DataCenter, parts ...func(Register)) *Server {
	s := &Server{
		DataCenter: dc, routes: http.NewServeMux(),
		sso: sso.New(dc.Clock, dc.Config.Sessions, dc.Config.Users),
	}
	s.routes.HandleFunc("POST /ovirt-engine/sso/oauth/token", s.token)
	s.routes.HandleFunc("POST /ovirt-engine/services/sso-logout", s.logout)
	s.routes.HandleFunc("GET /ovirt-engine/services/pki-resource", s.pki)
	s.routes.HandleFunc("GET /ovirt-engine/services/health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("DB Up!Welcome to Health Status!"))
	})
	s.routes.HandleFunc("/ovirt-engine", s.portal)
	s.routes.HandleFunc("/ovirt-engine/", s.portal)
	s.routes.HandleFunc(api.Prefix+"/", s.handle(func(*Call) (*api.Element, error) { return nil, refuse.NotFound() }))
	for _, part := range parts {
		part(func(method, path string, h Handler) {
			s.routes.HandleFunc(method+" "+api.Prefix+path, s.handle(h))
		})
	}
	return s
}

// Handler serves the API, sign-on and the CA certificate under /ovirt-engine/.
func (s *Server) Handler() http.Handler { return s.logged(s.serve) }

// Images serves image transfers under /images/ by images.
func (s *Server) Images(images http.Handler) http.Handler {
	return s.logged(func(w http.ResponseWriter, r *http.Request) {
		if !s.misbehave(w, r, []string{r.URL.Path}, images.ServeHTTP) {
			images.ServeHTTP(w, r)
		}
	})
}

// ExpireSessions ends all login sessions, as if they had been idle too long, and
// returns how many there were.
func (s *Server) ExpireSessions() int { return s.sso.Expire() }

// maxBody bounds request documents; custom scripts are the big ones.
const maxBody = 64 << 20

// handle wraps a handler: authentication, reading, locking, writing.
func (s *Server) handle(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := s.authenticate(w, r)
		if !ok {
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeError(w, malformed(err))
			return
		}
		c := &Call{DataCenter: s.DataCenter, User: user, Query: r.URL.Query(), r: r, body: body}
		if err := c.permitted(); err != nil {
			writeError(w, err)
			return
		}
		var out *api.Element
		var data []byte
		s.Do(func() {
			if out, err = h(c); err == nil {
				data, err = xml.MarshalIndent(out, "", "    ")
			}
		})
		if err == nil && c.Wait != nil {
			select {
			case err = <-c.Wait:
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case err != nil:
			var refused *refuse.Refusal
			if !errors.As(err, &refused) {
				s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			writeError(w, err)
		case r.Method == http.MethodPost && out.Name() != "action":
			writeXML(w, http.StatusCreated, data)
		default:
			writeXML(w, http.StatusOK, data)
		}
	}
}

func writeXML(w http.ResponseWriter, status int, data []byte) {
	w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+string(data))
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refuse.Refusal
	if !errors.As(err, &refused) {
		errors.As(refuse.Broken("%v", err), &refused)
	}
	if refused.Reason == "" {
		w.WriteHeader(refused.Status)
		return
	}
	fault := api.New("fault")
	if refused.Detail != "" {
		fault.Set("detail", refused.Detail)
	}
	data, _ := xml.MarshalIndent(fault.Set("reason", refused.Reason), "", "    ") // two texts: cannot fail
	writeXML(w, refused.Status, data)
}

// serve normalizes the path, lets faults happen and routes.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
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
	if !s.misbehave(w, r2, paths, s.routes.ServeHTTP) {
		s.routes.ServeHTTP(w, r2)
	}
}

// logged logs requests without query values and headers, which may hold tokens.
func (s *Server) logged(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Clock.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			s.Log.Debug("request", "method", r.Method, "path", logPath(r.URL.Path), "status", rec.status,
				"took", s.Clock.Now().Sub(start).Round(time.Microsecond))
		}()
		next(rec, r)
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
