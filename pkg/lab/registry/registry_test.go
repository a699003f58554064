package registry_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/okd-install/okd-install/pkg/lab/registry"
	"github.com/okd-install/okd-install/pkg/secret"
)

var login = &authn.Basic{Username: "lab", Password: "open-sesame"}

// serve starts a registry over a layout with one image, tagged okd/release:v1.
func serve(t *testing.T) (host string, inLayout v1.Image) {
	t.Helper()
	g, img := open(t)
	return start(t, g), img
}

func start(t *testing.T, g *registry.Registry) (host string) {
	t.Helper()
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestTagged(t *testing.T) {
	g, img := open(t)
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if have := g.Tagged("okd/release"); len(have) != 1 || have["v1"] != want.String() {
		t.Errorf("tagged: %v, want v1 as %s", have, want)
	}
	if have := g.Tagged("okd"); len(have) != 0 {
		t.Errorf("tagged in another repository: %v", have)
	}
}

func open(t *testing.T) (*registry.Registry, v1.Image) {
	t.Helper()
	img, err := random.Image(1024, 2)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	names := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "okd/release:v1"})
	if err := l.AppendImage(img, names); err != nil {
		t.Fatal(err)
	}
	g, err := registry.New(t.TempDir(), registry.Login{User: login.Username, Password: secret.New(login.Password)}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return g, img
}

func parse(t *testing.T, ref string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPullFromLayout(t *testing.T) {
	host, img := serve(t)
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	// By tag, by digest, and by digest from another repository.
	byDigest := "@" + digest.String()
	for _, ref := range []string{"/okd/release:v1", "/okd/release" + byDigest, "/okd/content" + byDigest} {
		got, err := remote.Image(parse(t, host+ref), remote.WithAuth(login))
		if err != nil {
			t.Errorf("pull %s: %v", ref, err)
			continue
		}
		if err := validate.Image(got); err != nil {
			t.Errorf("pull %s: %v", ref, err)
		}
	}
	_, err = remote.Image(parse(t, host+"/okd/release:v2"), remote.WithAuth(login))
	if status(err) != http.StatusNotFound {
		t.Errorf("pull of an unknown tag: %v", err)
	}
}

func TestLoginIsNeeded(t *testing.T) {
	host, _ := serve(t)
	for name, auth := range map[string]authn.Authenticator{
		"none":  authn.Anonymous,
		"wrong": &authn.Basic{Username: "lab", Password: "open-says-me"},
	} {
		_, err := remote.Image(parse(t, host+"/okd/release:v1"), remote.WithAuth(auth))
		if status(err) != http.StatusUnauthorized {
			t.Errorf("pull with %s login: %v", name, err)
		}
	}
}

func status(err error) int {
	var e *transport.Error
	if errors.As(err, &e) {
		return e.StatusCode
	}
	return 0
}

func TestPushThenPull(t *testing.T) {
	host, inLayout := serve(t)
	img, err := random.Image(4096, 3)
	if err != nil {
		t.Fatal(err)
	}
	ref := parse(t, host+"/mirror/some/image:v2")
	for _, image := range []v1.Image{img, inLayout} {
		if err := remote.Write(ref, image, remote.WithAuth(login)); err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(ref, remote.WithAuth(login))
		if err != nil {
			t.Fatal(err)
		}
		want, _ := image.Digest()
		if have, _ := got.Digest(); have != want {
			t.Errorf("pulled %s, pushed %s", have, want)
		}
		if err := validate.Image(got); err != nil {
			t.Error(err)
		}
	}
	tags, err := remote.List(ref.Context(), remote.WithAuth(login))
	if err != nil || len(tags) != 1 || tags[0] != "v2" {
		t.Errorf("tags are %v, %v", tags, err)
	}
}

func TestPushedImagesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	reopen := func() string {
		g, err := registry.New(dir, registry.Login{User: login.Username, Password: secret.New(login.Password)})
		if err != nil {
			t.Fatal(err)
		}
		return start(t, g)
	}
	img, err := random.Image(1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parse(t, reopen()+"/some/image:v1"), img, remote.WithAuth(login)); err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(parse(t, reopen()+"/some/image:v1"), remote.WithAuth(login))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
}

// A pull that broke off asks for the rest of a blob only.
func TestServesTheRestOfABlob(t *testing.T) {
	host, img := serve(t)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := layers[0].Size()
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + host + "/v2/okd/release/blobs/" + digest.String()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(login.Username, login.Password)
	req.Header.Set("Range", "bytes=100-")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	rest, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusPartialContent || int64(len(rest)) != size-100 {
		t.Errorf("status %d, %d bytes of %d, %v", resp.StatusCode, len(rest), size, err)
	}
}

func TestRefusesWrongDigest(t *testing.T) {
	host, _ := serve(t)
	send := func(method, path, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(login.Username, login.Password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	other := "sha256:" + strings.Repeat("0", 64)
	tests := []struct {
		name, method, path, body string
		want                     int
	}{
		{"blob", http.MethodPost, "/v2/a/blobs/uploads/?digest=" + other, "content", http.StatusBadRequest},
		{"manifest", http.MethodPut, "/v2/a/manifests/" + other, "{}", http.StatusBadRequest},
		{"not JSON", http.MethodPut, "/v2/a/manifests/v1", "text", http.StatusBadRequest},
		{"path in a tag", http.MethodPut, "/v2/a/manifests/..%2f..%2fx", "{}", http.StatusNotFound},
		{"unknown upload", http.MethodPatch, "/v2/a/blobs/uploads/..", "x", http.StatusNotFound},
	}
	for _, tt := range tests {
		if got := send(tt.method, tt.path, tt.body); got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestOutside pulls what stands for another registry's by that registry's name.
func TestOutside(t *testing.T) {
	g, img := open(t)
	lab := start(t, g)
	if err := remote.Write(parse(t, lab+"/quay.io/org/app:v1"), img, remote.WithAuth(login)); err != nil {
		t.Fatal(err)
	}
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	public := serve(g.Outside("quay.io", true))
	got, err := remote.Image(parse(t, public+"/org/app:v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	// The release is the lab's own.
	if _, err := remote.Image(parse(t, public+"/okd/release:v1")); status(err) != http.StatusNotFound {
		t.Errorf("a repository of the lab: %v", err)
	}
	if err := remote.Write(parse(t, public+"/org/app:v2"), img); status(err) != http.StatusMethodNotAllowed {
		t.Errorf("a push: %v", err)
	}
	private := serve(g.Outside("quay.io", false))
	if _, err := remote.Image(parse(t, private+"/org/app:v1")); status(err) != http.StatusUnauthorized {
		t.Errorf("without a login: %v", err)
	}
}
