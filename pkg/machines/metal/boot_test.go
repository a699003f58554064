package metal

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/machines"
)

// Every kind of BMC takes its host to on from our medium, lets go of it, and switches it off.
func TestVendors(t *testing.T) {
	for _, profile := range vendor.Names() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, profile)
			r.bmcs[0].Host.Install() // without the override it would start from its disk
			if profile == "xcc" {    // checks certificates
				r.opts.Media.Address = "http://127.0.0.1"
			}
			p := r.provider()
			if err := p.Boot(t.Context(), r.plan(), "host-0", false); err != nil {
				t.Fatalf("%v; next: %s", err, exit.Next(err))
			}
			r.is(0, bmc.On, true, "agent")
			if s, err := p.State(t.Context(), infraID, "host-0"); err != nil || s.Medium != Ours || s.UUID != uuid(0) {
				t.Errorf("%+v, %v", s, err)
			}
			if err := p.Release(t.Context(), r.plan(), "host-0"); err != nil {
				t.Fatal(err)
			}
			r.is(0, bmc.On, false, "agent")
			if r.overridden(0) {
				t.Error("the override is still set")
			}
			if err := p.Release(t.Context(), r.plan(), "host-0"); err != nil { // nothing to do
				t.Fatal(err)
			}
			if n := r.sessions(0); n != 1 {
				t.Errorf("%d sessions", n)
			}
			p.TakeRunning = true
			if left, err := p.Destroy(t.Context(), infraID, machines.Everything); err != nil || len(left) > 0 {
				t.Errorf("%v, %v", left, err)
			}
			r.is(0, bmc.Off, false, "agent")
			if err := p.Close(t.Context()); err != nil || r.sessions(0) != 0 {
				t.Errorf("%v; %d sessions", err, r.sessions(0))
			}
		})
	}
}

// A run that was killed at any request is followed by one that completes.
func TestKilled(t *testing.T) {
	for _, profile := range []string{"idrac10", "x12"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at += 3 { // an odd and an even one by turns
				r := newRigAt(t, 100, profile)
				r.bmcs[0].Host.Install()
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				r.watch(func(int, *http.Request) bool {
					r.mu.Lock()
					defer r.mu.Unlock()
					n++
					if n == at {
						cancel()
					}
					return n < at || at%2 == 0 // the last one arrives, or does not
				})
				killed := r.provider()
				err := killed.Boot(ctx, r.plan(), "host-0", false)
				_ = killed.stopServing()
				r.watch(nil)
				if err == nil {
					if at < 20 {
						t.Fatalf("only %d requests", at)
					}
					cancel()
					return
				}
				p := r.provider()
				if err := p.Boot(t.Context(), r.plan(), "host-0", false); err != nil {
					t.Fatalf("killed at request %d: %v", at, err)
				}
				if r.is(0, bmc.On, true, "agent"); t.Failed() {
					t.Fatalf("killed at request %d", at)
				}
				cancel()
			}
		})
	}
}

// A host that runs is left alone unless it is proved that it may be switched off.
func TestProof(t *testing.T) {
	for _, tt := range []struct {
		name          string
		absent, taken bool
		medium        string
		refused       bool
	}{
		{name: "runs for somebody", refused: true},
		{name: "is started from somebody's medium", medium: "https://192.0.2.1/other.iso", refused: true},
		{name: "another cluster's", medium: "https://192.0.2.1/media/x/other-aaaaa-host-0.iso", refused: true},
		{name: "nobody knows its medium", medium: "?", refused: true},
		{name: "ours, of an earlier run", medium: "https://192.0.2.1/media/x/" + infraID + "-host-0.iso"},
		{name: "has not registered", absent: true},
		{name: "the user has said so", taken: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "ilo6")
			h := r.bmcs[0].Host
			h.Install()
			if tt.medium != "" {
				insert(t, h, strings.TrimPrefix(tt.medium, "?"))
			}
			if err := h.On(t.Context()); err != nil {
				t.Fatal(err)
			}
			changed := 0
			r.watch(func(_ int, req *http.Request) bool {
				if req.Method != http.MethodGet && !strings.Contains(req.URL.Path, "Session") {
					changed++
				}
				return true
			})
			r.opts.TakeRunning = tt.taken
			err := r.provider().Boot(t.Context(), r.plan(), "host-0", tt.absent)
			if tt.refused {
				if exit.Code(err) != exit.Unproved || exit.Next(err) == "" || !strings.Contains(err.Error(), "host-0") {
					t.Errorf("code %d, %v, next %q", exit.Code(err), err, exit.Next(err))
				}
				if changed > 0 {
					t.Errorf("%d changes", changed)
				}
				r.is(0, bmc.On, tt.medium != "", "disk")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.is(0, bmc.On, true, "agent")
		})
	}
}

// A host that fails does not stop the others.
func TestIsolated(t *testing.T) {
	t.Parallel()
	r := newRigAt(t, 120, "ilo6", "x13", "idrac9")
	r.breaks(1, "bmc-stuck-power")
	p := r.provider()
	err := p.Apply(t.Context(), r.plan(), "infrastructure")
	if err == nil || !strings.Contains(err.Error(), "host-1") || strings.Contains(err.Error(), "host-0") {
		t.Errorf("%v", err)
	}
	r.is(0, bmc.On, true, "agent")
	r.is(2, bmc.On, true, "agent")
	if errors.Is(err, context.Canceled) || exit.Next(err) == "" {
		t.Errorf("%v; next %q", err, exit.Next(err))
	}
}

// A host that has not registered is left alone while it loads its image, and started again when it does not.
func TestLoads(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ilo6")
	r.opts.Media.Address = "http://127.0.0.1"
	p := r.provider()
	boot := func(starts int) {
		t.Helper()
		if err := p.Boot(t.Context(), r.plan(), "host-0", true); err != nil {
			t.Fatal(err)
		}
		if got := r.bmcs[0].Host.Started(); len(got) != starts {
			t.Errorf("started from %q, want %d starts", got, starts)
		}
	}
	boot(1)
	for read := int64(0); read < readMuch; {
		resp, err := http.Get(r.bmcs[0].Host.Medium().URL)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		read += n
	}
	boot(1)
	boot(2) // it has read nothing since
}
