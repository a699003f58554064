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

// record describes a file of the cache. It is stored beside the file.
type record struct {
	SHA256 string `json:"sha256"` // of the unpacked file
	Size   int64  `json:"size"`   // bytes
	Origin origin `json:"origin"`
}

// origin identifies a version of a file without a checksum, by the headers of the server.
type origin struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	Length       int64  `json:"length"` // bytes as served, -1 if unknown
}

func originOf(resp *http.Response) origin {
	return origin{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified"), resp.ContentLength}
}

// same reports whether both are certainly the same file. Without ETag and Last-Modified nothing is certain.
func (o origin) same(now origin) bool {
	if o.ETag == "" && o.LastModified == "" {
		return false
	}
	return o.ETag == now.ETag && o.LastModified == now.LastModified &&
		(o.Length < 0 || now.Length < 0 || o.Length == now.Length)
}

// ifRange is the value of the header If-Range, empty if the server sent nothing to compare.
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

// cached returns a file of the cache if its checksum is right, or without one, if it is unchanged at its origin.
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
	if !a.hasChecksum() {
		now, err := c.head(ctx, a)
		if err != nil {
			return File{}, fmt.Errorf("cannot tell whether %s has changed: %w", a.Where(), err)
		}
		if !r.Origin.same(now) {
			return File{}, errors.New("the file has changed on the server, or the server cannot tell")
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

// head asks for the present version of a file.
func (c Cache) head(ctx context.Context, a Artifact) (origin, error) {
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
