package metal

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/secret"
)

// With each fault of a BMC the host is started, or it is said which host, which BMC, and what to do, and nothing was
// started. No password is in anything that is said.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault string
		// at is the end of the path of the first request with which it begins; empty: it is there from the beginning.
		at    string
		fails redfish.Kind // empty: the host is started
		words string
	}{
		{fault: "bmc-slow=2s"},
		{fault: "bmc-slow-power=1m"},
		{fault: "bmc-errors=4:500"},
		{fault: "bmc-errors=4:503"},
		{fault: "bmc-errors=2:503", at: "InsertMedia"},
		{fault: "bmc-errors=2:500", at: "InsertMedia"},
		{fault: "bmc-errors=2:500", at: "ComputerSystem.Reset"},
		{fault: "bmc-drop=4"},
		{fault: "bmc-lost=3"},
		{fault: "bmc-lost=1", at: "InsertMedia"},
		{fault: "bmc-lost=1", at: "ComputerSystem.Reset"},
		{fault: "bmc-session-limit"},
		{fault: "bmc-expire-sessions", at: "InsertMedia"},
		{fault: "bmc-expire-sessions", at: "ComputerSystem.Reset"},
		{fault: "bmc-ejected", at: "ComputerSystem.Reset"},
		{fault: "bmc-etag=2"},
		{fault: "bmc-strong-etags"},
		{fault: "bmc-stuck-power", fails: redfish.Stuck, words: "power on"},
		{fault: "bmc-errors=60000:500", fails: redfish.Unavailable, words: "HTTP 500"},
		{fault: "bmc-errors=60000:503", fails: redfish.Busy, words: "HTTP 503"},
		{fault: "bmc-off", fails: redfish.Unavailable, words: "log in"},
		{fault: "bmc-off", at: "InsertMedia", fails: redfish.Unavailable},
		{fault: "bmc-media-unreachable", fails: redfish.Refused, words: "insert media"},
	} {
		t.Run(tt.fault+" "+tt.at, func(t *testing.T) {
			t.Parallel()
			speed := time.Duration(briskly)
			if tt.fails != "" {
				speed = furiously
			}
			r := newRigAt(t, speed, "openbmc")
			var begun atomic.Bool
			if tt.at == "" {
				r.breaks(0, tt.fault)
			}
			r.watch(func(_ int, req *http.Request) bool {
				if tt.at != "" && strings.HasSuffix(req.URL.Path, tt.at) && begun.CompareAndSwap(false, true) {
					r.breaks(0, tt.fault)
				}
				return true
			})
			p := r.provider()
			err := p.Boot(t.Context(), r.plan(), "host-0", false)
			if tt.at != "" && !begun.Load() {
				t.Fatal("the fault did not begin")
			}
			if tt.fails == "" {
				if err != nil {
					t.Fatalf("%v; next: %s", err, exit.Next(err))
				}
				r.is(0, bmc.On, true, "agent")
			} else {
				named(t, err, tt.words)
				if !redfish.Is(err, tt.fails, redfish.NoMedium) {
					t.Errorf("%v is not: %s", err, tt.fails)
				}
				r.is(0, bmc.Off, r.bmcs[0].Host.Medium().Inserted, "")
			}
			ends, cancel := context.WithTimeout(t.Context(), time.Second) // with some it never ends
			defer cancel()
			r.secretless(err, p.Release(ends, r.plan(), "host-0"), p.Close(ends))
		})
	}
}

// A host that cannot be switched off is not touched otherwise.
func TestStuckOn(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, furiously, "openbmc")
	r.opts.TakeRunning = true
	if err := r.bmcs[0].Host.On(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.breaks(0, "bmc-stuck-power")
	err := r.provider().Boot(t.Context(), r.plan(), "host-0", false)
	named(t, err, "power off")
	r.secretless(err)
	r.is(0, bmc.On, false, "nothing")
}

// named fails unless an error says which host, which BMC, and what to do.
func named(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"host-0", "(BMC ", "127.0.0.1:", words} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if exit.Next(err) == "" {
		t.Errorf("no next step: %v", err)
	}
}

// What can be wrong without a fault of a BMC is said as completely.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*rig)
		words string
	}{
		{"an address of another kind", func(r *rig) {
			r.opts.Hosts[0].BMC.Address = strings.Replace(r.opts.Hosts[0].BMC.Address, "redfish-virtualmedia", "ipmi", 1)
		}, ""},
		{"nothing listens", func(r *rig) { r.opts.Hosts[0].BMC.Address = address("https://127.0.0.1:1") }, "refused"},
		{"no Redfish", func(r *rig) {
			r.opts.Hosts[0].BMC.Address = strings.Replace(r.opts.Hosts[0].BMC.Address, "+https", "+http", 1)
		}, "no Redfish service"},
		{"no such system", func(r *rig) { r.opts.Hosts[0].BMC.Address += "/redfish/v1/Systems/none" }, "not found"},
		{"a wrong login", func(r *rig) { r.opts.Hosts[0].BMC.Username = "nobody" }, "login refused"},
		{"a CA that is none", func(r *rig) { r.opts.CA = []byte("x") }, "no certificate"},
		{"an unknown CA", func(r *rig) { r.opts.CA = nil }, "not trusted"},
		{"another machine by its cards", func(r *rig) { r.opts.Hosts[0].BootMACAddress = mac(9) }, mac(0)},
		{"another machine by its UUID", func(r *rig) { r.opts.Hosts[0].UUID = uuid(9) }, uuid(0)},
		{"no such address of this machine", func(r *rig) { r.opts.Media.Address = "192.0.2.1" }, "192.0.2.1"},
		{"no address of this machine", func(r *rig) { r.opts.Media.Address = "bmc.example.org" }, "bmc.example.org"},
		{"no scheme of media", func(r *rig) { r.opts.Media.Address = "ftp://127.0.0.1" }, "ftp"},
		{"a BMC that quotes what it refuses", func(r *rig) { r.quotes = true }, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRigAt(t, furiously, "openbmc")
			tt.edit(r)
			p := r.provider()
			err := p.Boot(t.Context(), r.plan(), "host-0", false)
			if tt.name != "an address of another kind" {
				named(t, err, tt.words)
			} else if err == nil || exit.Next(err) == "" || !strings.Contains(err.Error(), r.opts.Hosts[0].BMC.Address) {
				t.Errorf("%v; next %q", err, exit.Next(err))
			}
			r.secretless(err)
			r.is(0, bmc.Off, false, "")
		})
	}
}

// The server's certificate is checked, and what is wrong with it is known before the login is sent.
func TestWrongCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	r.opts.Hosts[0].BMC.Address = address(r.bmcs[0].URL)
	r.breaks(0, "bmc-wrong-certificate")
	err := r.provider().Boot(t.Context(), r.plan(), "host-0", false)
	if !redfish.Is(err, redfish.UntrustedCA) || !strings.Contains(exit.Next(err), "disableCertificateVerification") {
		t.Errorf("%v; next %q", err, exit.Next(err))
	}
	r.secretless(err)
	r.opts.Hosts[0].BMC.DisableCertificateVerification = true
	if err := r.provider().Boot(t.Context(), r.plan(), "host-0", false); err != nil {
		t.Error(err)
	}
}

// A medium that is lost before the host has started is put in again.
func TestEjected(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	var lost atomic.Bool
	r.watch(func(_ int, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "ComputerSystem.Reset") && lost.CompareAndSwap(false, true) {
			r.breaks(0, "bmc-ejected")
		}
		return true
	})
	if err := r.provider().Boot(t.Context(), r.plan(), "host-0", false); err != nil {
		t.Fatal(err)
	}
	r.is(0, bmc.On, true, "agent")
	r.secretless()
	if got := r.bmcs[0].Host.Started(); len(got) != 2 || !r.warned("host-0", "tried again") {
		t.Errorf("started from %q", got)
	}
}

// A firmware that ignores an override for one boot starts its disk, and the host does not register. It gets one that
// lasts, until it is released.
func TestIgnoresOnce(t *testing.T) {
	for _, profile := range []string{"ilo6", "x12", "ami", "idrac9"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, profile)
			h := r.bmcs[0].Host
			h.Install()
			order := h.Boot().Order
			r.breaks(0, "bmc-ignore-once")
			p := r.provider()
			if err := p.Boot(t.Context(), r.plan(), "host-0", false); err != nil {
				t.Fatal(err)
			}
			r.is(0, bmc.On, true, "disk")
			if err := p.Boot(t.Context(), r.plan(), "host-0", true); err != nil {
				t.Fatalf("%v; next %s", err, exit.Next(err))
			}
			r.is(0, bmc.On, true, "agent")
			r.secretless()
			if !r.warned("host-0", "stays until it has") {
				t.Errorf("%v", r.said)
			}
			if err := p.Release(t.Context(), r.plan(), "host-0"); err != nil {
				t.Fatal(err)
			}
			s, err := p.State(t.Context(), infraID, "host-0")
			if err != nil || s.Override || !slices.Equal(h.Boot().Order, order) {
				t.Errorf("%+v, %v; order %v, was %v", s, err, h.Boot().Order, order)
			}
			if err := h.ForceRestart(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.is(0, bmc.On, false, "disk")
		})
	}
}

// A wrong login is sent once, whatever is tried, and by whichever host.
func TestWrongLogin(t *testing.T) {
	t.Parallel()
	r := newRig(t, "idrac9", "ilo6")
	r.opts.Hosts[1].BMC.Address = r.opts.Hosts[0].BMC.Address // a typo: two hosts with one address
	for i := range r.opts.Hosts {
		r.opts.Hosts[i].BMC.Password = secret.New("wrong")
	}
	var logins atomic.Int32
	r.watch(func(_ int, req *http.Request) bool {
		_, _, basic := req.BasicAuth()
		if basic || req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "Sessions") {
			logins.Add(1)
		}
		return true
	})
	p := r.provider()
	report, err := p.Preflight(t.Context(), r.plan())
	if err != nil || len(report.Findings()) != 2 {
		t.Fatalf("%v, %v", report.Lines(true), err)
	}
	for _, f := range report.Findings() {
		if !strings.HasSuffix(f.Path.String(), "bmc.username") || !strings.Contains(f.Detail, "lock an account") {
			t.Errorf("%s: %s", f.Path, f.Detail)
		}
	}
	err = p.Apply(t.Context(), r.plan(), "infrastructure")
	if _, destroyErr := p.Destroy(t.Context(), infraID, machines.Everything); err == nil || destroyErr == nil {
		t.Error("no error")
	}
	if n := logins.Load(); n != 1 {
		t.Errorf("the login was sent %d times", n)
	}
	if text := strings.Join(report.Lines(true), "\n") + err.Error(); strings.Contains(text, "wrong\"") {
		t.Error(text)
	}
}

// The address of another host's BMC starts nothing.
func TestWrongAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, "idrac9", "ilo6")
	r.opts.Hosts[1].BMC.Address = r.opts.Hosts[0].BMC.Address
	p := r.provider()
	report, err := p.Preflight(t.Context(), r.plan())
	if err != nil || len(report.Findings()) != 1 || !strings.Contains(report.Findings()[0].Detail, mac(1)) {
		t.Errorf("%v, %v", report.Lines(true), err)
	}
	err = p.Boot(t.Context(), r.plan(), "host-1", true)
	if err == nil || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("%v", err)
	}
	r.is(0, bmc.Off, false, "")
	r.is(1, bmc.Off, false, "")
	if r.sessions(0) > 1 {
		t.Error("the session of the wrong host is left")
	}
}

// A medium that the host's BMC never reads is an error. Here it has read it under another name.
func TestNotFetched(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	r.opts.FetchLimit = 10 * time.Second
	p := r.provider()
	if _, err := p.serve(t.Context(), r.plan()); err != nil {
		t.Fatal(err)
	}
	b := booting{Provider: p, host: p.hosts[0], infraID: infraID, server: p.server}
	insert(t, r.bmcs[0].Host, "https://192.0.2.1/media/x/"+infraID+"-host-0.iso")
	err := b.fetched(t.Context(), r.opts.Clock.Now())
	if err == nil || !strings.Contains(err.Error(), "has read nothing") ||
		!strings.Contains(exit.Next(err), "--media-address") {
		t.Errorf("%v; next %q", err, exit.Next(err))
	}
}

// A host that loads its image is on, whatever its BMC says.
func TestOnByItsMedium(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	p := r.provider()
	server, err := p.serve(t.Context(), r.plan())
	if err != nil {
		t.Fatal(err)
	}
	b := booting{Provider: p, host: p.hosts[0], infraID: infraID, server: server}
	r.breaks(0, "bmc-stuck-power")
	err = p.with(t.Context(), b.host, func(ctx context.Context) error {
		bmc, err := b.session(ctx)
		if err != nil {
			return err
		}
		from, err := p.source(ctx, server, b.host, infraID)
		if err != nil {
			return err
		}
		loading, stop := context.WithCancel(ctx)
		defer stop()
		go load(loading, from)
		return b.powerOn(ctx, bmc)
	})
	if seen := server.Seen(mediumName(infraID, "host-0")).Bytes; err != nil || seen < readMuch {
		t.Errorf("%v after %d bytes", err, seen)
	}
}

// load reads an image again and again.
func load(ctx context.Context, from string) {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as BMCs do
	}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
