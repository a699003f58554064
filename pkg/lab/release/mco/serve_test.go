package mco

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

func machineConfig(t *testing.T, path string) *mcfgv1.MachineConfig {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := new(mcfgv1.MachineConfig)
	if err := yaml.Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestBootstrapServer asks over TLS as Ignition, curl and older clients do.
func TestBootstrapServer(t *testing.T) {
	dir, _ := bootstrapDir(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	write(t, kubeconfig, []byte("kind: Config\n"))
	src := bootstrapSource{dir: dir, kubeconfig: kubeconfig}
	srv := httptest.NewTLSServer(handler(src.serve, slog.New(slog.DiscardHandler)))
	defer srv.Close()

	const m = "application/vnd.coreos.ignition+json;version="
	for _, c := range []struct {
		method, path, accept string
		status               int
		spec                 string
	}{
		{"GET", "/config/master", m + "3.4.0, */*;q=0.1", 200, "3.4.0"},
		{"GET", "/config/master", m + "3.5.0", 200, "3.5.0"},
		{"GET", "/config/master", m + "3.3.0", 200, "3.3.0"},
		{"GET", "/config/master", m + "3.2.0", 200, "3.2.0"},
		{"GET", "/config/master", m + "3.1.0", 200, "3.1.0"},
		{"GET", "/config/master", m + "2.2.0", 200, "2.2.0"},
		{"GET", "/config/master", "", 200, "2.2.0"},
		{"GET", "/config/master", "*/*", 200, "2.2.0"},
		{"GET", "/config/master", m + "3.6.0-experimental", 400, ""},
		{"HEAD", "/config/master", m + "3.2.0", 200, ""},
		{"POST", "/config/master", m + "3.2.0", 405, ""},
		{"GET", "/config/worker", m + "3.2.0", 500, ""},
		{"GET", "/config/arbiter", m + "3.2.0", 404, ""},
		{"GET", "/config/../controller-config/machine-config-controller", m + "3.2.0", 404, ""},
		{"GET", "/config/", m + "3.2.0", 404, ""},
		{"GET", "/healthz", "", 200, ""},
		{"HEAD", "/healthz", "", 200, ""},
		{"PUT", "/healthz", "", 405, ""},
		{"GET", "/", "", 404, ""},
	} {
		t.Run(c.method+" "+c.path+" "+c.accept, func(t *testing.T) {
			req, err := http.NewRequest(c.method, srv.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.accept != "" {
				req.Header.Set("Accept", c.accept)
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.status)
			}
			if c.method == "HEAD" && c.path == "/config/master" {
				if n, _ := strconv.Atoi(resp.Header.Get("Content-Length")); n < 1000 || len(body) != 0 {
					t.Errorf("Content-Length %d, body %d bytes; want the length only", n, len(body))
				}
			}
			if c.spec == "" {
				return
			}
			var head struct{ Ignition struct{ Version string } }
			if err := json.Unmarshal(body, &head); err != nil || head.Ignition.Version != c.spec {
				t.Fatalf("spec %q, %v; want %s", head.Ignition.Version, err, c.spec)
			}
		})
	}
}

// TestServedFiles looks at what the server adds.
func TestServedFiles(t *testing.T) {
	dir, _ := bootstrapDir(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	write(t, kubeconfig, []byte("kind: Config\n"))
	s, err := bootstrapSource{dir: dir, kubeconfig: kubeconfig}.serve(t.Context(), "master")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := s.complete()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]int{}
	for _, f := range cfg.Storage.Files {
		modes[f.Path] = *f.Mode
	}
	for path, mode := range map[string]int{
		"/etc/kubernetes/kubeconfig":                           0o600,
		"/etc/kubernetes/kubelet-ca.crt":                       0o644,
		"/etc/machine-config-daemon/node-annotations.json":     0o644,
		"/etc/ignition-machine-config-encapsulated.json":       0o600,
		"/var/lib/kubelet/config.json":                         0o600,
		"/etc/kubernetes/kubelet.conf":                         0o644,
		"/etc/kubernetes/manifests/haproxy.yaml":               0o644,
		"/etc/NetworkManager/dispatcher.d/30-resolv-prepender": 0o755,
	} {
		if got, ok := modes[path]; !ok || got != mode {
			t.Errorf("%s: mode %o (present: %v), want %o", path, got, ok, mode)
		}
	}
	if raw, err := ignition.Compact(cfg); err != nil {
		t.Error(err)
	} else if _, err := ign.Parse(raw); err != nil {
		t.Error(err)
	}
}
