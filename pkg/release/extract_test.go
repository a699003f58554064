package release_test

import (
	"bytes"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/release"
)

// liveISO does not compress, so that a layer has as many bytes.
var liveISO = func() string {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 4<<20)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return string(data)
}()

const livePath = "coreos/coreos-x86_64.iso"

// imageServer is a registry whose answers may be changed on their way.
type imageServer struct {
	*httptest.Server
	between func(w http.ResponseWriter, r *http.Request, next http.Handler)
	image   string // pull spec
}

func serveImage(t *testing.T, layers ...v1.Layer) *imageServer {
	t.Helper()
	s := &imageServer{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.between != nil {
			s.between(w, r, inner)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(strings.TrimPrefix(s.URL, "https://") + "/okd/content:live")
	if err == nil {
		err = remote.Write(tag, image, remote.WithTransport(s.Client().Transport))
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	s.image = tag.Context().Name() + "@" + digest.String()
	return s
}

// extract returns what is written, and how often it began.
func (s *imageServer) extract(t *testing.T, path string) (got []byte, starts int, err error) {
	t.Helper()
	var out bytes.Buffer
	err = release.Extract(t.Context(), release.Extraction{
		Image: s.image, Path: path, Write: &out, Restart: func() error {
			starts++
			out.Reset()
			return nil
		},
	}, release.Options{TrustBundle: pkitest.ServerCA(s.Server)})
	return out.Bytes(), starts, err
}

func TestExtract(t *testing.T) {
	s := serveImage(t, layer(t, map[string]string{livePath: "old", "etc/os-release": "x"}),
		layer(t, map[string]string{"./" + livePath: liveISO}), layer(t, map[string]string{"last": "y"}))
	got, starts, err := s.extract(t, livePath)
	if err != nil || string(got) != liveISO || starts != 1 {
		t.Errorf("%d bytes, %d starts, %v", len(got), starts, err)
	}
	if _, _, err := s.extract(t, "coreos/coreos-aarch64.iso"); err == nil ||
		!strings.Contains(err.Error(), "the image has no file coreos/coreos-aarch64.iso") {
		t.Errorf("error %v", err)
	}
	s.image = "registry.test/content:tag"
	if _, _, err := s.extract(t, livePath); err == nil {
		t.Error("an image without digest was read")
	}
}

// cut breaks the connection in the middle of each blob.
func cut(w http.ResponseWriter, r *http.Request, next http.Handler, resumes bool) {
	if !strings.Contains(r.URL.Path, "/blobs/") || r.Method != http.MethodGet {
		next.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	whole := r.Clone(r.Context())
	whole.Header.Del("Range")
	next.ServeHTTP(rec, whole)
	body := rec.Body.Bytes()
	at := 0
	if text, is := strings.CutPrefix(r.Header.Get("Range"), "bytes="); is && resumes {
		at, _ = strconv.Atoi(strings.TrimSuffix(text, "-"))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)-at))
	if at > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	half := (len(body) - at + 1) / 2
	if len(body)-at < 1<<16 {
		half = len(body) - at
	}
	_, _ = w.Write(body[at : at+half])
	_ = http.NewResponseController(w).Flush()
	if half < len(body)-at {
		panic(http.ErrAbortHandler)
	}
}

func TestExtractResumes(t *testing.T) {
	s := serveImage(t, layer(t, map[string]string{livePath: liveISO}))
	s.between = func(w http.ResponseWriter, r *http.Request, next http.Handler) { cut(w, r, next, true) }
	got, starts, err := s.extract(t, livePath)
	if err != nil || string(got) != liveISO || starts != 1 {
		t.Errorf("%d bytes, %d starts, %v", len(got), starts, err)
	}
	s.between = func(w http.ResponseWriter, r *http.Request, next http.Handler) { cut(w, r, next, false) }
	if _, _, err := s.extract(t, livePath); err == nil || !strings.Contains(err.Error(), "cannot resume") {
		t.Errorf("error %v", err)
	}
}

// A registry that sends something else is found out.
func TestExtractChecksTheDigest(t *testing.T) {
	s := serveImage(t, layer(t, map[string]string{livePath: liveISO}))
	var swapped atomic.Bool
	s.between = func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if len(body) > 1<<20 { // the layer, not the image's configuration
			body[len(body)-20] ^= 1
			swapped.Store(true)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
	if _, _, err := s.extract(t, livePath); err == nil || !swapped.Load() {
		t.Errorf("error %v, changed %t", err, swapped.Load())
	}
}
