package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"
	"github.com/stmcginnis/gofish/redfish"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/lab/host"
	"github.com/okd-install/okd-install/pkg/lab/site"
	"github.com/okd-install/okd-install/pkg/pki"
)

// bmcRack is a rack whose controllers listen on the loopback interface.
type bmcRack struct {
	*Daemon
	sockets map[string]string // by the address that a controller believes to have
	roots   *x509.CertPool
}

func newBMCRack(t *testing.T, dir string) *bmcRack {
	t.Helper()
	r := &bmcRack{Daemon: rack(t, dir), sockets: map[string]string{}, roots: x509.NewCertPool()}
	r.cfg.Clock, r.cfg.Log = clock.Real(), slog.New(slog.DiscardHandler)
	ca, err := certs.NewAuthority(time.Now(), pki.Name{Common: "lab"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r.roots.AppendCertsFromPEM(ca.Cert)
	for name, b := range map[string][]byte{site.CAFile: ca.Cert, CAKeyFile: ca.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.listenAt = func(a netip.Addr) (net.Listener, error) {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err == nil {
			r.sockets[a.String()+":443"] = l.Addr().String()
		}
		return l, err
	}
	if err := r.startBMCs(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stopBMCs(context.WithoutCancel(t.Context())) })
	return r
}

// connect logs in at a host's controller.
func (r *bmcRack) connect(t *testing.T, b *BMC) (*gofish.APIClient, error) {
	t.Helper()
	return gofish.ConnectContext(t.Context(), gofish.ClientConfig{
		Endpoint: b.URL, Username: b.User, Password: b.Password,
		HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, r.sockets[addr])
			},
			TLSClientConfig:   &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true,
		}},
	})
}

func TestBMCs(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	r := newBMCRack(t, dir)
	for _, name := range []string{"first", "second"} {
		n := NewHost{Name: name, CPUs: 8, MemoryMB: 16384, Controller: "idrac9"}
		n.UEFI = true
		if err := r.createHost(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.createHost(ctx, NewHost{Name: "third", CPUs: 8, MemoryMB: 16384, Controller: "abacus"}); err == nil {
		t.Error("a controller of an unknown vendor is made")
	}
	list := r.hosts()
	if len(list) != 2 || list[0].BMC.URL != "https://198.18.0.200" || list[1].BMC.URL != "https://198.18.0.201" ||
		list[0].BMC.Password == list[1].BMC.Password || list[0].Vendor != "Dell Inc." {
		t.Fatalf("%+v, %+v", list[0].BMC, list[1].BMC)
	}
	api, err := r.connect(t, list[0].BMC)
	if err != nil {
		t.Fatal(err)
	}
	sys, err := redfish.GetComputerSystem(api, "/redfish/v1/Systems/System.Embedded.1")
	if err != nil || sys.UUID != list[0].UUID || sys.PowerState != redfish.OffPowerState {
		t.Fatalf("%+v, %v", sys, err)
	}
	iso := smallISO(t)
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(iso))))
	defer server.Close()
	url := server.URL + "/" + filepath.Base(iso)
	slot, err := redfish.GetVirtualMedia(api, "/redfish/v1/Systems/System.Embedded.1/VirtualMedia/CD")
	if err != nil {
		t.Fatal(err)
	}
	if err := slot.InsertMediaConfig(redfish.VirtualMediaConfig{Image: url}); err != nil {
		t.Fatal(err)
	}
	if err := sys.SetBoot(redfish.Boot{BootSourceOverrideEnabled: "Once", BootSourceOverrideTarget: "Cd"}); err != nil {
		t.Fatal(err)
	}
	if n := r.hosts()[0].BMC.Sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
	api.Logout()
	h := r.hosts()[0]
	if h.BMC.Sessions != 0 {
		t.Errorf("%d sessions after the logout", h.BMC.Sessions)
	}
	if h.Once != host.FromMedia || filepath.Dir(h.Media) != filepath.Join(dir, "media") {
		t.Errorf("once %q, medium %q", h.Once, h.Media)
	}
	want, err := os.ReadFile(iso)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(h.Media); err != nil || string(got) != string(want) {
		t.Errorf("the medium is not the image: %v", err)
	}
	again := newBMCRack(t, dir) // a new daemon, whose CA is another one
	if b := again.hosts()[0].BMC; b.Password != h.BMC.Password {
		t.Error("the password is another one")
	}
	if api, err = again.connect(t, h.BMC); err != nil {
		t.Fatal(err)
	}
	slot, err = redfish.GetVirtualMedia(api, "/redfish/v1/Managers/iDRAC.Embedded.1/VirtualMedia/CD")
	if err != nil || !slot.Inserted || slot.Image != url {
		t.Errorf("after a restart: %+v, %v", slot, err)
	}
	if err := slot.EjectMedia(); err != nil || again.hosts()[0].Media != "" {
		t.Errorf("%v, %q", err, again.hosts()[0].Media)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "media", "*")); err != nil || len(left) != 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	checkBMCFaults(t, again)
}

func checkBMCFaults(t *testing.T, r *bmcRack) {
	t.Helper()
	ctx := t.Context()
	if err := r.breakHost(ctx, "first", Broken{Faults: []string{"bmc-errors=1:503", "dead-disk=sda"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.breakHost(ctx, "first", Broken{Faults: []string{"bmc-fire"}}); err == nil ||
		!strings.Contains(err.Error(), "bmc-stuck-power") {
		t.Errorf("an unknown fault: %v", err)
	}
	h := r.hosts()[0]
	if len(h.BMC.Faults) != 1 || len(h.Faults.Dead) != 1 {
		t.Errorf("%+v, %+v", h.BMC, h.Faults)
	}
	if _, err := r.connect(t, h.BMC); err == nil {
		t.Error("the fault has no effect")
	}
	if err := r.breakHost(ctx, "first", Broken{Faults: []string{"none"}}); err != nil {
		t.Fatal(err)
	}
	if h = r.hosts()[0]; len(h.BMC.Faults) != 0 || len(h.Faults.Dead) != 0 {
		t.Errorf("not mended: %+v, %+v", h.BMC, h.Faults)
	}
	if err := r.remove(ctx, "first"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.connect(t, h.BMC); err == nil {
		t.Error("the controller of a host that was removed answers")
	}
	n := NewHost{Name: "bare", CPUs: 8, MemoryMB: 16384}
	if err := r.createHost(ctx, n); err != nil {
		t.Fatal(err)
	}
	if err := r.breakHost(ctx, "bare", Broken{Faults: []string{"bmc-off"}}); err == nil {
		t.Error("a controller that is not there is broken")
	}
	n = NewHost{Name: "new", CPUs: 8, MemoryMB: 16384, Controller: "xcc"}
	if err := r.createHost(ctx, n); err != nil {
		t.Fatal(err)
	}
	for _, h := range r.hosts() {
		if h.Name == "new" && h.BMC.URL != "https://198.18.0.200" {
			t.Errorf("a free address is not used again: %s", h.BMC.URL)
		}
	}
}
