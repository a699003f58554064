package enginetest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// The account that may do everything, and one that may look only.
const (
	Username       = "admin@internal"
	Password       = "engine-password"
	ReaderName     = "reader@internal"
	ReaderPassword = "reader-password"
)

// Engine is a running engine and what is behind it.
type Engine struct {
	*engine.Engine
	Machines *Machines
	Volumes  *Volumes

	URL      string // of the API, as clients want it
	BaseURL  string // scheme and host of the engine
	ImageURL string // scheme and host of imageio
	Username string
	Password secret.String
	CA       []byte // PEM
	CAFile   string

	ClusterID       string
	DataCenterID    string
	StorageDomainID string // of data1
	SecondDomainID  string // of data2
	NetworkID       string // of ovirtmgmt
	VNICProfileID   string // of ovirtmgmt
	HostIDs         []string
}

type options struct {
	config engine.Config
	state  []byte
	m      *Machines
	v      *Volumes
}

// Option changes how an engine is set up.
type Option func(*options)

// Config lets a test change the configuration.
func Config(change func(*engine.Config)) Option {
	return func(o *options) { change(&o.config) }
}

// Hosts sets the number of hosts; the default is three.
func Hosts(n int) Option {
	return func(o *options) { o.config.Hosts = hosts(n) }
}

// Restored starts from a snapshot of another engine, on its machines and disks.
func Restored(state []byte, from *Engine) Option {
	return func(o *options) { o.state, o.m, o.v = state, from.Machines, from.Volumes }
}

// With injects a fault from the start.
func With(f engine.Fault) Option {
	return func(o *options) { o.config.Faults = append(o.config.Faults, f) }
}

func hosts(n int) []engine.Host {
	var out []engine.Host
	for i := range n {
		out = append(out, engine.Host{Name: "host" + string(rune('1'+i)) + ".lab.okd.test"})
	}
	return out
}

// fast is short enough for tests and long enough that clients see every
// state on their way.
var fast = engine.Delays{
	Disk: 5 * time.Millisecond, VM: 5 * time.Millisecond, Template: 10 * time.Millisecond, Launch: 5 * time.Millisecond,
	Stop: 5 * time.Millisecond, Transfer: 5 * time.Millisecond, Poll: 10 * time.Millisecond, GiveUp: time.Second,
}

// Start runs an engine until the test ends: one cluster with three hosts, two
// NFS storage domains of 1 TiB, data1 and data2, and the network ovirtmgmt.
func Start(t testing.TB, opts ...Option) *Engine {
	t.Helper()
	e, err := Run(t.TempDir(), opts...)
	if err != nil {
		t.Fatalf("start engine: %v", err)
	}
	t.Cleanup(e.Stop)
	return &e.Engine
}

// Server is an engine outside of a test.
type Server struct {
	Engine
	stops []func()
}

// Stop ends it.
func (s *Server) Stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

// Run starts an engine that keeps its CA file in dir.
func Run(dir string, opts ...Option) (*Server, error) {
	o := &options{m: NewMachines(), v: NewVolumes()}
	o.config = engine.Config{
		FQDN: "engine.lab.okd.test", Hosts: hosts(3), Delays: fast,
		Domains: []engine.StorageDomain{{Name: "data1"}, {Name: "data2"}},
		Users: []engine.User{
			{Name: Username, Password: secret.New(Password), Admin: true},
			{Name: ReaderName, Password: secret.New(ReaderPassword)},
		},
	}
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "engine test CA"}, pki.Day)
	if err != nil {
		return nil, err
	}
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	secure, err := certs.ServerConfig(ca, time.Now(), []string{"localhost"}, loopback)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	var api, images http.Handler // set once the addresses are known
	apiServer := serve(secure, func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) })
	imageServer := serve(secure, func(w http.ResponseWriter, r *http.Request) { images.ServeHTTP(w, r) })
	s.stops = append(s.stops, apiServer.Close, imageServer.Close)
	o.config.CA = ca.Cert
	apiURL, imageURL := address(apiServer), address(imageServer)
	o.config.BaseURL, o.config.TransferURL, o.config.ProxyURL = apiURL, imageURL, imageURL
	for _, opt := range opts {
		opt(o)
	}
	inner, err := engine.New(o.config, o.m, o.v)
	if err != nil {
		s.Stop()
		return nil, err
	}
	if o.state != nil {
		if err := inner.Restore(o.state); err != nil {
			s.Stop()
			return nil, err
		}
	}
	// The engine goes first, so that nothing waits for a client.
	s.stops = append(s.stops, func() { _ = inner.Close() })
	api, images = inner.Handler(), inner.ImageHandler()
	apiServer.StartTLS()
	imageServer.StartTLS()
	ids := inner.IDs()
	s.Engine = Engine{Engine: inner, Machines: o.m, Volumes: o.v, BaseURL: apiURL, ImageURL: imageURL,
		URL: apiURL + "/ovirt-engine/api", Username: Username, Password: secret.New(Password),
		CA: ca.Cert, CAFile: filepath.Join(dir, "ca.pem"),
		ClusterID: ids.Cluster, DataCenterID: ids.DataCenter,
		StorageDomainID: ids.Domains["data1"], SecondDomainID: ids.Domains["data2"],
		NetworkID: ids.Networks["ovirtmgmt"], VNICProfileID: ids.Profiles["ovirtmgmt"]}
	for _, h := range o.config.Hosts {
		s.HostIDs = append(s.HostIDs, ids.Hosts[h.Name])
	}
	if err := os.WriteFile(s.CAFile, ca.Cert, 0o644); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func serve(secure *tls.Config, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.TLS = secure.Clone()
	// Clients that break off on purpose are part of the tests.
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ReadHeaderTimeout = time.Minute
	return s
}

func address(s *httptest.Server) string { return "https://" + s.Listener.Addr().String() }

// Same reports whether two inventories list the same objects.
func Same(a, b engine.Inventory) bool {
	x, errX := json.Marshal(a.Objects())
	y, errY := json.Marshal(b.Objects())
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Eventually waits up to ten seconds for a condition.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("timed out waiting for %s", what)
}
