package redfish_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/redfish"
	"github.com/okd-install/okd-install/pkg/redfish/redfishtest"
	"github.com/okd-install/okd-install/pkg/secret"
)

func TestSession(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	for range 3 {
		if _, err := b.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r.Logins() != 1 {
		t.Errorf("%d sessions were made", r.Logins())
	}
	for _, q := range r.Requests() {
		if q.Header.Get("Accept-Encoding") != "identity" || q.Header.Get("Authorization") != "" {
			t.Errorf("%s has headers %v", q, q.Header)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // an interruption
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
	if r.Sessions() != 0 {
		t.Error("the session is left")
	}
	if _, err := b.Power(t.Context()); err == nil {
		t.Error("a closed session can be used")
	}
}

func TestSessionExpires(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	r.Expire()
	if err := b.PowerOff(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if r.Logins() != 2 {
		t.Errorf("%d sessions were made, want 2", r.Logins())
	}
}

// A session that is never accepted is renewed once, not for ever: BMCs lock accounts.
func TestSessionRefusedAgain(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	r.Refuse(http.MethodGet, redfishtest.System, -1, http.StatusUnauthorized, "NoValidSession", "There is no session.")
	_, err := b.Power(t.Context())
	r.checkFails(t, err, redfish.BadLogin, "read the power state", "There is no session.", "username and password")
	if r.Logins() != 2 {
		t.Errorf("%d sessions were made, want 2", r.Logins())
	}
}

func TestBasic(t *testing.T) {
	tests := []struct {
		name  string
		quirk func(*rig)
	}{
		{"no sessions", func(r *rig) { r.Edit(redfishtest.Root, doc{"Links": doc{"Sessions": nil}}) }},
		{"not allowed", func(r *rig) {
			r.Refuse(http.MethodPost, redfishtest.Sessions, -1, http.StatusMethodNotAllowed, "OperationNotAllowed", "No.")
		}},
		{"too many", func(r *rig) {
			r.Refuse(http.MethodPost, redfishtest.Sessions, -1, http.StatusServiceUnavailable, "SessionLimitExceeded", "Full.")
		}},
		{"no token", func(r *rig) {
			r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
				if q.Path == redfishtest.Sessions {
					w.WriteHeader(http.StatusCreated)
				}
				return q.Path == redfishtest.Sessions
			})
		}},
		{"a root that wants a login", func(r *rig) {
			r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
				refused := q.Path == redfishtest.Root && q.Header.Get("Authorization") == ""
				if refused {
					redfishtest.Fail(w, http.StatusUnauthorized, "NoValidSession", "Who are you?")
				}
				return refused
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.quirk(r)
			if err := r.connect(t).PowerOff(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			asked := 0
			for _, q := range r.Requests() {
				if q.Method == http.MethodPost && q.Path == redfishtest.Sessions {
					asked++
				}
			}
			if asked > 2 {
				t.Errorf("a session was asked for %d times", asked)
			}
			last := r.Requests()[len(r.Requests())-1]
			if _, _, ok := (&http.Request{Header: last.Header}).BasicAuth(); !ok {
				t.Errorf("%s has no login", last)
			}
		})
	}
}

func TestWrongLogin(t *testing.T) {
	for _, sessions := range []bool{true, false} {
		r := newRig(t)
		r.opt.Password = secret.New("battery-staple")
		if !sessions {
			r.Edit(redfishtest.Root, doc{"Links": doc{"Sessions": nil}})
		}
		_, err := redfish.Connect(t.Context(), r.opt)
		r.checkFails(t, err, redfish.BadLogin, "log in", "username and password")
		if strings.Contains(err.Error(), "battery") { // the BMC quotes it
			t.Errorf("the error has the password: %v", err)
		}
		refused := 0
		for _, q := range r.Requests() {
			if q.Path != redfishtest.Root {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("the wrong login was sent %d times", refused)
		}
	}
}

func TestReadIsRepeated(t *testing.T) {
	r := newRig(t)
	r.Refuse(http.MethodGet, redfishtest.System, 9, http.StatusInternalServerError, "InternalError", "Try later.")
	r.connect(t)
	for _, d := range r.clock.Slept() {
		if d < 3*time.Second || d > 4500*time.Millisecond {
			t.Errorf("it waited %s", d)
		}
	}
	if n := len(r.clock.Slept()); n != 9 {
		t.Errorf("%d pauses, want 9", n)
	}
}

func TestReadGivesUp(t *testing.T) {
	r := newRig(t)
	r.Refuse(http.MethodGet, redfishtest.System, -1, http.StatusInternalServerError, "InternalError", "Try later.")
	_, err := redfish.Connect(t.Context(), r.opt)
	r.checkFails(t, err, redfish.Unavailable, "HTTP 500", "Try later.")
	if n := len(r.clock.Slept()); n != 9 {
		t.Errorf("%d pauses, want 9", n)
	}
	if r.Sessions() != 0 {
		t.Error("a session is left")
	}
}

func TestBrokenConnectionIsRepeated(t *testing.T) {
	r := newRig(t)
	broken := 2
	r.Quirk(func(http.ResponseWriter, redfishtest.Request) bool {
		if broken--; broken >= 0 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	r.connect(t)
	if n := len(r.clock.Slept()); n != 2 {
		t.Errorf("%d pauses, want 2", n)
	}
}

// HPE refuses changes while the machine is in its self-test.
func TestBusyIsRepeated(t *testing.T) {
	for _, n := range []int{5, 6} {
		r := newRig(t)
		r.Refuse(http.MethodPost, redfishtest.Insert, n, http.StatusBadRequest, "UnableToModifyDuringSystemPOST", "In POST.")
		_, err := r.connect(t).InsertMedia(t.Context(), image)
		if n == 5 && err != nil {
			t.Errorf("busy %d times: %v", n, err)
		}
		posts := 0
		for _, c := range r.Changes() {
			if c != `POST `+redfishtest.Insert+` {"Image":"`+image+`"}` {
				break
			}
			posts++
		}
		if posts != 6 {
			t.Errorf("busy %d times: %d requests, want 6", n, posts)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	first := true
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		if q.Path != redfishtest.Reset || !first {
			return false
		}
		first = false
		w.Header().Set("Retry-After", "42")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if err := b.PowerOff(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if s := r.clock.Slept(); len(s) == 0 || s[0] != 42*time.Second {
		t.Errorf("it waited %v, want 42s", s)
	}
}

func TestUntrusted(t *testing.T) {
	r := newRig(t)
	r.opt.Roots = nil
	_, err := redfish.Connect(t.Context(), r.opt)
	r.checkFails(t, err, redfish.UntrustedCA, "bmcVerifyCA", "disableCertificateVerification")
	if len(r.clock.Slept()) != 0 {
		t.Error("it was tried again")
	}
	r.opt.InsecureSkipVerify = true
	r.connect(t)
}

func TestTrust(t *testing.T) {
	for _, tt := range []struct {
		pem  string
		bad  bool
		none bool
	}{{"no certificate", true, true}, {"", false, true}} {
		roots, err := redfish.Trust([]byte(tt.pem))
		if (err != nil) != tt.bad || (roots == nil) != tt.none {
			t.Errorf("%q: %v, %v", tt.pem, roots, err)
		}
	}
}

// Requests that only read share a connection; a BMC that breaks an answer off is asked with a connection for each.
func TestConnections(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	reads := func() int {
		before := len(r.Requests())
		for range 5 {
			if _, err := b.Power(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		connections := map[string]bool{}
		for _, q := range r.Requests()[before:] {
			connections[q.From] = true
		}
		return len(connections)
	}
	if n := reads(); n != 1 {
		t.Errorf("%d connections for 5 reads", n)
	}
	var served atomic.Int32
	r.Quirk(func(w http.ResponseWriter, req redfishtest.Request) bool {
		if served.Add(1) == 1 {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{")) // and no more
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		return false
	})
	if n := reads(); n < 5 {
		t.Errorf("%d connections for 5 reads of a BMC that breaks off", n)
	}
}

func TestUnreachable(t *testing.T) {
	r := newRig(t)
	r.Server.Close()
	_, err := redfish.Connect(t.Context(), r.opt)
	r.checkFails(t, err, redfish.Unreachable, "log in", "connection refused", "answers from here")
}

func TestNotRedfish(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>It works!</html>"))
	}))
	defer page.Close()
	for name, address := range map[string]string{
		"https to an http port": "redfish-virtualmedia+" + strings.Replace(plain.URL, "http", "https", 1),
		"no root":               "redfish-virtualmedia+" + plain.URL,
		"a page":                "redfish-virtualmedia+" + page.URL,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			var err error
			if r.opt.Address, err = redfish.Parse(address); err != nil {
				t.Fatal(err)
			}
			_, err = redfish.Connect(t.Context(), r.opt)
			r.checkFails(t, err, redfish.NotRedfish, "+http or +https")
		})
	}
}

// The session must not be sent to another server, whatever the BMC says.
func TestStaysOnServer(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	host := strings.TrimPrefix(other.URL, "http://")

	t.Run("redirection", func(t *testing.T) {
		r := newRig(t)
		b := r.connect(t)
		r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
			if q.Path == redfishtest.System {
				w.Header().Set("Location", other.URL+q.Path)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
			return q.Path == redfishtest.System
		})
		_, err := b.Power(t.Context())
		r.checkFails(t, err, redfish.NotRedfish, "another server")
	})
	for _, target := range []string{"@" + host + "/x", "//" + host + "/x", other.URL + "/x", "x", "\x00"} {
		r := newRig(t)
		r.Edit(redfishtest.System, doc{"Actions": doc{"#ComputerSystem.Reset": doc{"target": target}}})
		if err := r.connect(t).PowerOff(t.Context(), 0); err == nil {
			t.Errorf("target %q: no error", target)
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("the other server had %d requests", elsewhere.Load())
	}
}

func TestLongAnswer(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	r.Quirk(func(w http.ResponseWriter, q redfishtest.Request) bool {
		for range 9 {
			if q.Path == redfishtest.System {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		}
		return q.Path == redfishtest.System
	})
	_, err := b.Power(t.Context())
	r.checkFails(t, err, redfish.Broken, "more than")
}

func TestSystems(t *testing.T) {
	second := strings.Replace(redfishtest.System, "/1", "/2", 1)
	t.Run("the only one", func(t *testing.T) {
		r := newRig(t)
		r.opt.Address.System = ""
		if b := r.connect(t); b.System() != redfishtest.System {
			t.Errorf("system %s", b.System())
		}
	})
	t.Run("which of two", func(t *testing.T) {
		r := newRig(t)
		r.opt.Address.System = ""
		r.Set("/redfish/v1/Systems", redfishtest.Collection(redfishtest.System, second))
		_, err := redfish.Connect(t.Context(), r.opt)
		r.checkFails(t, err, redfish.NotFound, "names no system", redfishtest.System+", "+second)
		if r.Sessions() != 0 {
			t.Error("a session is left")
		}
	})
	t.Run("none", func(t *testing.T) {
		r := newRig(t)
		r.opt.Address.System = ""
		r.Set("/redfish/v1/Systems", redfishtest.Collection())
		_, err := redfish.Connect(t.Context(), r.opt)
		r.checkFails(t, err, redfish.NotFound, "has none")
	})
	t.Run("a wrong one", func(t *testing.T) {
		r := newRig(t)
		r.opt.Address.System = second
		_, err := redfish.Connect(t.Context(), r.opt)
		r.checkFails(t, err, redfish.NotFound, second, "it has: "+redfishtest.System)
	})
}

func TestOneRequestAtATime(t *testing.T) {
	r := newRig(t)
	b := r.connect(t)
	var now, most atomic.Int32
	r.Quirk(func(http.ResponseWriter, redfishtest.Request) bool {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(2 * time.Millisecond) // long enough that requests overlap if they can
		now.Add(-1)
		return false
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _, _ = b.Power(t.Context()) })
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d requests at a time", most.Load())
	}
}

func TestConnectInterrupted(t *testing.T) {
	r := newRig(t)
	stop := errors.New("operator pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	r.Quirk(func(_ http.ResponseWriter, q redfishtest.Request) bool {
		if q.Path == redfishtest.System {
			cancel(stop)
			time.Sleep(20 * time.Millisecond)
		}
		return false
	})
	_, err := redfish.Connect(ctx, r.opt)
	if !errors.Is(err, stop) {
		t.Errorf("error %v is not the interruption", err)
	}
	if r.Sessions() != 0 {
		t.Error("a session is left")
	}
}
