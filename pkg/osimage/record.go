package osimage

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/secret"
)

// record stands beside a file of the cache and says what was put there.
type record struct {
	SHA256 string `json:"sha256"` // of the file, which is unpacked
	Size   int64  `json:"size"`   // bytes
	Origin origin `json:"origin"`
}

// origin is what a server says of a file instead of a checksum: when it changes,
// so has the file.
type origin struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	Length       int64  `json:"length"` // bytes as served, -1 if the server does not say
}

func originOf(resp *http.Response) origin {
	return origin{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified"), resp.ContentLength}
}

// same reports whether both prove to be the same file. Two servers that say
// nothing prove nothing.
func (o origin) same(now origin) bool {
	if o.ETag == "" && o.LastModified == "" {
		return false
	}
	return o.ETag == now.ETag && o.LastModified == now.LastModified &&
		(o.Length < 0 || now.Length < 0 || o.Length == now.Length)
}

// ifRange is what makes a server continue this file and no other; empty if it
// cannot tell.
func (o origin) ifRange() string {
	if o.ETag != "" && !strings.HasPrefix(o.ETag, "W/") {
		return o.ETag
	}
	return o.LastModified
}

func recordOf(path string) string { return path + ".json" }

func (r record) write(path string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.Write(recordOf(path), append(data, '\n'), 0o600)
}

func (r record) file(path string) (File, error) {
	f := File{Path: path, SHA256: r.SHA256, Size: r.Size}
	return f, f.inspect()
}

// cached returns a file of the cache once it is proved to be the artifact: its
// content is read again, and where nobody says what that should be, the origin
// is asked whether it still has the same.
func (c Cache) cached(ctx context.Context, path string, a Artifact) (File, error) {
	if _, err := os.Stat(path); err != nil {
		return File{}, err
	}
	data, err := os.ReadFile(recordOf(path))
	if err != nil {
		return File{}, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return File{}, fmt.Errorf("read %s: %w", recordOf(path), err)
	}
	if want := a.UncompressedSHA256; want != "" && want != r.SHA256 {
		return File{}, fmt.Errorf("it has checksum %s, not %s", r.SHA256, want)
	}
	if !a.verified() {
		if err := c.unchanged(ctx, a, r.Origin); err != nil {
			return File{}, err
		}
	}
	h := sha256.New()
	size, err := hashFile(path, h)
	if err != nil {
		return File{}, err
	}
	if got := hexSum(h); got != r.SHA256 || size != r.Size {
		return File{}, fmt.Errorf("it is damaged: %d bytes with checksum %s, not %d with %s", size, got, r.Size, r.SHA256)
	}
	return r.file(path)
}

// unchanged asks the origin of a file whether it still has what it had.
func (c Cache) unchanged(ctx context.Context, a Artifact, was origin) error {
	now, err := c.ask(ctx, a)
	if err != nil {
		return fmt.Errorf("whether %s has changed is not known: %w", a.Where(), err)
	}
	if !was.same(now) {
		return errors.New("the origin has another file now, or does not say")
	}
	return nil
}

func (c Cache) ask(ctx context.Context, a Artifact) (origin, error) {
	if path, ok := strings.CutPrefix(a.URL, "file://"); ok {
		st, err := os.Stat(path)
		if err != nil {
			return origin{}, err
		}
		return originOfFile(st), nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.Stall)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, a.URL, nil)
	if err != nil {
		return origin{}, secret.WithoutURL(err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return origin{}, secret.WithoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return origin{}, errors.New("HTTP status " + resp.Status)
	}
	return originOf(resp), nil
}

func originOfFile(st os.FileInfo) origin {
	return origin{LastModified: st.ModTime().UTC().Format(time.RFC3339Nano), Length: st.Size()}
}
