package daemon

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/site"
)

func TestImageServer(t *testing.T) {
	dir := t.TempDir()
	image := site.ImageFacts{Dir: filepath.Join(dir, "osimage/k1"), Live: filepath.Join(dir, "liveiso/k2")}
	for _, name := range []string{"osimage/k1/disk.qcow2", "liveiso/k2/live.iso"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := imageServer(image)
	for path, want := range map[string]string{
		"/k1/disk.qcow2": "osimage/k1/disk.qcow2", "/live/k2/live.iso": "liveiso/k2/live.iso",
		"/k2/live.iso": "", "/live/k1/disk.qcow2": "",
	} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if got := w.Body.String(); (w.Code == http.StatusOK) != (want != "") || want != "" && got != want {
			t.Errorf("GET %s is %d %q, want %q", path, w.Code, got, want)
		}
	}
}
