// Package server is the machine config server: it hands a pool's rendered
// Ignition config to machines that boot for the first time.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// Served is what a pool's machines get.
type Served struct {
	Config     *mcfgv1.MachineConfig // the rendered one
	Kubeconfig []byte                // credentials of a kubelet that has none yet
	KubeletCA  []byte                // signers of the clients of a kubelet
}

// Source finds what to serve. ErrUnknownPool says that there is no such pool.
type Source interface {
	Serve(ctx context.Context, pool string) (Served, error)
}

// ErrUnknownPool is answered with 404, every other error with 500.
var ErrUnknownPool = errors.New("no such pool")

// Handler answers /config/<pool> and /healthz.
func Handler(src Source, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", readOnly(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}))
	mux.HandleFunc("/config/", readOnly(func(w http.ResponseWriter, r *http.Request) {
		pool := strings.TrimPrefix(r.URL.Path, "/config/")
		body, err := body(r, src, pool)
		if err != nil {
			code := status(err)
			log.Warn("config refused", "pool", pool, "client", r.RemoteAddr, "status", code, "error", err)
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(code)
			return
		}
		log.Info("config served", "pool", pool, "client", r.RemoteAddr, "agent", r.UserAgent(), "accept", r.Header.Get("Accept"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			// A machine that hangs up asks again.
			_, _ = w.Write(body)
		}
	}))
	return mux
}

func readOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	}
}

func body(r *http.Request, src Source, pool string) ([]byte, error) {
	if pool == "" || strings.Contains(pool, "/") {
		return nil, fmt.Errorf("pool %q: %w", pool, ErrUnknownPool)
	}
	version, err := ign.Negotiate(r.Header.Get("Accept"))
	if err != nil {
		return nil, err
	}
	s, err := src.Serve(r.Context(), pool)
	if err != nil {
		return nil, err
	}
	cfg, err := Complete(s)
	if err != nil {
		return nil, err
	}
	return ign.Serve(cfg, version)
}

func status(err error) int {
	switch {
	case errors.Is(err, ign.ErrTooNew):
		return http.StatusBadRequest
	case errors.Is(err, ErrUnknownPool):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}
