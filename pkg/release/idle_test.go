package release_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/release"
)

// silent is a registry that accepts connections and never answers, like one
// behind a firewall that drops packets.
func silent(t *testing.T) (repo string) {
	t.Helper()
	stop := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stop) })
	return strings.TrimPrefix(server.URL, "https://") + "/okd"
}

// The time that two silent mirrors take is not taken from the source.
func TestMirrorsThatDoNotAnswer(t *testing.T) {
	f := serve(t, good())
	first, second := silent(t), silent(t)
	opts := f.options()
	opts.Timeout = 2 * time.Second
	opts.Mirrors = []release.Mirror{{Source: strings.TrimSuffix(f.repo, "/release"), Mirrors: []string{first, second}}}
	var asked []string
	opts.Asking = func(place string) { asked = append(asked, place) }
	r, err := release.Inspect(t.Context(), f.repo+"@"+f.digest, opts)
	if err != nil || r.Digest != f.digest {
		t.Fatalf("%+v, %v", r, err)
	}
	if want := []string{first + "/release", second + "/release", f.repo}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
}

// slow sends a body in pieces, with a pause before each.
type slow struct {
	http.ResponseWriter
	pause time.Duration
}

func (s slow) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		n := min(200, len(p)-sent)
		time.Sleep(s.pause)
		if _, err := s.ResponseWriter.Write(p[sent : sent+n]); err != nil {
			return sent, err
		}
		s.ResponseWriter.(http.Flusher).Flush()
		sent += n
	}
	return len(p), nil
}

// A slow download may take longer than the timeout.
func TestSlowDownloadIsNotIdle(t *testing.T) {
	f := serve(t, good())
	inner := f.server.Config.Handler
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			w = slow{w, 450 * time.Millisecond}
		}
		inner.ServeHTTP(w, r)
	}))
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	host := strings.TrimPrefix(proxy.URL, "https://")
	roots := pkitest.ServerCA(proxy)
	opts := release.Options{PullSecret: pullSecret(host), TrustBundle: roots, Timeout: 2 * time.Second}
	started := time.Now()
	if _, err := release.Inspect(t.Context(), host+"/okd/release@"+f.digest, opts); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < opts.Timeout {
		t.Fatalf("the download was not slow: %s", took)
	}
}
