package cli

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// guarded is a registry that requires a login.
type guarded struct{ inner http.Handler }

func newRegistry() (*guarded, error) {
	return &guarded{registry.New(registry.Logger(log.New(io.Discard, "", 0)))}, nil
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, password, ok := r.BasicAuth(); !ok || password != registryPassword {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.inner.ServeHTTP(w, r)
}

// RoundTrip reaches the registry without a login.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if r.Body == nil { // the body of a server's request is never nil
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	g.inner.ServeHTTP(rec, r)
	answer := rec.Result()
	answer.Request = r
	return answer, nil
}

// pushRelease stores a tagged release image with the given files and returns its
// pull spec.
func (g *guarded) pushRelease(repo, tag string, files map[string]string) (string, error) {
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for path, content := range files {
		header := &tar.Header{Name: path, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			return "", err
		}
		if _, err := io.WriteString(w, content); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	})
	if err != nil {
		return "", err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	ref, err := name.NewDigest(repo + "@" + digest.String())
	if err != nil {
		return "", err
	}
	tagged, err := name.NewTag(repo + ":" + tag)
	if err != nil {
		return "", err
	}
	return ref.String(), remote.Write(tagged, image, remote.WithTransport(g))
}

// releaseFiles returns the minimum of files that a release image must have.
func releaseFiles(version, imageURL, sha256 string) map[string]string {
	stream := fmt.Sprintf(`{"stream":"c9s","metadata":{"last-modified":"2026-01-01T00:00:00Z"},
"architectures":{"x86_64":{"artifacts":
{"openstack":{"release":"1","formats":{"qcow2":{"disk":{"location":%q,"sha256":%q}}}}}}}}`, imageURL, sha256)
	return map[string]string{
		"release-manifests/release-metadata": `{"kind":"cincinnati-metadata-v0","version":"` + version + `"}`,
		"release-manifests/image-references": `{"kind":"ImageStream","apiVersion":"image.openshift.io/v1",
"metadata":{"name":"` + version + `"},"spec":{"tags":[
{"name":"hyperkube","annotations":{"io.openshift.build.versions":"kubernetes=1.34.3"},
"from":{"kind":"DockerImage","name":"registry.test/okd/content@sha256:22"}}]}}`,
		"release-manifests/0000_50_coreos-bootimages.yaml": "apiVersion: v1\nkind: ConfigMap\n" +
			"metadata:\n  name: coreos-bootimages\n  namespace: openshift-machine-config-operator\n" +
			"data:\n  releaseVersion: " + version + "\n  stream: |\n    " + strings.ReplaceAll(stream, "\n", "\n    ") + "\n",
	}
}
