package metal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
)

// insert puts somebody's medium into a host.
func insert(t *testing.T, h *bmctest.Host, url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "other.iso")
	if err := os.WriteFile(file, bmctest.ISO("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Insert(t.Context(), url, file); err != nil {
		t.Fatal(err)
	}
}
