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
	Images   *httptest.Server
	Username string
	Password secret.String
	CA       []byte // PEM
	CAFile   string

	ClusterID       string
	DataCenterID    string
	StorageDomainID string // of the first, data1
	SecondDomainID  string // of data2
	NetworkID       string // of ovirtmgmt
	VNICProfileID   string // of ovirtmgmt
	HostIDs         []string
}

type options struct {
	config engine.Config
	state  []byte
	wrap   func(http.Handler) http.Handler
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

// Wrap puts something between clients and the engine's servers.
func Wrap(wrap func(http.Handler) http.Handler) Option {
	return func(o *options) { o.wrap = wrap }
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
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "engine test CA"}, pki.Day)
	must(t, err)
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	secure, err := certs.ServerConfig(ca, time.Now(), []string{"localhost"}, loopback)
	must(t, err)
	var api, images http.Handler // set once the addresses are known
	apiServer := serve(t, secure, func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) })
	imageServer := serve(t, secure, func(w http.ResponseWriter, r *http.Request) { images.ServeHTTP(w, r) })
	apiURL, imageURL := address(apiServer), address(imageServer)

	o := &options{m: NewMachines(), v: NewVolumes(), wrap: func(h http.Handler) http.Handler { return h }}
	o.config = engine.Config{
		FQDN: "engine.lab.okd.test", Hosts: hosts(3), Delays: fast, CA: ca.Cert,
		BaseURL: apiURL, TransferURL: imageURL, ProxyURL: imageURL,
		Domains: []engine.StorageDomain{{Name: "data1"}, {Name: "data2"}},
		Users: []engine.User{
			{Name: Username, Password: secret.New(Password), Admin: true},
			{Name: ReaderName, Password: secret.New(ReaderPassword)},
		},
	}
	for _, opt := range opts {
		opt(o)
	}
	inner, err := engine.New(o.config, o.m, o.v)
	must(t, err)
	// The engine ends before its servers, so that nothing waits for a client.
	t.Cleanup(func() { _ = inner.Close() })
	if o.state != nil {
		must(t, inner.Restore(o.state))
	}
	api, images = o.wrap(inner.Handler()), o.wrap(inner.ImageHandler())
	apiServer.StartTLS()
	imageServer.StartTLS()

	ids := inner.IDs()
	e := &Engine{Engine: inner, Machines: o.m, Volumes: o.v, BaseURL: apiURL, ImageURL: imageURL, Images: imageServer,
		URL: apiURL + "/ovirt-engine/api", Username: Username, Password: secret.New(Password),
		CA: ca.Cert, CAFile: filepath.Join(t.TempDir(), "ca.pem"),
		ClusterID: ids.Cluster, DataCenterID: ids.DataCenter,
		StorageDomainID: ids.Domains[o.config.Domains[0].Name], SecondDomainID: ids.Domains["data2"],
		NetworkID: ids.Networks["ovirtmgmt"], VNICProfileID: ids.Profiles["ovirtmgmt"]}
	for _, h := range o.config.Hosts {
		e.HostIDs = append(e.HostIDs, ids.Hosts[h.Name])
	}
	must(t, os.WriteFile(e.CAFile, ca.Cert, 0o644))
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("start engine: %v", err)
	}
}

func serve(t testing.TB, secure *tls.Config, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.TLS = secure.Clone()
	// Clients that break off on purpose are part of the tests.
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ReadHeaderTimeout = time.Minute
	t.Cleanup(s.Close)
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
