package assets_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

const goldenDir = "testdata/golden"

// removedFile lists what a variant lacks of the regular layout.
const removedFile = "removed.txt"

// opaque matches key material, which is of no use to a reviewer.
var opaque = regexp.MustCompile(`[A-Za-z0-9+/]{400,}=*|-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----`)

func readable(files asset.Files) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		out[f.Path] = opaque.ReplaceAllString(string(f.Data), "(key material)")
	}
	return out
}

// TestGolden compares every manifest of every case with the one that a reviewer
// accepted.
func TestGolden(t *testing.T) {
	if golden.Updating() {
		if err := os.RemoveAll(goldenDir); err != nil {
			t.Fatal(err)
		}
	}
	base := map[string]map[string]string{}
	for _, c := range allCases() {
		_, files := c.render(t)
		got := readable(files)
		switch {
		case c.layout == regular:
			base[c.platform] = got
		case !slices.Contains(layouts, c.layout):
			got = difference(base[c.platform], got)
		}
		dir := filepath.Join(goldenDir, c.platform, c.layout)
		if golden.Updating() {
			writeTree(t, dir, got)
		}
		want := map[string]string{}
		for name, data := range tree(t, dir) {
			want[name] = string(data)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: run go test -update and review (-want +got):\n%s", c, d)
		}
	}
}

func difference(base, got map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range got {
		if base[name] != text {
			out[name] = text
		}
	}
	var removed []string
	for name := range base {
		if _, kept := got[name]; !kept {
			removed = append(removed, name+"\n")
		}
	}
	if len(removed) > 0 {
		slices.Sort(removed)
		out[removedFile] = strings.Join(removed, "")
	}
	return out
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
