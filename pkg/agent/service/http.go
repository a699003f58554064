package service

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Serve answers requests on l until ctx ends. It closes l.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	cert, err := tls.X509KeyPair([]byte(s.cfg.Certificate), []byte(s.cfg.Key.Reveal()))
	if err != nil {
		_ = l.Close()
		return fmt.Errorf("certificate of the service: %w", err)
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: 2 * time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13},
		// Port scanners are no news.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(within) != nil {
			_ = server.Close()
		}
	})
	err = server.ServeTLS(l, "", "")
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve hosts on %s: %w", l.Addr(), err)
}

// Handler answers the requests of hosts and watchers.
func (s *Service) Handler() http.Handler {
	hosts := []secret.String{s.cfg.AgentToken}
	watchers := []secret.String{s.cfg.WatcherToken}
	both := []secret.String{s.cfg.AgentToken, s.cfg.WatcherToken}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/hosts/{id}", s.only(hosts, s.postReport))
	mux.Handle("PUT /v1/hosts/{id}/logs", s.only(hosts, s.putLogs))
	mux.Handle("GET /v1/status", s.only(both, s.getStatus))
	mux.Handle("POST /v1/leave-out", s.only(watchers, s.postLeaveOut))
	mux.Handle("GET /v1/logs", s.only(watchers, s.getLogs))
	mux.Handle("/", s.only(both, http.NotFound))
	return mux
}

// only lets requests through that have one of the tokens. The others learn nothing.
func (s *Service) only(tokens []secret.String, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.allowed(r, tokens) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if same(bearer(r), s.cfg.WatcherToken) {
			s.mu.Lock()
			s.watched = s.clock.Now()
			s.mu.Unlock()
		}
		next(w, r)
	})
}

func (s *Service) allowed(r *http.Request, tokens []secret.String) bool {
	if !s.clock.Now().Before(s.cfg.Expires) {
		return false
	}
	allowed := false
	for _, t := range tokens {
		if same(bearer(r), t) {
			allowed = true
		}
	}
	return allowed
}

func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// same compares in constant time, whatever the lengths. An empty token is no token.
func same(got string, want secret.String) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && !want.IsZero()
}

func (s *Service) postReport(w http.ResponseWriter, r *http.Request) {
	report, err := decodeReport(r.Body)
	if err == nil && report.Inventory.ID != r.PathValue("id") {
		err = fmt.Errorf("%w: it is of host %q", errInvalid, report.Inventory.ID)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	order, err := s.Report(report)
	switch {
	case errors.Is(err, errFull):
		http.Error(w, err.Error(), http.StatusTooManyRequests)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		answer(w, order)
	}
}

func (s *Service) getStatus(w http.ResponseWriter, _ *http.Request) { answer(w, s.Status()) }

func answer(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}

// maxLogs limits the logs of one host (bytes). They are in memory on a live system.
const maxLogs = 8 << 20

func (s *Service) putLogs(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogs))
	if err != nil {
		http.Error(w, fmt.Sprintf("logs have at most %d bytes", maxLogs), http.StatusRequestEntityTooLarge)
		return
	}
	switch err := s.keepLogs(r.PathValue("id"), raw); {
	case errors.Is(err, errUnknown):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Service) getLogs(w http.ResponseWriter, _ *http.Request) {
	began := s.clock.Now() // logs that come meanwhile may be missing
	w.Header().Set("Content-Type", "application/x-tar")
	if err := s.writeLogs(w); err != nil {
		panic(http.ErrAbortHandler) // so that nobody takes half of it for all
	}
	s.mu.Lock()
	s.fetched = began
	s.mu.Unlock()
}
