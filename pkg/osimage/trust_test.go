package osimage

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestCheckTrust(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		url, sum, allowed string
		ok                bool
	}{
		{"https://h/a", "", "", true},
		{"file:///a", "", "", true},
		{"http://h/a", sum, "", true},
		{"http://h/a", "", "", false},
		{"http://h:81/a", "", "other,h:81", true},
		{"http://h:81/a", "", "h", true},
		{"http://h:81/a", "", "h:82", false},
		{"http://me:pass@h/a?t=1", "", "http://h/a", true},
		{"http://h/b", "", "http://h/a", false},
		{"http://hh/a", "", "h", false},
	} {
		err := Artifact{URL: tt.url, SHA256: tt.sum}.CheckTrust(ParseAllowed(tt.allowed))
		var unverified *UnverifiedError
		if (err == nil) != tt.ok || err != nil && !errors.As(err, &unverified) {
			t.Errorf("%+v: %v", tt, err)
		}
		if err != nil && (strings.Contains(err.Error(), "pass") || !strings.Contains(unverified.Next(), AllowVar+"=h")) {
			t.Errorf("%v; %s", err, unverified.Next())
		}
	}
}

// changing serves a file that tests replace.
type changing struct {
	*httptest.Server
	data   atomic.Pointer[[]byte]
	noETag atomic.Bool
	gets   atomic.Int32 // GET requests
	piece  atomic.Int32 // bytes after which the connection breaks, once
}

func serveChanging(t *testing.T, start func(*httptest.Server)) *changing {
	t.Helper()
	c := &changing{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := *c.data.Load()
		if !c.noETag.Load() {
			w.Header().Set("ETag", `"`+sum(data)+`"`)
		}
		if r.Method == http.MethodGet {
			c.gets.Add(1)
			if n := c.piece.Swap(0); n > 0 {
				w = &breaking{ResponseWriter: w, left: int(n)}
			}
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	start(c.Server)
	t.Cleanup(c.Close)
	return c
}

// Without a checksum the server decides whether the cached copy is current.
func TestChangedImageBehindTheSameURL(t *testing.T) {
	old, fresh := qcow(300<<10), qcow(400<<10)
	s := serveChanging(t, (*httptest.Server).StartTLS)
	cache := Cache{Dir: t.TempDir(), HTTP: s.Client(), Clock: instant{}}
	get := func(want []byte, gets int32) {
		t.Helper()
		f, err := cache.Get(t.Context(), Artifact{URL: s.URL + "/a.qcow2"})
		if err != nil || f.SHA256 != sum(want) || f.Size != int64(len(want)) {
			t.Errorf("%+v, %v; want %s", f, err, sum(want))
		}
		if got := s.gets.Swap(0); got != gets {
			t.Errorf("%d downloads, want %d", got, gets)
		}
	}
	s.data.Store(&old)
	get(old, 1)
	get(old, 0)
	s.data.Store(&fresh)
	get(fresh, 1)
	get(fresh, 0)
	s.noETag.Store(true) // the server cannot tell whether it has changed
	get(fresh, 1)

	// The file changes during a download: the two halves are never combined.
	s.noETag.Store(false)
	s.data.Store(&old)
	s.piece.Store(100 << 10)
	swapped := cache
	swapped.Progress = func(int64, int64) { s.data.Store(&fresh) }
	f, err := swapped.Get(t.Context(), Artifact{URL: s.URL + "/a.qcow2"})
	if err != nil || f.SHA256 != sum(fresh) {
		t.Errorf("%+v, %v", f, err)
	}

	// What a killed run left may be part of another file.
	cache.Dir = t.TempDir()
	a := Artifact{URL: s.URL + "/a.qcow2"}
	if err := os.WriteFile(filepath.Join(cache.Dir, cache.key(a)+".part"), old[:1000], 0o600); err != nil {
		t.Fatal(err)
	}
	s.gets.Store(0)
	get(fresh, 1)
}

func TestLocalFileThatChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qcow2")
	cache := Cache{Dir: t.TempDir(), Clock: instant{}}
	for _, size := range []int{64 << 10, 96 << 10} {
		if err := os.WriteFile(path, qcow(size), 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := cache.Get(t.Context(), Artifact{URL: "file://" + path}); err != nil || f.Size != int64(size) {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

// A cached copy is not used if its content changed but its size did not.
func TestDamagedCopy(t *testing.T) {
	data := qcow(256 << 10)
	s := serve(t, data, 0)
	cache := s.cache(t)
	a := Artifact{URL: s.URL + "/a.qcow2", SHA256: sum(data)}
	f, err := cache.Get(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(data)
	bad[100<<10] ^= 1
	if err := os.WriteFile(f.Path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Get(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.Path); !bytes.Equal(got, data) {
		t.Error("a damaged copy was used")
	}
}

func TestPlainHTTP(t *testing.T) {
	data := qcow(64 << 10)
	s := serveChanging(t, (*httptest.Server).Start)
	s.data.Store(&data)
	url := s.URL + "/a.qcow2"
	for _, tt := range []struct {
		name    string
		a       Artifact
		allowed []string
		ok      bool
	}{
		{"no checksum", Artifact{URL: url}, nil, false},
		{"a checksum", Artifact{URL: url, SHA256: sum(data)}, nil, true},
		{"allowed by URL", Artifact{URL: url}, []string{url}, true},
	} {
		cache := Cache{Dir: t.TempDir(), HTTP: s.Client(), Clock: instant{}, Unverified: tt.allowed}
		if _, err := cache.Get(t.Context(), tt.a); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	away := httptest.NewTLSServer(http.RedirectHandler(url, http.StatusFound))
	t.Cleanup(away.Close)
	cache := Cache{Dir: t.TempDir(), HTTP: away.Client(), Clock: instant{}}
	_, err := cache.Get(t.Context(), Artifact{URL: away.URL})
	if err == nil || !strings.Contains(err.Error(), "plain http") {
		t.Errorf("redirected from https to http: %v", err)
	}
}

// Credentials in URLs, whether the user's or a redirection's, are never shown.
func TestNoSecretOfAURLIsShown(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	redirect := httptest.NewServer(http.RedirectHandler(closed.URL+"/b?X-Signature=s3cret-c", http.StatusFound))
	t.Cleanup(redirect.Close)
	missing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(missing.Close)
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(stuck.Close)
	for _, server := range []*httptest.Server{closed, redirect, missing, stuck} {
		var log bytes.Buffer
		host := strings.TrimPrefix(server.URL, "http://")
		cache := Cache{
			Dir: t.TempDir(), Clock: instant{}, Tries: 2, Stall: 50 * time.Millisecond, Unverified: []string{host},
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}
		_, err := cache.Get(t.Context(), Artifact{URL: "http://me:s3cret-a@" + host + "/a.qcow2?token=s3cret-b"})
		if err == nil || !strings.Contains(err.Error(), host+"/a.qcow2") {
			t.Errorf("%v", err)
		}
		if text := err.Error() + log.String(); strings.Contains(text, "s3cret") {
			t.Error(text)
		}
	}
}
