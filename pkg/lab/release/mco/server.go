package mco

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// served is what a pool's machines get.
type served struct {
	config     *mcfgv1.MachineConfig // the rendered one
	kubeconfig []byte                // credentials of a kubelet that has none yet
	kubeletCA  []byte                // signers of the clients of a kubelet
}

// source finds what to serve. errUnknownPool means that there is no such pool.
type source interface {
	serve(ctx context.Context, pool string) (served, error)
}

// errUnknownPool is answered with 404, every other error with 500.
var errUnknownPool = errors.New("no such pool")

// serveBootstrap is `machine-config-server bootstrap`.
func serveBootstrap(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-server bootstrap")
	src := &bootstrapSource{}
	f.StringVar(&src.dir, "server-basedir", "/etc/mcs/bootstrap", "what machine-config-controller bootstrap wrote")
	f.StringVar(&src.kubeconfig, "bootstrap-kubeconfig", "/etc/mcs/kubeconfig", "credentials for kubelets")
	return serve(ctx, f, args, func() (source, error) { return src, nil })
}

// serveCluster is `machine-config-server start`.
func serveCluster(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-server start")
	src := &clusterSource{}
	f.StringVar(&src.url, "apiserver-url", "", "URL of the API for nodes; empty means the internal one")
	f.StringVar(&src.tokens, "bootstrap-token-dir", "/etc/mcs/bootstrap-token",
		"token and ca.crt of the node-bootstrapper account")
	kubeconfig := f.String("kubeconfig", "", "credentials of this server; empty means the pod's")
	return serve(ctx, f, args, func() (source, error) {
		var err error
		src.client, err = api.Connect("machine-config-server", *kubeconfig)
		return src, err
	})
}

// serve hands a pool's Ignition config to machines that boot for the first time.
// The flags of the source are defined; open opens it once they are read.
func serve(ctx context.Context, f *pflag.FlagSet, args []string, open func() (source, error)) error {
	cert := f.String("cert", "/etc/ssl/mcs/tls.crt", "TLS certificate")
	key := f.String("key", "/etc/ssl/mcs/tls.key", "TLS key")
	secure := f.Int("secure-port", 22623, "port with TLS")
	plain := f.Int("insecure-port", 22624, "port without TLS")
	f.String("payload-version", "", "version of the release")
	if err := contract.Parse(f, args); err != nil {
		return err
	}
	src, err := open()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return fmt.Errorf("load server certificate: %w", err)
	}
	h := handler(src, program.Logger())
	return program.Serve(ctx, server(h, *secure, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
	}), server(h, *plain, nil))
}

func server(h http.Handler, port int, secure *tls.Config) *http.Server {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Server{
		Addr: ":" + strconv.Itoa(port), Handler: h, TLSConfig: secure, Protocols: http1, WriteTimeout: time.Minute,
		// Health checks that hang up during the handshake are no news.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// handler answers /config/<pool> and /healthz.
func handler(src source, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", readOnly(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}))
	mux.HandleFunc("/config/", readOnly(func(w http.ResponseWriter, r *http.Request) {
		pool := strings.TrimPrefix(r.URL.Path, "/config/")
		body, err := body(r, src, pool)
		if err != nil {
			code := httpStatus(err)
			log.Warn("config refused", "pool", pool, "client", r.RemoteAddr, "status", code, "error", err)
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(code)
			return
		}
		log.Info("config served", "pool", pool, "client", r.RemoteAddr,
			"agent", r.UserAgent(), "accept", r.Header.Get("Accept"))
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

func body(r *http.Request, src source, pool string) ([]byte, error) {
	if pool == "" || strings.Contains(pool, "/") {
		return nil, fmt.Errorf("pool %q: %w", pool, errUnknownPool)
	}
	version, err := ign.Negotiate(r.Header.Get("Accept"))
	if err != nil {
		return nil, err
	}
	s, err := src.serve(r.Context(), pool)
	if err != nil {
		return nil, err
	}
	cfg, err := s.complete()
	if err != nil {
		return nil, err
	}
	return ign.Serve(cfg, version)
}

func httpStatus(err error) int {
	switch {
	case errors.Is(err, ign.ErrTooNew):
		return http.StatusBadRequest
	case errors.Is(err, errUnknownPool):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// complete adds what only the server knows: credentials and annotations.
func (s served) complete() (ign.Config, error) {
	cfg, err := ign.Parse(s.config.Spec.Config.Raw)
	if err != nil {
		return ign.Config{}, fmt.Errorf("read machine config %s: %w", s.config.Name, err)
	}
	annotations, err := json.Marshal(map[string]string{
		annotationCurrent: s.config.Name,
		annotationDesired: s.config.Name,
		annotationState:   stateDone,
	})
	if err != nil {
		return ign.Config{}, err
	}
	whole, err := json.Marshal(s.config)
	if err != nil {
		return ign.Config{}, fmt.Errorf("encode machine config %s: %w", s.config.Name, err)
	}
	extra := ign.New()
	ign.AddFile(&extra, "/etc/kubernetes/kubeconfig", 0o600, s.kubeconfig)
	ign.AddFile(&extra, "/etc/kubernetes/kubelet-ca.crt", 0o644, s.kubeletCA)
	ign.AddFile(&extra, annotationsFile, 0o644, annotations)
	ign.AddFile(&extra, "/etc/ignition-machine-config-encapsulated.json", 0o600, whole)
	return ign.Merge(cfg, extra), nil
}
