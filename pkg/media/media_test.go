package media

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/secret"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 4096)

type fixture struct {
	*Server
	t      *testing.T
	hidden []secret.String
	client *http.Client
}

func serve(t *testing.T) *fixture {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agent.iso")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, // BMCs do not check either
	}}}
	s, err := Serve(Options{File: file, Clock: clock.Real(), Log: slog.New(slog.DiscardHandler),
		Hide: func(s ...secret.String) { f.hidden = append(f.hidden, s...) }})
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	t.Cleanup(func() { _ = s.Close() })
	return f
}

func (f *fixture) url(scheme, name string) string {
	f.t.Helper()
	u, err := f.URL(scheme, netip.MustParseAddrPort("127.0.0.1:0"), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

// answer is a response whose body has been read.
type answer struct {
	StatusCode    int
	Status        string
	ContentLength int64
	Header        http.Header
}

func (f *fixture) do(method, url, ranges string) (answer, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, url, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Status, resp.ContentLength, resp.Header}, b
}

func TestServe(t *testing.T) {
	f := serve(t)
	for _, scheme := range []string{"http", "https"} {
		name := scheme + "-host.iso"
		u := f.url(scheme, name)
		if again := f.url(scheme, name); again != u || !strings.HasSuffix(u, "/"+name) {
			t.Errorf("%s, then %s", u, again)
		}
		resp, _ := f.do(http.MethodHead, u, "")
		if resp.StatusCode != 200 || resp.ContentLength != int64(len(content)) ||
			resp.Header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: HEAD: %s, %d bytes, %v", scheme, resp.Status, resp.ContentLength, resp.Header)
		}
		if seen := f.Seen(name); seen.Requests != 0 || seen.Bytes != 0 {
			t.Errorf("%s: HEAD counts as reading: %+v", scheme, seen)
		}
		if resp, b := f.do(http.MethodGet, u, "bytes=16-31"); resp.StatusCode != 206 || string(b) != string(content[16:32]) {
			t.Errorf("%s: range: %s, %q", scheme, resp.Status, b)
		}
		if resp, b := f.do(http.MethodGet, u, ""); resp.StatusCode != 200 || !bytes.Equal(b, content) {
			t.Errorf("%s: GET: %s, %d bytes", scheme, resp.Status, len(b))
		}
		seen := f.Seen(name)
		for range 500 { // a piece counts after it was sent
			if seen.Bytes >= int64(len(content))+16 {
				break
			}
			time.Sleep(10 * time.Millisecond)
			seen = f.Seen(name)
		}
		if seen.Requests != 2 || seen.Bytes != int64(len(content))+16 || seen.Last.IsZero() || seen.First.After(seen.Last) ||
			seen.From.String() != "127.0.0.1" {
			t.Errorf("%s: %+v", scheme, seen)
		}
	}
}

// Nobody reads the file without a path of his own.
func TestTokens(t *testing.T) {
	f := serve(t)
	a, b := f.url("http", "a.iso"), f.url("http", "b.iso")
	token := func(u string) string { return strings.Split(u, "/")[4] }
	if token(a) == token(b) || len(token(a)) < 26 || len(f.hidden) != 2 || f.hidden[0].Reveal() != token(a) {
		t.Errorf("%s, %s; %d hidden", a, b, len(f.hidden))
	}
	at := strings.Split(a, "/media/")[0]
	for _, path := range []string{
		"/", "/media/", "/media/a.iso", "/media//a.iso", "/media/" + token(a) + "/b.iso", "/media/" + token(b) + "/a.iso",
		"/media/" + token(a) + "/", "/media/" + token(a) + "/../a.iso", "/media/" + token(a)[:25] + "/a.iso", "/agent.iso",
	} {
		if resp, _ := f.do(http.MethodGet, at+path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := f.do(http.MethodPost, a, ""); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
	if seen := f.Seen("a.iso"); seen.Requests != 0 {
		t.Errorf("%+v", seen)
	}
}

func TestRefuses(t *testing.T) {
	f := serve(t)
	for _, tt := range []struct{ scheme, at, name string }{
		{"ftp", "127.0.0.1:0", "a.iso"}, {"http", "0.0.0.0:0", "a.iso"}, {"http", "[::]:0", "a.iso"},
		{"http", "192.0.2.1:0", "a.iso"}, {"http", "127.0.0.1:0", "a/b.iso"}, {"http", "127.0.0.1:0", ""},
	} {
		if u, err := f.URL(tt.scheme, netip.MustParseAddrPort(tt.at), tt.name); err == nil {
			t.Errorf("%+v: %s", tt, u)
		}
	}
	u := f.url("http", "a.iso")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if resp, err := f.client.Get(u); err == nil {
		resp.Body.Close()
		t.Errorf("after the end: %s", resp.Status)
	}
	if _, err := f.URL("http", netip.MustParseAddrPort("127.0.0.1:0"), "a.iso"); err == nil {
		t.Error("after the end it listens again")
	}
	for _, file := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.iso")} {
		if _, err := Serve(Options{File: file}); err == nil {
			t.Errorf("%s is served", file)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, bmc := range []string{"127.0.0.2", "127.0.0.2:8443", "[::1]:443"} {
		if ip, err := Address(t.Context(), bmc); err != nil || !ip.IsLoopback() {
			t.Errorf("%s: %v, %v", bmc, ip, err)
		}
	}
	if ip, err := Address(t.Context(), "bmc.invalid"); err == nil {
		t.Errorf("bmc.invalid: %v", ip)
	}
}
