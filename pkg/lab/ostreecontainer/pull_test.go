package ostreecontainer

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func layerOf(t *testing.T, files map[string]string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for path, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	l, err := tarball.LayerFromOpener(content)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// push serves an image of these layers and returns its pull spec.
func push(t *testing.T, layers ...v1.Layer) string {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/okd/content:node")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return tag.Context().Digest(digest.String()).String()
}

func ostree(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ostree", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ostree %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func newRepo(t *testing.T) string {
	t.Helper()
	repo := filepath.Join(t.TempDir(), "repo")
	// Commits of a user's repository need no root to be checked out.
	ostree(t, "init", "--repo="+repo, "--mode=bare-user-only")
	return repo
}

func TestPull(t *testing.T) {
	repo := newRepo(t)
	spec := push(t,
		layerOf(t, map[string]string{"usr/bin/kubelet": "old", "usr/bin/bash": "bash"}),
		layerOf(t, map[string]string{"usr/bin/kubelet": "new", "etc/crio/crio.conf": "settings", "etcetera": "stays"}))
	args := []string{"container", "image", "pull", "--authfile", "", repo, unverified + spec}
	for range 2 { // the second has nothing to do
		if err := Run(t.Context(), args); err != nil {
			t.Fatal(err)
		}
	}
	ref := strings.TrimSpace(ostree(t, "refs", "--repo="+repo, "--list", "ostree/container/image"))
	_, digest, _ := strings.Cut(spec, "@sha256:")
	if !strings.Contains(ref, digest) || strings.Contains(ref, "\n") {
		t.Errorf("refs %q, want one with %s", ref, digest)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	ostree(t, "checkout", "--repo="+repo, "--user-mode", ref, tree)
	for path, want := range map[string]string{
		"usr/bin/kubelet": "new", "usr/bin/bash": "bash", "usr/etc/crio/crio.conf": "settings",
	} {
		if got, err := os.ReadFile(filepath.Join(tree, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
}

func TestPullRefuses(t *testing.T) {
	repo := newRepo(t)
	good := push(t, layerOf(t, map[string]string{"usr/bin/x": ""}))
	removes := push(t,
		layerOf(t, map[string]string{"usr/bin/kubelet": "old"}), layerOf(t, map[string]string{"usr/bin/.wh.kubelet": ""}))
	pull := func(more ...string) []string { return append([]string{"container", "image", "pull"}, more...) }
	bad := filepath.Join(t.TempDir(), "auth.json")
	if err := os.WriteFile(bad, []byte(`{"auths":"hunter2`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"another subcommand", []string{"container", "unencapsulate"}, "usage"},
		{"another transport", pull(repo, "ostree-unverified-image:oci:/x"), "usage"},
		{"a layer that removes", pull(repo, unverified+removes), "removes /usr/bin/.wh.kubelet"},
		{"no such image", pull(repo, unverified+removes[:len(removes)-4]+"0000"), "pull OS image"},
		{"logins of another kind", pull("--authfile", bad, repo, unverified+removes), "not as podman writes them"},
		{"no repository", pull("/nowhere", unverified+good), "ostree commit"},
	} {
		err := Run(t.Context(), tt.args)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if refs := ostree(t, "refs", "--repo="+repo, "--list", "ostree/container/image"); refs != "" {
		t.Errorf("refs of images that were refused: %s", refs)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"docker://registry.test:5000/okd/content@sha256:0aF": "" +
			"docker_3A_/_2F_registry_2E_test_3A_5000/okd/content_40_sha256_3A_0aF",
		"a_b-c": "a__b-c",
		"/a":    "_2F_a",
	} {
		if got := escape(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
