package install

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

func TestHostFIPS(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]types.FIPSMode{"1\n": types.FIPSOn, "0\n": types.FIPSOff} {
		file := filepath.Join(dir, "fips_enabled")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := hostFIPS(file); got != want {
			t.Errorf("%q means %q, want %q", content, got, want)
		}
	}
	if got := hostFIPS(filepath.Join(dir, "missing")); got != types.FIPSOff {
		t.Errorf("a kernel without the file means %q", got)
	}
	if got := hostFIPS(dir); got != types.FIPSUnknown {
		t.Errorf("an unreadable file means %q", got)
	}
}
