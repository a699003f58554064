package rest

import (
	"net/http"
	"strings"
	"time"
)

// logged logs requests without query values and headers, which may hold tokens.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Clock.Now()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			s.Log.Debug("request", "method", r.Method, "path", logPath(r.URL.Path), "status", rec.status,
				"took", s.Clock.Now().Sub(start).Round(time.Microsecond))
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
