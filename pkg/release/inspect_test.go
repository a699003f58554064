package release_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/secret"
)

const (
	user     = "okd"
	password = "correct-horse"
)

const references = `{"kind":"ImageStream","apiVersion":"image.openshift.io/v1","metadata":{"name":"4.20.0-okd-lab.1"},
 "spec":{"tags":[
  {"name":"etcd","from":{"kind":"DockerImage","name":"registry.test/okd/content@sha256:11"}},
  {"name":"hyperkube","annotations":{"io.openshift.build.versions":"crio=1.33.0,kubernetes=1.34.3"},
   "from":{"kind":"DockerImage","name":"registry.test/okd/content@sha256:22"}}]}}`

const metadata = `{"kind":"cincinnati-metadata-v0","version":"4.20.0-okd-lab.1","previous":[],"next":[]}`

const bootImages = `apiVersion: v1
kind: ConfigMap
metadata:
  name: coreos-bootimages
  namespace: openshift-machine-config-operator
data:
  releaseVersion: 4.20.0-okd-lab.1
  stream: |
    {"stream":"c9s","metadata":{"last-modified":"2026-11-21T00:00:00Z"},
     "architectures":{"x86_64":{"artifacts":{"openstack":{"release":"1","formats":{"qcow2":{"disk":
      {"location":"https://images.test/os.qcow2","sha256":"ab"}}}}}}}}
`

const featureGates = `{"kind":"FeatureGate","metadata":{"name":"cluster",
 "annotations":{"include.release.openshift.io/self-managed-high-availability":"false-except-for-the-config-operator"}},
 "spec":{},"status":{"featureGates":[{"enabled":[{"name":"HighlyAvailableArbiter"}]}]}}`

type fixture struct {
	server *httptest.Server
	roots  []byte
	image  v1.Image
	repo   string
	digest string
}

// serve starts a TLS registry with a login and pushes a release made of files.
func serve(t *testing.T, files map[string]string) *fixture {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	f := &fixture{}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	f.roots = pkitest.ServerCA(f.server)
	f.repo = strings.TrimPrefix(f.server.URL, "https://") + "/okd/release"

	base := layer(t, map[string]string{
		"usr/bin/cluster-version-operator":   "program",
		"release-manifests/image-references": "not in the last layer",
	})
	image, err := mutate.AppendLayers(empty.Image, base, layer(t, files))
	if err != nil {
		t.Fatal(err)
	}
	f.image = image
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	f.digest = digest.String()
	tag, err := name.NewTag(f.repo + ":4.20")
	if err != nil {
		t.Fatal(err)
	}
	err = remote.Write(tag, image, remote.WithTransport(f.server.Client().Transport),
		remote.WithAuth(basic{}))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func layer(t testing.TB, files map[string]string) v1.Layer {
	t.Helper()
	raw := archive(t, files)
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for path, content := range files {
		header := &tar.Header{Name: path, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pullSecret(registry string) secret.String {
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	raw, _ := json.Marshal(map[string]any{"auths": map[string]any{registry: map[string]string{"auth": auth}}})
	return secret.New(string(raw))
}

func good() map[string]string {
	const gates = "release-manifests/0000_50_cluster-config-api_featureGate-SelfManagedHA-Default.yaml"
	return map[string]string{
		"release-manifests/image-references":           references,
		"release-manifests/release-metadata":           metadata,
		"release-manifests/0000_50_installer_cm.yaml":  bootImages,
		"release-manifests/0000_50_other_config.yaml":  "kind: ConfigMap # not coreos-bootimages",
		"release-manifests/0000_00_cvo_namespace.yaml": "kind: Namespace",
		gates: featureGates,
	}
}

func (f *fixture) options() release.Options {
	return release.Options{PullSecret: pullSecret(strings.Split(f.repo, "/")[0]), TrustBundle: f.roots}
}

func TestInspectReadsTheRelease(t *testing.T) {
	f := serve(t, good())
	for _, spec := range []string{f.repo + ":4.20", f.repo + "@" + f.digest} {
		r, err := release.Inspect(t.Context(), spec, f.options())
		if err != nil {
			t.Fatal(err)
		}
		if r.Version != "4.20.0-okd-lab.1" || r.Kubernetes != "1.34.3" {
			t.Errorf("version %q, Kubernetes %q", r.Version, r.Kubernetes)
		}
		if r.PullSpec != f.repo+"@"+f.digest || r.Digest != f.digest {
			t.Errorf("pull spec %q, digest %q", r.PullSpec, r.Digest)
		}
		if spec, ok := r.Image("etcd"); !ok || spec != "registry.test/okd/content@sha256:11" {
			t.Errorf("etcd is %q, %v", spec, ok)
		}
		if _, ok := r.Image("cluster-autoscaler"); ok {
			t.Error("found a component that is not there")
		}
		if !r.Gates("self-managed-high-availability", "")["HighlyAvailableArbiter"] {
			t.Error("no feature gates")
		}
		if r.Stream == nil {
			t.Fatal("no stream")
		}
		openstack := r.Stream.Architectures["x86_64"].Artifacts["openstack"]
		if openstack.Formats["qcow2"].Disk.Sha256 != "ab" {
			t.Errorf("stream %+v", r.Stream)
		}
	}
}

func TestInspectFromMirror(t *testing.T) {
	f := serve(t, good())
	opts := f.options()
	opts.Mirrors = []release.Mirror{
		{
			Source: "registry.test/okd", Mirrors: []string{"127.0.0.1:1/okd", strings.TrimSuffix(f.repo, "/release")},
			Only: true,
		},
		{Source: "registry.test/ok", Mirrors: []string{"127.0.0.1:2/wrong"}},
	}
	r, err := release.Inspect(t.Context(), "registry.test/okd/release@"+f.digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := "registry.test/okd/release@" + f.digest; r.PullSpec != want {
		t.Errorf("pull spec %q, want %q", r.PullSpec, want)
	}
}

func TestInspectSaysWhy(t *testing.T) {
	f := serve(t, good())
	noPayload := serve(t, map[string]string{"etc/os-release": "ID=centos"})
	disagree := good()
	disagree["release-manifests/release-metadata"] = `{"version":"4.21.0"}`
	twoVersions := serve(t, disagree)
	tests := []struct {
		name   string
		spec   string
		opts   func() release.Options
		kind   release.Kind
		saying string
	}{
		{"a wrong password", f.repo + ":4.20", func() release.Options {
			o := f.options()
			o.PullSecret = secret.New(strings.Replace(o.PullSecret.Reveal(), "auth\":\"", "auth\":\"YTpi", 1))
			return o
		}, release.Unauthorized, "in pullSecret"},
		{"no login", f.repo + ":4.20", func() release.Options {
			o := f.options()
			o.PullSecret = secret.New("")
			return o
		}, release.Unauthorized, "in pullSecret"},
		{"an unknown authority", f.repo + ":4.20", func() release.Options {
			o := f.options()
			o.TrustBundle = nil
			return o
		}, release.UnknownCA, "additionalTrustBundle"},
		{"an unknown tag", f.repo + ":4.99", f.options, release.NotFound, "does not have it"},
		{
			"an unknown digest", f.repo + "@sha256:" + strings.Repeat("0", 64), f.options,
			release.NotFound, "does not have it",
		},
		{"a port without server", "127.0.0.1:1/okd/release:4.20", f.options, release.Unreachable, "refused"},
		{"a name without address", "registry.invalid/okd/release:4.20", f.options, release.Unreachable, "registry.invalid"},
		{"no pull spec", "Registry/UPPER CASE", f.options, release.Invalid, "could not parse"},
		{"another image", noPayload.repo + ":4.20", noPayload.options, release.Invalid, "no image-references"},
		{"versions that disagree", twoVersions.repo + ":4.20", twoVersions.options, release.Invalid, "says version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := release.Inspect(t.Context(), tt.spec, tt.opts())
			var typed *release.Error
			if !errors.As(err, &typed) {
				t.Fatalf("error %v is not a *release.Error", err)
			}
			if said := err.Error() + "; " + typed.Next(); typed.Kind != tt.kind || !strings.Contains(said, tt.saying) {
				t.Errorf("kind %q, want %q; error:\n%s\nshould say %q", typed.Kind, tt.kind, said, tt.saying)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), password) {
				t.Error("the error shows the password")
			}
		})
	}
}

func TestInspectIsBounded(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer server.Close()
	defer close(stop)
	roots := pkitest.ServerCA(server)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	_, err := release.Inspect(ctx, strings.TrimPrefix(server.URL, "https://")+"/okd/release:1",
		release.Options{TrustBundle: roots, Timeout: 300 * time.Millisecond})
	var typed *release.Error
	if !errors.As(err, &typed) || typed.Kind != release.Unreachable ||
		!strings.Contains(err.Error(), "no answer for 300ms") {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
