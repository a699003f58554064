package ingress

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// router is the data plane: it serves hosts from a table that others replace.
type router struct {
	table     atomic.Pointer[table]
	log       *slog.Logger
	transport http.RoundTripper
}

func newRouter(log *slog.Logger) *router {
	return &router{log: log, transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
		// OpenShift's router checks a service's certificate against the service CA, which
		// the lab has none of.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
}

func (r *router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := r.table.Load()
	if t == nil {
		http.Error(w, "no routes yet", http.StatusServiceUnavailable)
		return
	}
	b, ok := t.lookup(req.Host, req.URL.Path)
	secure := req.TLS != nil
	switch {
	case !ok || secure && !b.Edge:
		http.Error(w, "no route for this host is available", http.StatusServiceUnavailable)
		return
	case !secure && b.Redirect:
		http.Redirect(w, req, "https://"+req.Host+req.URL.RequestURI(), http.StatusFound)
		return
	case !secure && !b.Plain:
		http.Error(w, "this host is served with https only", http.StatusServiceUnavailable)
		return
	}
	target := &url.URL{Scheme: "http", Host: b.Address}
	if b.Reencode {
		target.Scheme = "https"
	}
	proxy := httputil.ReverseProxy{
		Transport: r.transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
			p.Out.Host = p.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) {
			r.log.Warn("backend does not answer", "host", req.Host, "backend", b.Address, "error", err)
			http.Error(w, "the application does not answer", http.StatusServiceUnavailable)
		},
	}
	proxy.ServeHTTP(w, req)
}

// health answers the probes of keepalived and the kubelet.
func (r *router) health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/healthz/ready", func(w http.ResponseWriter, _ *http.Request) {
		if r.table.Load() == nil {
			http.Error(w, "no routes yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// addresses are where the router listens.
type addresses struct{ http, https, health string }

// serve listens until ctx ends.
func (r *router) serve(ctx context.Context, at addresses, certFile, keyFile string) error {
	certs := &certificate{certFile: certFile, keyFile: keyFile}
	if _, err := certs.get(nil); err != nil {
		return fmt.Errorf("load default certificate: %w", err)
	}
	return program.Serve(ctx,
		&http.Server{Addr: at.http, Handler: r},
		&http.Server{Addr: at.https, Handler: r, TLSConfig: &tls.Config{
			GetCertificate: certs.get, MinVersion: tls.VersionTLS12,
		}},
		&http.Server{Addr: at.health, Handler: r.health()},
	)
}

// certificate is a pair of files that is read again when the kubelet replaced it.
type certificate struct {
	certFile, keyFile string

	mu     sync.Mutex
	loaded *tls.Certificate
	mod    time.Time
	looked time.Time
}

// recheck bounds how often the files are looked at.
const recheck = 10 * time.Second

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.looked) < recheck {
		return c.loaded, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.certFile)
	if err == nil && c.loaded != nil && info.ModTime().Equal(c.mod) {
		return c.loaded, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			c.loaded, c.mod = &pair, info.ModTime()
			return c.loaded, nil
		}
	}
	if c.loaded != nil {
		return c.loaded, nil // half-replaced files; the old pair still serves
	}
	return nil, err
}
