package diagnose

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/secret"
)

// bundleAt writes a log bundle with one failed stage, whose message has a secret.
func bundleAt(t *testing.T, path string) {
	t.Helper()
	const records = `[{"timestamp":"2026-11-21T09:00:00Z","phase":"service start"},` +
		`{"timestamp":"2026-11-21T09:01:00Z","phase":"stage end","stage":"pull","result":"failure",` +
		`"errorMessage":"login with s3cret-of-mine refused"}]`
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	err := archive.WriteHeader(&tar.Header{
		Name: "log-bundle-1/bootstrap/services/release-image.json", Typeflag: tar.TypeReg, Size: int64(len(records)),
	})
	_, failed := archive.Write([]byte(records))
	err = errors.Join(err, failed, archive.Close(), zip.Close())
	if err := errors.Join(err, os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestAnalyzeFindsTheBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b*") // as a pattern it would find nothing
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	bundleAt(t, filepath.Join(dir, "log-bundle-20261121093000.tar.gz"))
	var out bytes.Buffer
	e := &install.Env{
		Dir: dir, Clock: clock.Real(), Sink: event.Discard, Stdout: &out, Getenv: func(string) string { return "" },
	}
	e.Hide(secret.New("s3cret-of-mine"))
	html := filepath.Join(dir, "report.html")
	if err := Analyze(t.Context(), e, AnalyzeOptions{Output: "text", Width: 100, HTML: html}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(html)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"text": out.String(), "page": string(page)} {
		if !strings.Contains(text, "in stage pull: login with (hidden) refused") || strings.Contains(text, "s3cret") {
			t.Errorf("the %s is\n%s", name, text)
		}
	}
	if info, err := os.Stat(html); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the page: %v, %v", info, err)
	}
}
