package osimage_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/osimage"
)

func TestStreams(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s := osimage.Streams{Dir: dir}
	digest := "@sha256:" + strings.Repeat("0a", 32)
	data, err := osimage.Encode(&stream.Stream{Stream: "c9s"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("quay.io/okd" + digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is known: %v", err)
	}
	if err := s.Put("quay.io/okd"+digest, data); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get("mirror.test/okd" + digest); err != nil || string(got) != string(data) {
		t.Errorf("the same release from a mirror: %q, %v", got, err)
	}
	// A tag may name another release tomorrow, and a digest must not be a path.
	for _, release := range []string{"quay.io/okd:4.20", "quay.io/okd@sha256:../../x", ""} {
		if err := s.Put(release, data); err != nil {
			t.Errorf("%s: %v", release, err)
		}
		if _, err := s.Get(release); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is kept: %v", release, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(dir, files[0].Name()), data[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("quay.io/okd" + digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file: %v", err)
	}
}
