package mco

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"github.com/spf13/pflag"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// served is what a pool's machines get.
type served struct {
	config     *mcfgv1.MachineConfig // the rendered one
	kubeconfig []byte                // credentials of a kubelet that has none yet
	kubeletCA  []byte                // signers of the clients of a kubelet
}

// source finds what to serve. errUnknownPool means that there is no such pool.
type source func(ctx context.Context, pool string) (served, error)

// errUnknownPool is answered with 404, every other error with 500.
var errUnknownPool = errors.New("no such pool")

// serveBootstrap is `machine-config-server bootstrap`.
func serveBootstrap(ctx context.Context, args []string) error {
	f := contract.Flags("machine-config-server bootstrap")
	src := &bootstrapSource{}
	f.StringVar(&src.dir, "server-basedir", "/etc/mcs/bootstrap", "what machine-config-controller bootstrap wrote")
	f.StringVar(&src.kubeconfig, "bootstrap-kubeconfig", "/etc/mcs/kubeconfig", "credentials for kubelets")
	return serve(ctx, f, args, func() (source, error) { return src.serve, nil })
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
		return src.serve, err
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
	s, err := src(r.Context(), pool)
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

// bootstrapSource serves files to the control plane only: workers wait for the
// server in the cluster, which serves what the cluster decided.
type bootstrapSource struct {
	dir        string // /etc/mcs/bootstrap
	kubeconfig string // /etc/mcs/kubeconfig
}

func (b bootstrapSource) serve(_ context.Context, pool string) (served, error) {
	if !slices.Contains([]string{"master", "arbiter"}, pool) {
		return served{}, fmt.Errorf("refuse pool %q: the bootstrap serves the control plane only", pool)
	}
	var p mcfgv1.MachineConfigPool
	err := api.ReadYAML(filepath.Join(b.dir, "machine-pools", pool+".yaml"), &p)
	if errors.Is(err, fs.ErrNotExist) {
		err = errUnknownPool
	}
	if err != nil {
		return served{}, fmt.Errorf("find pool %s: %w", pool, err)
	}
	s, cc := served{config: new(mcfgv1.MachineConfig)}, mcfgv1.ControllerConfig{}
	name := p.Status.Configuration.Name
	if err := api.ReadYAML(filepath.Join(b.dir, "machine-configs", name+".yaml"), s.config); err != nil {
		return served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	if err := api.ReadYAML(filepath.Join(b.dir, "controller-config", render.ControllerName+".yaml"), &cc); err != nil {
		return served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.kubeletCA = cc.Spec.KubeAPIServerServingCAData
	if s.kubeconfig, err = os.ReadFile(b.kubeconfig); err != nil {
		return served{}, fmt.Errorf("read kubelet credentials: %w", err)
	}
	return s, nil
}

// clusterSource serves what the API says.
type clusterSource struct {
	client *api.Client
	url    string // of the API, for nodes; empty means the Infrastructure's internal one
	tokens string // directory with token and ca.crt of the node-bootstrapper account
}

func (c clusterSource) serve(ctx context.Context, pool string) (served, error) {
	var p mcfgv1.MachineConfigPool
	err := c.client.Get(ctx, machineKind("machineconfigpools").Ref("", pool), &p)
	if kube.NotFound(err) {
		err = errUnknownPool
	}
	if err != nil {
		return served{}, fmt.Errorf("find pool %s: %w", pool, err)
	}
	name := p.Status.Configuration.Name
	if name == "" {
		return served{}, fmt.Errorf("serve pool %s: it has no rendered config yet", pool)
	}
	s, cc := served{config: new(mcfgv1.MachineConfig)}, mcfgv1.ControllerConfig{}
	if err := c.client.Get(ctx, machineKind("machineconfigs").Ref("", name), s.config); err != nil {
		return served{}, fmt.Errorf("read config of pool %s: %w", pool, err)
	}
	if err := c.client.Get(ctx, machineKind("controllerconfigs").Ref("", render.ControllerName), &cc); err != nil {
		return served{}, fmt.Errorf("read controller config: %w", err)
	}
	s.kubeletCA = cc.Spec.KubeAPIServerServingCAData
	address := c.url
	if address == "" {
		var infra configv1.Infrastructure
		if err := c.client.Get(ctx, api.Config("infrastructures").Ref("", "cluster"), &infra); err != nil {
			return served{}, fmt.Errorf("find URL of the API: %w", err)
		}
		address = infra.Status.APIServerInternalURL
	}
	s.kubeconfig, err = c.kubeconfig(address)
	return s, err
}

// kubeconfig holds the token that is good to ask for a certificate. The files are
// read each time because both may be rotated.
func (c clusterSource) kubeconfig(address string) ([]byte, error) {
	token, tokenErr := os.ReadFile(filepath.Join(c.tokens, "token"))
	ca, caErr := os.ReadFile(filepath.Join(c.tokens, "ca.crt"))
	if err := errors.Join(tokenErr, caErr); err != nil {
		return nil, fmt.Errorf("read kubelet credentials: %w", err)
	}
	return api.Kubeconfig(clientcmdapi.Cluster{Server: address, CertificateAuthorityData: ca},
		"kubelet", clientcmdapi.AuthInfo{Token: string(token)})
}
