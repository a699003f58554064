package cli

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	certv1 "k8s.io/api/certificates/v1"

	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The milestones of a cluster, in order.
var milestones = []string{"off", "api", "bootstrap", "etcd", "nodes", "version", "complete"}

// cluster is the API that a bootstrap host brings up. It serves with the key in the
// host's Ignition config, so that only the kubeconfig of that installation trusts it.
type cluster struct {
	world *world
	proxy string // address of the HTTP proxy through which the API is reached

	mu       sync.Mutex
	reached  int // index into milestones
	servers  []io.Closer
	address  string
	config   []byte // the Ignition config of the bootstrap host
	boots    int
	ingress  string
	failures []error
	requests []certv1.CertificateSigningRequest // of nodes that want to join
	joined   []string                           // nodes that no engine has made
}

func (w *world) startCluster() error {
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "ingress CA"}, time.Hour)
	if err != nil {
		return err
	}
	w.cluster = &cluster{
		world: w, address: net.JoinHostPort(w.addr(10), "6443"), reached: len(milestones) - 1, ingress: string(ca.Cert),
	}
	l, address, err := w.listen(7)
	if err != nil {
		return err
	}
	w.cluster.proxy = address
	s := &http.Server{Handler: http.HandlerFunc(w.cluster.connect), ReadHeaderTimeout: time.Minute}
	w.servers = append(w.servers, s)
	go func() { _ = s.Serve(l) }()
	return nil
}

// Start implements engine.Machines.
func (m *machines) Start(ctx context.Context, hw engine.Hardware) error {
	if err := m.Machines.Start(ctx, hw); err != nil {
		return err
	}
	if strings.HasSuffix(hw.Name, "-bootstrap") {
		m.started(hw)
	}
	return nil
}

// connect is the proxy. It leads port 6443 of every host to the API.
func (c *cluster) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, ":6443") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	server, err := net.Dial("tcp", c.address)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
}

// boot starts the API of the cluster that a bootstrap host belongs to.
func (c *cluster) boot(hw engine.Hardware) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots++
	if len(c.servers) > 0 {
		return
	}
	c.config = hw.UserData
	if err := c.serve(c.config); err != nil {
		c.failures = append(c.failures, err)
	}
}

// back starts the API again after stop.
func (c *cluster) back() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serve(c.config)
}

func (c *cluster) serve(config []byte) error {
	const name = "/opt/openshift/tls/kube-apiserver-lb-server"
	crt, err := ignitionFile(config, name+".crt")
	if err != nil {
		return err
	}
	key, err := ignitionFile(config, name+".key")
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(crt, key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}}
	c.servers = append(c.servers, s)
	go func() { _ = s.ServeTLS(l, "", "") }()
	return nil
}

// occupy listens on the API's address before the cluster does.
func (c *cluster) occupy() error {
	l, err := net.Listen("tcp", c.address)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = append(c.servers, l)
	return nil
}

func (c *cluster) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		_ = s.Close()
	}
	c.servers = nil
}

// upTo lets the cluster proceed as far as a milestone.
func (c *cluster) upTo(name string) error {
	i := slices.Index(milestones, name)
	if i < 0 {
		return fmt.Errorf("no milestone %q, only %v", name, milestones)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = i
	return nil
}

func (c *cluster) has(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reached >= slices.Index(milestones, name)
}

type object = map[string]any

// ServeHTTP answers as the API does at the milestone that the cluster has reached.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.has("api") {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	answers := kubetest.Installation{
		Bootstrapped: c.has("bootstrap"), EtcdMoved: c.has("etcd"), Nodes: c.nodes(), NodesReady: c.has("nodes"),
		Installed: c.has("version"), Settled: c.has("complete"),
		Version: "4.20.0-okd-test.1", IngressCA: c.ingress, Console: "console.apps.demo.cli.test",
	}.Objects()
	answers[requestsPath] = c.pending()
	if r.Method == http.MethodPut && c.decide(r) {
		_ = json.NewEncoder(w).Encode(object{})
		return
	}
	answers.ServeHTTP(w, r)
}

// nodes are the machines of the cluster that run.
func (c *cluster) nodes() []string {
	c.mu.Lock()
	names := slices.Clone(c.joined)
	c.mu.Unlock()
	for _, vm := range c.world.engine.Inventory().VMs {
		if strings.Contains(vm.Name, "-master-") || strings.Contains(vm.Name, "-worker-") {
			names = append(names, vm.Name)
		}
	}
	return names
}

// ignitionFile reads a file out of an Ignition config.
func ignitionFile(config []byte, path string) ([]byte, error) {
	var c struct {
		Storage struct {
			Files []struct {
				Path     string `json:"path"`
				Contents struct {
					Source string `json:"source"`
				} `json:"contents"`
			} `json:"files"`
		} `json:"storage"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("read Ignition config: %w", err)
	}
	for _, f := range c.Storage.Files {
		if f.Path != path {
			continue
		}
		meta, data, ok := strings.Cut(strings.TrimPrefix(f.Contents.Source, "data:"), ",")
		if !ok {
			return nil, errors.New(path + " is not a data URL")
		}
		if strings.HasSuffix(meta, ";base64") {
			return base64.StdEncoding.DecodeString(data)
		}
		text, err := url.PathUnescape(data)
		return []byte(text), err
	}
	return nil, errors.New("no " + path + " in the Ignition config")
}
