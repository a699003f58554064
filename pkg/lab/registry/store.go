package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
)

// store keeps what was pushed.
type store struct{ dir string }

// put keeps content and returns its digest.
func (s store) put(r io.Reader) (string, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "uploads"), "put-")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return s.adopt(f.Name(), h.Sum(nil))
}

func (s store) adopt(path string, sum []byte) (string, error) {
	name := hex.EncodeToString(sum)
	return "sha256:" + name, os.Rename(path, filepath.Join(s.dir, "blobs", "sha256", name))
}

func (s store) tagFile(repo, tag string) string {
	return filepath.Join(s.dir, "tags", strings.ReplaceAll(repo, "/", "%"), tag)
}

func (s store) tag(repo, tag, digest string) error {
	path := s.tagFile(repo, tag)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(digest), 0o600)
}

func (s store) tagged(repo, tag string) (string, error) {
	b, err := os.ReadFile(s.tagFile(repo, tag))
	return string(b), err
}

func (s store) tagNames(repo string) []string {
	entries, _ := os.ReadDir(filepath.Dir(s.tagFile(repo, "any")))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// layoutTags reads the names in the index of an OCI layout.
func layoutTags(dir string) map[string]string {
	var index struct {
		Manifests []struct {
			Digest      string            `json:"digest"`
			Annotations map[string]string `json:"annotations"`
		} `json:"manifests"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || json.Unmarshal(b, &index) != nil {
		return nil
	}
	tags := map[string]string{}
	for _, m := range index.Manifests {
		if name := m.Annotations[refName]; name != "" {
			tags[name] = m.Digest
		}
	}
	return tags
}

// upload takes a blob, in one piece or in several.
func (g *Registry) upload(w http.ResponseWriter, r *http.Request, repo, id string) {
	if r.Method == http.MethodPost && id == "" {
		g.startUpload(w, r, repo)
		return
	}
	if _, err := uuid.Parse(id); err != nil {
		refuse(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload")
		return
	}
	path := filepath.Join(g.store.dir, "uploads", id)
	switch r.Method {
	case http.MethodGet, http.MethodPatch, http.MethodPut:
	case http.MethodDelete:
		_ = os.Remove(path)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", r.Method+" is not for uploads")
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		refuse(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload")
		return
	}
	_, err = io.Copy(f, r.Body)
	if err := errors.Join(err, f.Close()); err != nil {
		refuse(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID", err.Error())
		return
	}
	if r.Method == http.MethodPut {
		g.finishUpload(w, repo, path, r.URL.Query().Get("digest"))
		return
	}
	g.uploadStatus(w, repo, path, http.StatusAccepted)
}

func (g *Registry) startUpload(w http.ResponseWriter, r *http.Request, repo string) {
	if digest := r.URL.Query().Get("mount"); digestText.MatchString(digest) {
		if f, err := g.open(digest); err == nil {
			f.Close()
			created(w, repo, digest)
			return
		}
	}
	path := filepath.Join(g.store.dir, "uploads", uuid.NewString())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	_, err = io.Copy(f, r.Body)
	if err := errors.Join(err, f.Close()); err != nil {
		refuse(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID", err.Error())
		return
	}
	if digest := r.URL.Query().Get("digest"); digest != "" {
		g.finishUpload(w, repo, path, digest)
		return
	}
	g.uploadStatus(w, repo, path, http.StatusAccepted)
}

func (g *Registry) uploadStatus(w http.ResponseWriter, repo, path string, status int) {
	info, err := os.Stat(path)
	if err != nil {
		refuse(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "no such upload")
		return
	}
	w.Header().Set("Location", "/v2/"+repo+"/blobs/uploads/"+filepath.Base(path))
	w.Header().Set("Docker-Upload-UUID", filepath.Base(path))
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, info.Size()-1)))
	w.WriteHeader(status)
}

func (g *Registry) finishUpload(w http.ResponseWriter, repo, path, digest string) {
	sum, err := hashFile(path)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	if got := "sha256:" + hex.EncodeToString(sum); got != digest {
		_ = os.Remove(path)
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "content has digest "+got)
		return
	}
	if _, err := g.store.adopt(path, sum); err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	created(w, repo, digest)
}

func created(w http.ResponseWriter, repo, digest string) {
	w.Header().Set("Location", "/v2/"+repo+"/blobs/"+digest)
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
