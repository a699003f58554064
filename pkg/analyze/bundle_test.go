package analyze

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// files are the content of a bundle by name, without its top directory.
type files map[string]string

// with returns the files with others added or replaced.
func (f files) with(more files) files {
	out := maps.Clone(f)
	maps.Copy(out, more)
	return out
}

// pack makes a bundle as gathering does.
func pack(t testing.TB, top string, f files) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		content := f[name]
		if err := archive.WriteHeader(&tar.Header{Name: top + name, Typeflag: tar.TypeReg, Mode: 0o600,
			Size: int64(len(content)), ModTime: t0.Add(30 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// save writes a bundle to a file that has just been gathered.
func save(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log-bundle-20261121093000.tar.gz")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	gathered := t0.Add(30 * time.Minute)
	if err := os.Chtimes(path, gathered, gathered); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWanted(t *testing.T) {
	tests := []struct{ name, want string }{
		{"log-bundle-1/bootstrap/services/bootkube.json", "bootstrap/services/bootkube.json"},
		{"log-bundle-1/log-bundle-bootstrap/bootstrap/services/bootkube.json", "bootstrap/services/bootkube.json"},
		{"./bootstrap/services/bootkube.json", "bootstrap/services/bootkube.json"},
		{"../../bootstrap/services/../../resources/csr.json", "resources/csr.json"},
		{"a/b/c/bootstrap/services/bootkube.json", ""},
		{"b/resources/secrets.json", ""},
		{"b/rendered-assets/openshift/resources/nodes.json", ""},
		{"b/rendered-assets/bootstrap/services/bootkube.json", ""},
		{"b/control-plane/10.0.0.5/failed-units.txt", "control-plane/10.0.0.5/failed-units.txt"},
		{"b/control-plane/10.0.0.5/journals/kubelet.log", "control-plane/10.0.0.5/"},
		{"b/control-plane/stray", ""},
		{"b/failed-units.txt", "failed-units.txt"},
		{"b/x/y/z/failed-units.txt", ""},
		{"b/installer/okd_install_journal.json", "installer/okd_install_journal.json"},
		{"b/installer/other.json", ""},
		{"bootstrap", ""},
		{"/", ""},
		{"", ""},
		{strings.Repeat("a/", 600) + "resources/nodes.json", ""},
	}
	for _, tt := range tests {
		if got, _ := wanted(tt.name); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestBrokenBundles: a bundle is read as far as it goes, and anything else is
// refused in words.
func TestBrokenBundles(t *testing.T) {
	whole := pack(t, "log-bundle-1/", stuckRelease)
	for _, tt := range []struct {
		name    string
		content []byte
		want    string // error, or gap
		gap     bool
	}{
		{"empty", nil, "not a gzip archive", false},
		{"text", []byte("hello"), "not a gzip archive", false},
		{"no bundle", pack(t, "x/", files{"notes.txt": "hello"}), "none of the files of one", false},
		{"cut off", whole[:len(whole)-20], "the rest of the bundle", true},
		{"cut off at once", whole[:30], "read log bundle", false},
	} {
		r, err := Bundle(t.Context(), save(t, tt.content))
		switch {
		case tt.gap && (err != nil || !strings.Contains(strings.Join(r.Gaps, "\n"), tt.want)):
			t.Errorf("%s: %v, %+v", tt.name, err, r)
		case !tt.gap && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := Bundle(t.Context(), filepath.Join(t.TempDir(), "none.tar.gz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Bundle(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a directory: %v", err)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := Bundle(stopped, save(t, whole)); !errors.Is(err, cause) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestLinksAreSkipped: a link does not stand for the file of its name.
func TestLinksAreSkipped(t *testing.T) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, h := range []*tar.Header{
		{Name: "b/failed-units.txt", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "b/failed-units.txt", Typeflag: tar.TypeReg, Size: 5},
	} {
		if err := archive.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	_, err := io.WriteString(archive, "units")
	if err := errors.Join(err, archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	ev, err := readArchive(t.Context(), &out, t0)
	if err != nil || string(ev.files["failed-units.txt"]) != "units" {
		t.Errorf("%v, %+v", err, ev)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBombs: what claims to be a bundle must not fill memory or run for ever.
func TestBombs(t *testing.T) {
	var out bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	archive := tar.NewWriter(zip)
	const size = 40 << 20 // more than a record file may have
	for _, name := range []string{"b/bootstrap/services/bootkube.json", "b/failed-units.txt"} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: size}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(archive, zeros{}, size); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	ev, err := readArchive(t.Context(), &out, t0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ev.files["bootstrap/services/bootkube.json"]) + len(ev.files["failed-units.txt"]); n > 33<<20 {
		t.Errorf("%d bytes were kept", n)
	}
	if len(ev.gaps) != 2 {
		t.Errorf("what was left out is not said: %v", ev.gaps)
	}
	limited := &bounded{ctx: t.Context(), r: zeros{}, left: 1 << 20}
	if n, err := io.Copy(io.Discard, limited); n != 1<<20 || !errors.Is(err, errTooLarge) {
		t.Errorf("read %d bytes: %v", n, err)
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(pack(f, "log-bundle-1/", stuckRelease))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if ev, err := readArchive(t.Context(), bytes.NewReader(raw), t0); err == nil {
			newReport("", ev)
		}
	})
}

// FuzzTar fuzzes what is behind the compression, which a mutation seldom survives.
func FuzzTar(f *testing.F) {
	plain, err := gzip.NewReader(bytes.NewReader(pack(f, "log-bundle-1/", failedCluster)))
	if err != nil {
		f.Fatal(err)
	}
	seed, err := io.ReadAll(plain)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		_, _ = zip.Write(raw)
		_ = zip.Close()
		if ev, err := readArchive(t.Context(), &out, t0); err == nil {
			checkReport(t, newReport("", ev))
		}
	})
}

// FuzzContent fuzzes the files that the analysis decodes.
func FuzzContent(f *testing.F) {
	for name, content := range failedCluster {
		f.Add(name, []byte(content))
	}
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		ev := &evidence{files: map[string][]byte{}, taken: t0}
		for n, c := range failedCluster {
			ev.files[n] = []byte(c)
		}
		ev.files[name] = content
		checkReport(t, newReport("", ev))
	})
}

// checkReport is what is true of every report.
func checkReport(t *testing.T, r *Report) {
	t.Helper()
	if r.Cause == "" {
		t.Error("no cause")
	}
	var text, page strings.Builder
	if err := errors.Join(r.Text(&text, 100), r.HTML(&page)); err != nil {
		t.Fatal(err)
	}
	for _, c := range text.String() {
		if c < ' ' && c != '\n' || c == 0x7f {
			t.Fatalf("control character %q in the text", c)
		}
	}
}
