package osimage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

// Streams caches the CoreOS streams of releases by digest. A tag may name another release tomorrow.
type Streams struct{ Dir string }

// Get returns the stream of a release, or fs.ErrNotExist.
func (s Streams) Get(release string) ([]byte, error) {
	path := s.path(release)
	if path == "" {
		return nil, fs.ErrNotExist
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var check stream.Stream
	if err := json.Unmarshal(data, &check); err != nil {
		return nil, errors.Join(fs.ErrNotExist, fmt.Errorf("read %s: %w", path, err))
	}
	return data, nil
}

// Put caches the stream of a release.
func (s Streams) Put(release string, data []byte) error {
	path := s.path(release)
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("keep CoreOS stream: %w", err)
	}
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return fmt.Errorf("keep CoreOS stream: %w", err)
	}
	return nil
}

// path is empty for a release that is not named by digest. The repository does not matter: mirrors share the stream.
func (s Streams) path(release string) string {
	_, digest, found := strings.Cut(release, "@sha256:")
	if !found || !isSHA256(digest) {
		return ""
	}
	return filepath.Join(s.Dir, "stream-"+digest+".json")
}

// Encode writes a stream as indented JSON.
func Encode(s *stream.Stream) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "    ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("encode CoreOS stream: %w", err)
	}
	return out.Bytes(), nil
}
