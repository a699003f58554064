package ovirt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/secret"
)

const rootXML = `<api><product_info><name>oVirt Engine</name>
<version><major>4</major><minor>5</minor><build>7</build><revision>0</revision></version></product_info></api>`

// stub is a minimal engine: sign-on, the root, and what a test adds.
type stub struct {
	*httptest.Server
	mu     sync.Mutex
	logins int
	valid  string
	extra  http.HandlerFunc
	mux    *http.ServeMux
}

// newStub serves the login, and extra for all else; wrap wraps the whole handler.
func newStub(t *testing.T, extra http.HandlerFunc, wrap ...func(http.Handler) http.Handler) *stub {
	mux := http.NewServeMux()
	s := &stub{extra: extra, mux: mux}
	mux.HandleFunc("/ovirt-engine/sso/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("password") != "right password" {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error_code":"access_denied","error":"Cannot authenticate user 'admin@internal': wrong."}`)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.logins++
		s.valid = fmt.Sprintf("token-%d", s.logins)
		fmt.Fprintf(w, `{"access_token":%q,"scope":"ovirt-app-api","exp":"99","token_type":"bearer"}`, s.valid)
	})
	mux.HandleFunc("/ovirt-engine/api", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, rootXML) })
	mux.HandleFunc("/ovirt-engine/api/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		ok := r.Header.Get("Authorization") == "Bearer "+s.valid
		s.mu.Unlock()
		if !ok {
			w.WriteHeader(401)
			fmt.Fprint(w, `<html><body>invalid_grant: The provided authorization grant for the auth code has expired.`+
				`</body></html>`)
			return
		}
		s.extra(w, r)
	})
	var all http.Handler = mux
	for _, w := range wrap {
		all = w(all)
	}
	s.Server = httptest.NewUnstartedServer(all)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *stub) config() ovirt.Config {
	return ovirt.Config{URL: s.URL + "/ovirt-engine/api", Username: "admin@internal",
		Password: secret.New("right password"),
		CABundle: string(pkitest.ServerCA(s.Server))}
}

func (s *stub) dial(t *testing.T, o ovirt.Options) *ovirt.Client {
	t.Helper()
	if o.Poll == 0 {
		o.Poll = 2 * time.Millisecond
	}
	c, err := ovirt.Dial(t.Context(), s.config(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDialFails(t *testing.T) {
	s := newStub(t, nil)
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		fmt.Fprint(w, "<html>hello</html>")
	}))
	t.Cleanup(other.Close)
	for _, c := range []struct {
		name string
		edit func(*ovirt.Config)
		kind ovirt.Kind
		text string
	}{
		{"wrong password", func(c *ovirt.Config) { c.Password = secret.New("wrong password") }, ovirt.BadLogin,
			"Cannot authenticate user 'admin@internal'"},
		{"untrusted CA", func(c *ovirt.Config) { c.CABundle = "" }, ovirt.UntrustedCA, "pki-resource"},
		{"no server", func(c *ovirt.Config) { c.URL = "https://127.0.0.1:1/ovirt-engine/api" }, ovirt.Unreachable,
			"check ovirt_url"},
		{"not an engine", func(c *ovirt.Config) { c.URL = other.URL + "/ovirt-engine/api" }, ovirt.NotEngine,
			"check ovirt_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := s.config()
			c.edit(&cfg)
			start := time.Now()
			_, err := ovirt.Dial(t.Context(), cfg, ovirt.Options{Poll: 5 * time.Millisecond})
			if !ovirt.Is(err, c.kind) || !strings.Contains(err.Error()+"; next: "+exit.Next(err), c.text) {
				t.Errorf("got %v, want kind %q and %q", err, c.kind, c.text)
			}
			if strings.Contains(fmt.Sprint(err), "password\"") || strings.Contains(fmt.Sprint(err), "wrong password") {
				t.Errorf("the error shows the password: %v", err)
			}
			if time.Since(start) > 5*time.Second {
				t.Errorf("took %s", time.Since(start))
			}
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	fault := func(detail string) string {
		return "<fault><detail>[" + detail + "]</detail><reason>Operation Failed</reason></fault>"
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   ovirt.Kind
		text   string
	}{
		{"name used", 409, fault("Cannot add VM. The VM name is already in use."), ovirt.Conflict,
			"The VM name is already in use."},
		{"locked disk", 409, fault("Cannot remove Virtual Disk. Disk is locked. Please try again later."),
			ovirt.Locked, "Disk is locked"},
		{"related", 409, fault("Related operation is currently in progress. Please try again later."), ovirt.Locked,
			""},
		{"bad parameter", 400, fault("Wrong MAC."), ovirt.Refused, "Wrong MAC."},
		{"no permission", 403, fault("User is not authorized to perform this action."), ovirt.Forbidden,
			"not authorized"},
		{"missing", 404, "", ovirt.NotFound, ""},
		{"internal", 500, fault("Internal Engine Error"), ovirt.Unavailable, "Internal Engine Error"},
		{"proxy page", 503, "<html><h1>Service Unavailable</h1></html>", ovirt.Unavailable, "503"},
		{"nonsense", 200, "<vm><memory></memory></vm>", ovirt.Broken, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			cl := s.dial(t, ovirt.Options{Tries: 2})
			_, err := cl.GetVM(t.Context(), "v1")
			if !ovirt.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want kind %q and %q", err, c.kind, c.text)
			}
			if err := cl.DeleteTag(t.Context(), ovirt.Tag{ID: "t1", Name: "x"}); c.kind == ovirt.NotFound &&
				err != nil || c.kind == ovirt.Conflict && !ovirt.Is(err, ovirt.Conflict) {
				t.Errorf("through the library: %v", err)
			}
		})
	}
}

func TestLogsInAgain(t *testing.T) {
	var calls atomic.Int32
	s := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, `<vm id="v1"><name>x</name></vm>`)
	})
	var log bytes.Buffer
	c := s.dial(t, ovirt.Options{Log: slog.New(slog.NewTextHandler(&log,
		&slog.HandlerOptions{Level: slog.LevelDebug}))})
	s.mu.Lock()
	s.valid = "none"
	s.mu.Unlock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if vm, err := c.GetVM(t.Context(), "v1"); err != nil || vm.Name != "x" {
				t.Errorf("got %v %v", vm, err)
			}
		}()
	}
	wg.Wait()
	if s.logins != 2 {
		t.Errorf("%d logins, want 2", s.logins)
	}
	if strings.Contains(log.String(), "right password") || strings.Contains(log.String(), "token-") {
		t.Errorf("the log holds a secret: %s", log.String())
	}
}

// TestTries counts the requests that an answer costs: what may be done twice is tried
// again, and an expired session is renewed once.
func TestTries(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		kind   ovirt.Kind
		want   int32
	}{
		{"engine fails", 503, ovirt.Unavailable, 3},
		{"engine ends every session", 401, ovirt.Expired, 2},
		{"not the engine", 400, ovirt.Broken, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			s := newStub(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.WriteHeader(c.status)
				fmt.Fprint(w, "<html><body>invalid_grant: the grant has expired.</body></html>")
			})
			_, err := s.dial(t, ovirt.Options{Tries: 3}).GetVM(t.Context(), "v1")
			if !ovirt.Is(err, c.kind) || calls.Load() != c.want {
				t.Errorf("%d requests, want %d: %v", calls.Load(), c.want, err)
			}
		})
	}
}

func TestHangingEngine(t *testing.T) {
	release := make(chan struct{})
	s := newStub(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // runs before the server is closed
	c := s.dial(t, ovirt.Options{CallLimit: 30 * time.Millisecond, Grace: 10 * time.Millisecond, Tries: 2})
	if _, err := c.GetVM(t.Context(), "v1"); !ovirt.Is(err, ovirt.Unavailable) ||
		!strings.Contains(err.Error(), "no answer within") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted by the user")
	time.AfterFunc(10*time.Millisecond, func() { cancel(why) })
	_, err := c.GetVM(ctx, "v1")
	if failed := (*ovirt.Error)(nil); !errors.Is(err, why) || errors.As(err, &failed) {
		t.Errorf("got %v, want the cause of the context, not a failure of the engine", err)
	}
}

// TestUploadResumes pauses the transfer and refuses the ticket in the middle.
func TestUploadResumes(t *testing.T) {
	var mu sync.Mutex
	phase, got, puts, resumed := "transferring", make([]byte, 1000), 0, 0
	var s *stub
	s = newStub(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.HasSuffix(r.URL.Path, "/resume"):
			resumed++
			phase = "transferring"
			fmt.Fprint(w, `<action><status>complete</status></action>`)
		case strings.HasSuffix(r.URL.Path, "/finalize"):
			phase = "finished_success"
			fmt.Fprint(w, `<action><status>complete</status></action>`)
		case strings.Contains(r.URL.Path, "/imagetransfers"):
			fmt.Fprintf(w, `<image_transfer id="t1"><image id="d1"/><phase>%s</phase>
				<transfer_url>https://127.0.0.1:1/images/x</transfer_url><proxy_url>%s/images/secret-ticket</proxy_url>
				</image_transfer>`, phase, s.URL)
		case strings.Contains(r.URL.Path, "/disks/"):
			fmt.Fprint(w, `<disk id="d1"><status>ok</status></disk>`)
		}
	})
	s.mux.HandleFunc("/images/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		puts++
		if puts == 3 {
			phase = "paused_system"
		}
		if phase != "transferring" {
			w.WriteHeader(403)
			return
		}
		var from, to, total int64
		if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); err != nil ||
			total != 1000 {
			w.WriteHeader(400)
			return
		}
		if last := to == total-1; last == (r.URL.Query().Get("flush") == "n") {
			w.WriteHeader(400)
			return
		}
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		copy(got[from:], b.Bytes())
	})
	want := bytes.Repeat([]byte("0123456789"), 100)
	var last int64
	err := s.dial(t, ovirt.Options{}).Upload(t.Context(), ovirt.Upload{DiskID: "d1", Format: "cow",
		Source: bytes.NewReader(want), Size: 1000,
		Chunk: 300, Progress: func(sent, _ int64) { last = sent }})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || resumed != 1 || puts != 5 || last != 1000 {
		t.Errorf("equal %v, resumed %d, puts %d, progress %d", bytes.Equal(got, want), resumed, puts, last)
	}
}
