package metal

import (
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
)

// The image is read without encryption only if the user has said so.
func TestPlain(t *testing.T) {
	httpOnly := func(c *bmc.Config) { c.Profile.Media.Schemes = []string{"http"} }
	checks := func(c *bmc.Config) { c.Profile.Media.Verify = "on" }
	for _, tt := range []struct {
		name    string
		change  func(*bmc.Config)
		address string
		early   string // words of the finding of the preflight
		booted  bool
	}{
		{name: "HTTP only", change: httpOnly, early: "takes HTTP only"},
		{name: "HTTP only, allowed", change: httpOnly, address: "http://127.0.0.1", booted: true},
		{name: "HTTP only, allowed at any address", change: httpOnly, address: "http://", booted: true},
		{name: "HTTP only, insisted on HTTPS", change: httpOnly, address: "https://127.0.0.1"},
		{name: "certificates are checked", change: checks, early: "VerifyCertificate"},
		{name: "certificates are checked, allowed", change: checks, address: "http://127.0.0.1", booted: true},
		{name: "takes both", change: func(*bmc.Config) {}, address: "127.0.0.1", booted: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRigOf(t, furiously, tt.change, "openbmc", "openbmc")
			r.opts.Media.Address = tt.address
			plain := strings.HasPrefix(tt.address, "http://")
			p := r.provider()
			report, err := p.Preflight(t.Context(), r.plan())
			if err != nil {
				t.Fatal(err)
			}
			found := report.Findings()
			if (tt.early != "") != (len(found) == 2) { // both hosts at once
				t.Errorf("preflight: %q", report.Lines(true))
			}
			for _, f := range found {
				if !strings.Contains(f.Detail, tt.early) || !strings.Contains(f.Detail, "--media-address http://127.0.0.1 if") ||
					!strings.Contains(f.Detail, "secrets") || !strings.Contains(f.Detail, "host-") {
					t.Errorf("preflight: %s", f.Detail)
				}
			}
			err = p.Boot(t.Context(), r.plan(), "host-0", false)
			if !tt.booted {
				if exit.Code(err) != exit.Infrastructure && tt.early != "" || err == nil || exit.Next(err) == "" ||
					!strings.Contains(err.Error(), "host-0") || !strings.Contains(err.Error(), r.opts.Hosts[0].BMC.Address) &&
					tt.early != "" {
					t.Errorf("code %d, %v, next %q", exit.Code(err), err, exit.Next(err))
				}
				r.is(0, bmc.Off, false, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.is(0, bmc.On, true, "agent")
			if u := r.bmcs[0].Host.Medium().URL; strings.HasPrefix(u, "http://") != plain {
				t.Errorf("read from %s", u)
			}
		})
	}
}

// A BMC that refuses HTTPS without having said so gets nothing else, and the way out is named.
func TestSilentRefusal(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, furiously, "openbmc")
	r.opts.Media.Address = "127.0.0.1"
	r.breaks(0, "bmc-media-unreachable")
	err := r.provider().Boot(t.Context(), r.plan(), "host-0", false)
	if exit.Code(err) != exit.Infrastructure || !strings.Contains(exit.Next(err), "--media-address http://127.0.0.1") ||
		strings.Contains(err.Error(), bmctest.Password) {
		t.Errorf("code %d, %v, next %q", exit.Code(err), err, exit.Next(err))
	}
	r.is(0, bmc.Off, false, "")
}

// A BMC that lists no cards does not stop the installation; one that lists others does, and shows them.
func TestCards(t *testing.T) {
	t.Parallel()
	r := newRigOf(t, furiously, func(c *bmc.Config) {
		f := c.Host.(*face)
		if f.facts.MACs = nil; f.facts.UUID != uuid(0) {
			f.facts.MACs = []string{mac(7), mac(8)}
		}
	}, "ilo6", "ilo6")
	p := r.provider()
	report, err := p.Preflight(t.Context(), r.plan())
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range report.Findings() {
		text += f.Detail + "\n"
	}
	for _, want := range []string{"host-0", "lists no network cards", "host-1", mac(7), mac(8), "set bootMACAddress"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if err := p.Boot(t.Context(), r.plan(), "host-0", false); err != nil {
		t.Error(err)
	}
	if err := p.Boot(t.Context(), r.plan(), "host-1", false); err == nil {
		t.Error("the other machine was started")
	}
	r.is(1, bmc.Off, false, "")
}
