// Package bmctest runs management controllers for tests, with hosts that exist in
// memory only.
package bmctest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// User and Password of the controllers.
const (
	User     = "admin"
	Password = "calvin-and-hobbes"
)

// Host is a host in memory. It starts at once, from the disk if something is Installed.
type Host struct {
	mu        sync.Mutex
	facts     bmc.Facts
	power     bmc.Power
	boot      bmc.Boot
	medium    bmc.Medium
	image     []byte
	installed bool
	started   []string
	deaf      bool
}

// NewHost is a host of a vendor that is off.
func NewHost(name string, p vendor.Profile) *Host {
	return &Host{
		facts: bmc.Facts{
			Name: name, UUID: "4c4c4544-0047-3310-8038-b4c04f4a3233", Vendor: p.Manufacturer, Product: p.Model,
			Serial: "7G38J23", MACs: []string{"52:54:00:00:00:21", "52:54:00:00:00:22"}, CPUs: 8, MemoryMB: 16384, UEFI: true,
		},
		power: bmc.Off, boot: bmc.Boot{Order: []bmc.Source{bmc.Disk, bmc.Media}},
	}
}

// Facts implements bmc.Host.
func (h *Host) Facts() bmc.Facts { return h.facts }

// Power implements bmc.Host.
func (h *Host) Power() bmc.Power {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.power
}

// On implements bmc.Host.
func (h *Host) On(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.power == bmc.On {
		return errors.New("it is on")
	}
	h.start()
	return nil
}

func (h *Host) start() {
	h.power = bmc.On
	order := h.boot.Order
	if h.boot.Once != "" {
		order = append([]bmc.Source{h.boot.Once}, order...)
	}
	h.boot.Once = ""
	for _, from := range order {
		if from == bmc.Disk && h.installed {
			h.started = append(h.started, "disk")
			return
		}
		if from == bmc.Media && h.medium.Inserted {
			h.started = append(h.started, string(h.image))
			return
		}
	}
	h.started = append(h.started, "nothing")
}

// ForceOff implements bmc.Host.
func (h *Host) ForceOff(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.power = bmc.Off
	return nil
}

// GracefulShutdown implements bmc.Host.
func (h *Host) GracefulShutdown(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.deaf {
		h.power = bmc.Off
	}
	return nil
}

// ForceRestart implements bmc.Host.
func (h *Host) ForceRestart(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.start()
	return nil
}

// Medium implements bmc.Host.
func (h *Host) Medium() bmc.Medium {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.medium
}

// Insert implements bmc.Host.
func (h *Host) Insert(_ context.Context, url, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.medium, h.image = bmc.Medium{Inserted: true, URL: url}, bytes.TrimRight(b[32768+2048:], "\x00")
	return os.Remove(file)
}

// Eject implements bmc.Host.
func (h *Host) Eject(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.medium = bmc.Medium{}
	return nil
}

// Boot implements bmc.Host.
func (h *Host) Boot() bmc.Boot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bmc.Boot{Order: slices.Clone(h.boot.Order), Once: h.boot.Once}
}

// SetBoot implements bmc.Host.
func (h *Host) SetBoot(_ context.Context, b bmc.Boot) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.boot.Once = b.Once
	if len(b.Order) > 0 {
		h.boot.Order = slices.Clone(b.Order)
	}
	return nil
}

// Install puts a system on the disk.
func (h *Host) Install() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.installed = true
}

// Ignore makes the host's system ignore the power button.
func (h *Host) Ignore() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = true
}

// Started is what the host started from, each time: "disk", "nothing", or the label of
// an ISO.
func (h *Host) Started() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.started)
}

// Server is a controller that can be reached.
type Server struct {
	*bmc.BMC
	Host *Host
	URL  string
	CA   []byte // in PEM
	// HTTP is a client that trusts the controller.
	HTTP *http.Client
}

// Serve runs a controller with a profile until the test ends. Change alters its
// settings, and may be nil.
func Serve(t testing.TB, profile string, change func(*bmc.Config)) *Server {
	t.Helper()
	p, err := vendor.Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: NewHost("metal", p)}
	cfg := bmc.Config{
		Profile: p, Host: s.Host, User: User, Password: secret.New(Password), Dir: t.TempDir(), Clock: clock.Real(),
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s.BMC = bmc.New(cfg)
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "test"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	good, err := certs.ServerConfig(ca, time.Now(), []string{"bmc.test"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s.BMC)
	if server.TLS, err = s.TLS(good); err != nil {
		t.Fatal(err)
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.Cert)
	s.HTTP = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	s.URL, s.CA = server.URL, ca.Cert
	t.Cleanup(func() {
		server.Close()
		s.Close()
	})
	return s
}

// ISO is the smallest image that a controller takes for one.
func ISO(label string) []byte {
	b := make([]byte, 32768+4096)
	copy(b[32768:], "\x01CD001")
	copy(b[32768+2048:], label)
	return b
}

// Images serves ISO images named after their labels, as in /label.iso.
func Images(t testing.TB, labels ...string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for _, label := range labels {
		mux.HandleFunc("/"+label+".iso", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, label+".iso", time.Time{}, bytes.NewReader(ISO(label)))
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// Fast is a clock on which time passes a hundred times faster.
func Fast() clock.Clock { return fast{clock.Real(), time.Now()} }

const speed = 100

type fast struct {
	real  clock.Clock
	begun time.Time
}

func (f fast) Now() time.Time {
	return f.begun.Add(f.real.Now().Sub(f.begun) * speed)
}

func (f fast) After(d time.Duration) <-chan time.Time { return f.real.After(d / speed) }

func (f fast) Sleep(ctx context.Context, d time.Duration) error { return f.real.Sleep(ctx, d/speed) }
