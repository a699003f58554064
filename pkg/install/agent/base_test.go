package agent

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/types"
)

// site is a registry, and a directory for the cache.
type site struct {
	t      *testing.T
	server *httptest.Server
	cache  string
	named  string // live ISO that the environment names
}

func newSite(t *testing.T) *site {
	s := &site{t: t, cache: t.TempDir()}
	s.server = httptest.NewUnstartedServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// push stores an image with files, and returns its pull spec by digest.
func (s *site) push(repository string, files map[string]string) string {
	s.t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for path, content := range files {
		err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		s.t.Fatal(err)
	}
	tag, err := name.NewTag(strings.TrimPrefix(s.server.URL, "https://") + "/" + repository + ":x")
	if err == nil {
		err = remote.Write(tag, image, remote.WithTransport(s.server.Client().Transport))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		s.t.Fatal(err)
	}
	return tag.Context().Name() + "@" + digest.String()
}

// release stores a release with a component.
func (s *site) release(component, image string) string {
	return s.push("okd/release", map[string]string{
		"release-manifests/release-metadata": `{"kind":"cincinnati-metadata-v0","version":"5.0.0"}`,
		"release-manifests/image-references": fmt.Sprintf(`{"kind":"ImageStream","metadata":{"name":"5.0.0"},"spec":{"tags":[
			{"name":%q,"from":{"kind":"DockerImage","name":%q}}]}}`, component, image),
	})
}

func (s *site) find(release string) (string, error) {
	config := &types.InstallConfig{
		ControlPlane:          &types.MachinePool{Architecture: "amd64"},
		AdditionalTrustBundle: string(pkitest.ServerCA(s.server)),
	}
	env := &install.Env{Clock: clock.Real(), Sink: event.Discard, Getenv: func(key string) string {
		return map[string]string{"OKD_INSTALL_IMAGE_CACHE": s.cache, install.EnvOSImage: s.named}[key]
	}}
	image := assets.AgentImage{Config: config, ReleaseImage: release}
	return base{Env: env, sink: env.Sink, image: image}.find(s.t.Context())
}

// The live ISO of a release is a file of one of its components, and is kept.
func TestLiveISOOfRelease(t *testing.T) {
	s := newSite(t)
	image := s.push("okd/content", map[string]string{"coreos/coreos-x86_64.iso": "live"})
	release := s.release(liveImages, image)
	path, err := s.find(release)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); string(data) != "live" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	again, err := s.find(release)
	if err != nil || again != path {
		t.Errorf("the second time: %s, %v", again, err)
	}
}

// An error names all that was tried.
func TestNoLiveISO(t *testing.T) {
	s := newSite(t)
	other := s.push("okd/content", map[string]string{"coreos/coreos-aarch64.iso": "live"})
	for _, tt := range []struct{ component, says string }{
		{liveImages, "the image has no file coreos/coreos-x86_64.iso"},
		{"etcd", "component machine-os-images: the release has none"},
	} {
		_, err := s.find(s.release(tt.component, other))
		if err == nil || !strings.Contains(err.Error(), tt.says) ||
			!strings.Contains(err.Error(), "CoreOS stream: the release has none") {
			t.Errorf("%s: error %v", tt.component, err)
		}
		if !strings.Contains(exit.Next(err), install.EnvOSImage) {
			t.Errorf("next step %q", exit.Next(err))
		}
	}
	s.named = "/none/live.iso"
	if _, err := s.find("x"); err == nil || !strings.Contains(err.Error(), "/none/live.iso") {
		t.Errorf("error %v", err)
	}
	s.named = "ftp://h/live.iso"
	if _, err := s.find("x"); err == nil || !strings.Contains(err.Error(), "scheme") {
		t.Errorf("error %v", err)
	}
}
