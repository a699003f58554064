package osimage

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/stream-metadata-go/stream"
	"github.com/ulikunitz/xz"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
)

const streamJSON = `{"stream":"lab","metadata":{"last-modified":"2026-01-01T00:00:00Z"},
"architectures":{"x86_64":{"artifacts":{
"openstack":{"release":"9.6","formats":{"qcow2.gz":{"disk":{
 "location":"https://images/a.qcow2.gz","signature":"","sha256":"aa","uncompressed-sha256":"bb"}}}},
"metal":{"release":"9.6","formats":{"iso":{"disk":{
 "location":"https://images/a.iso","signature":"","sha256":"cc"}}}}},"images":{}}}}`

func TestFind(t *testing.T) {
	var s stream.Stream
	if err := json.Unmarshal([]byte(streamJSON), &s); err != nil {
		t.Fatal(err)
	}
	a, err := Find(&s, "amd64", "openstack")
	if err != nil {
		t.Fatal(err)
	}
	want := Artifact{
		URL: "https://images/a.qcow2.gz", SHA256: "aa", UncompressedSHA256: "bb", Format: "qcow2.gz", Release: "9.6",
	}
	if a != want {
		t.Errorf("got %+v, want %+v", a, want)
	}
	for _, c := range []struct{ arch, platform, want string }{
		{"arm64", "openstack", "nothing for architecture arm64, only for x86_64"},
		{"amd64", "gcp", "has no gcp image, only metal, openstack"},
		{"amd64", "metal", "not as qcow2"},
	} {
		if _, err := Find(&s, c.arch, c.platform); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s/%s: %v, want %q", c.arch, c.platform, err, c.want)
		}
	}
}

func TestParseOverride(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for _, c := range []struct {
		in   string
		want Override
		err  string
	}{
		{"", Override{}, ""},
		{"my-template", Override{Template: "my-template"}, ""},
		{
			"https://h/x.qcow2.xz?sha256=" + strings.ToUpper(sum),
			Override{Artifact: Artifact{URL: "https://h/x.qcow2.xz", SHA256: sum, Format: "qcow2.xz"}}, "",
		},
		{"file:///srv/x.qcow2", Override{Artifact: Artifact{URL: "file:///srv/x.qcow2", Format: "qcow2"}}, ""},
		{"https://h/x?sha256=12", Override{}, "not 64 hexadecimal"},
		{"ftp://h/x", Override{}, "scheme"},
	} {
		got, err := ParseOverride(c.in)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: got %+v %v, want %+v %s", c.in, got, err, c.want, c.err)
		}
	}
}

// qcow returns a QCOW2 header followed by random bytes, which do not compress.
func qcow(size int) []byte {
	data := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	copy(data, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(data[8:], 0)
	binary.BigEndian.PutUint64(data[24:], 5<<30)
	return data
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func xzed(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w, err := xz.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// server serves one file, breaks the connection after every `piece` bytes, and
// counts requests.
type server struct {
	*httptest.Server
	requests atomic.Int32
	ranges   atomic.Int32
}

func serve(t *testing.T, data []byte, piece int) *server {
	s := &server{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.Header.Get("Range") != "" {
			s.ranges.Add(1)
		}
		out := w
		if piece > 0 {
			out = &breaking{ResponseWriter: w, left: piece}
		}
		http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(s.Close)
	return s
}

// breaking aborts the response after left bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) > b.left {
		_, _ = b.ResponseWriter.Write(p[:b.left])
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	b.left -= len(p)
	return b.ResponseWriter.Write(p)
}

func (s *server) cache(t *testing.T) Cache {
	ca := pkitest.ServerCA(s.Server)
	client, err := Client(ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Cache{Dir: t.TempDir(), HTTP: client, Clock: instant{}}
}

// instant is a clock on which waiting takes no time.
type instant struct{}

func (instant) Now() time.Time { return time.Now() }
func (instant) After(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- time.Now()
	return c
}
func (instant) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func TestGet(t *testing.T) {
	plain := qcow(768 << 10)
	for _, c := range []struct {
		name, format string
		data         []byte
		piece        int
	}{
		{"plain", "qcow2", plain, 0},
		{"gzip", "qcow2.gz", gz(plain), 0},
		{"xz", "qcow2.xz", xzed(t, plain), 0},
		{"plain, connection breaks", "qcow2", plain, 200 << 10},
		{"gzip, connection breaks", "qcow2.gz", gz(plain), 200 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.data, c.piece)
			cache := s.cache(t)
			a := Artifact{URL: s.URL + "/a." + c.format, Format: c.format, SHA256: sum(c.data), UncompressedSHA256: sum(plain)}
			f, err := cache.Get(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(f.Path)
			if !bytes.Equal(got, plain) {
				t.Error("content differs")
			}
			want := File{
				Path: f.Path, SHA256: sum(plain), Size: int64(len(plain)), Virtual: 5 << 30, Format: "qcow2",
			}
			if f != want {
				t.Errorf("got %+v, want %+v", f, want)
			}
			if (c.piece > 0) != (s.ranges.Load() > 0) {
				t.Errorf("%d requests with a range", s.ranges.Load())
			}
			n := s.requests.Load()
			if again, err := cache.Get(t.Context(), a); err != nil || again != f || s.requests.Load() != n {
				t.Errorf("the second call should use the cache: %+v %v", again, err)
			}
			if err := os.Truncate(f.Path, 100); err != nil {
				t.Fatal(err)
			}
			if again, err := cache.Get(t.Context(), a); err != nil || again != f || s.requests.Load() == n {
				t.Errorf("a damaged file should be downloaded again: %+v %v", again, err)
			}
		})
	}
}

func TestGetResumesAfterAKill(t *testing.T) {
	plain := qcow(2 << 20)
	s := serve(t, plain, 0)
	cache := s.cache(t)
	a := Artifact{URL: s.URL + "/a.qcow2", SHA256: sum(plain)}
	part := filepath.Join(cache.Dir, cache.key(a)) + ".part"
	for _, left := range []int{1 << 20, len(plain)} {
		if err := os.WriteFile(part, plain[:left], 0o644); err != nil {
			t.Fatal(err)
		}
		before := s.ranges.Load()
		f, err := cache.Get(t.Context(), a)
		if err != nil || f.SHA256 != sum(plain) {
			t.Fatalf("with %d bytes left behind: %+v %v", left, f, err)
		}
		if s.ranges.Load() == before {
			t.Error("the download should resume where it stopped")
		}
		_ = os.Remove(f.Path)
	}
}

func TestGetFails(t *testing.T) {
	plain := qcow(1 << 20)
	s := serve(t, plain, 0)
	gone := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	broken := append([]byte(nil), plain...)
	broken[15] = 1 // a backing file
	sb := serve(t, broken, 0)
	stuck := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(stuck.Close)
	for _, c := range []struct {
		name  string
		cache Cache
		a     Artifact
		want  string
	}{
		{
			"wrong checksum", s.cache(t),
			Artifact{URL: s.URL + "/a.qcow2", SHA256: sum([]byte("x"))}, "the file was deleted",
		},
		{
			"wrong inner checksum", s.cache(t),
			Artifact{URL: s.URL + "/a.qcow2", UncompressedSHA256: sum([]byte("x"))}, "unpacked image is " + sum(plain),
		},
		{"not found", (&server{Server: gone}).cache(t), Artifact{URL: gone.URL + "/a.qcow2"}, "404"},
		{"untrusted", Cache{Dir: t.TempDir(), Clock: instant{}}, Artifact{URL: s.URL + "/a.qcow2"}, "additionalTrustBundle"},
		{"backing file", sb.cache(t), Artifact{URL: sb.URL + "/a.qcow2"}, "needs a backing file"},
		{"missing file", s.cache(t), Artifact{URL: "file:///no/such/file"}, "no such file"},
		{
			"stuck server",
			Cache{Dir: t.TempDir(), HTTP: stuck.Client(), Clock: instant{}, Stall: 50 * time.Millisecond, Tries: 2},
			Artifact{URL: stuck.URL + "/a"}, "gave up after 2 tries",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.cache.Get(t.Context(), c.a)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	// A bad download is not kept: the next run with the right checksum succeeds.
	cache := s.cache(t)
	_, _ = cache.Get(t.Context(), Artifact{URL: s.URL + "/a.qcow2", SHA256: sum([]byte("x"))})
	if _, err := cache.Get(t.Context(), Artifact{URL: s.URL + "/a.qcow2", SHA256: sum(plain)}); err != nil {
		t.Error(err)
	}
}

func TestCacheDir(t *testing.T) {
	env := func(kv map[string]string) func(string) string { return func(k string) string { return kv[k] } }
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": "/h"}, "/h/.cache/okd-install/image_cache"},
		{map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/okd-install/image_cache"},
		{map[string]string{"HOME": "/h", "OPENSHIFT_INSTALL_IMAGE_CACHE": "/o"}, "/o"},
		{map[string]string{"OKD_INSTALL_IMAGE_CACHE": "/k", "OPENSHIFT_INSTALL_IMAGE_CACHE": "/o"}, "/k"},
	} {
		if got := CacheDir(env(c.env)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.env, got, c.want)
		}
	}
}

func FuzzQCOW2(f *testing.F) {
	f.Add(qcow(64))
	f.Add([]byte("QFI\xfb"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		size, ok, err := qcow2Size(bytes.NewReader(data))
		if ok && err == nil && size <= 0 {
			t.Errorf("size %d", size)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add(gz([]byte("hello")), true)
	f.Add([]byte("hello"), false)
	f.Fuzz(func(_ *testing.T, data []byte, zip bool) {
		packed := "xz"
		if zip {
			packed = "gz"
		}
		_ = unpack(io.Discard, io.LimitReader(bytes.NewReader(data), 1<<16), packed)
	})
}
