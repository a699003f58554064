// Package registry is the lab's container registry: the OCI distribution
// protocol with basic authentication over a directory of blobs. It serves the
// lab release from the OCI layout that it was built to, and takes pushes.
package registry

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Login is the account that may pull and push.
type Login struct {
	User     string
	Password secret.String
}

// Registry is an http.Handler.
type Registry struct {
	login  Login
	store  store
	layout []string // OCI layouts, read-only
}

// New serves the OCI layouts and keeps what is pushed in dir.
func New(dir string, login Login, layouts ...string) (*Registry, error) {
	for _, d := range []string{"blobs/sha256", "uploads", "tags"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("open registry: %w", err)
		}
	}
	return &Registry{login: login, store: store{dir: dir}, layout: layouts}, nil
}

// Paths of the distribution specification; a repository has slashes in it.
var (
	repository   = `[a-z0-9]+(?:[._/-]+[a-z0-9]+)*`
	manifestPath = regexp.MustCompile(`^/v2/(` + repository + `)/manifests/([A-Za-z0-9_][A-Za-z0-9._:-]{0,127})$`)
	blobPath     = regexp.MustCompile(`^/v2/(` + repository + `)/blobs/(sha256:[a-f0-9]{64})$`)
	uploadPath   = regexp.MustCompile(`^/v2/(` + repository + `)/blobs/uploads/([a-f0-9-]*)$`)
	tagsPath     = regexp.MustCompile(`^/v2/(` + repository + `)/tags/list$`)
	digestText   = regexp.MustCompile(`^sha256:[a-f0-9]{64}$`)
)

func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if !g.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="okd-lab registry"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	path := r.URL.Path
	if path == "/v2/" || path == "/v2" {
		writeJSON(w, http.StatusOK, struct{}{})
		return
	}
	if m := manifestPath.FindStringSubmatch(path); m != nil {
		g.manifest(w, r, m[1], m[2])
		return
	}
	if m := blobPath.FindStringSubmatch(path); m != nil {
		g.blob(w, r, m[2])
		return
	}
	if m := uploadPath.FindStringSubmatch(path); m != nil {
		g.upload(w, r, m[1], m[2])
		return
	}
	if m := tagsPath.FindStringSubmatch(path); m != nil && r.Method == http.MethodGet {
		g.tags(w, m[1])
		return
	}
	refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "nothing is served at this path")
}

func (g *Registry) allowed(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	name := subtle.ConstantTimeCompare([]byte(user), []byte(g.login.User))
	pass := subtle.ConstantTimeCompare([]byte(password), []byte(g.login.Password.Reveal()))
	return name&pass == 1
}

// open finds content by digest, in the layouts and in what was pushed. Every
// repository has all of it: what a digest names is the same everywhere.
func (g *Registry) open(digest string) (*os.File, error) {
	hex := strings.TrimPrefix(digest, "sha256:")
	last := fs.ErrNotExist
	for _, dir := range append([]string{g.store.dir}, g.layout...) {
		f, err := os.Open(filepath.Join(dir, "blobs", "sha256", hex))
		if err == nil {
			return f, nil
		}
		last = err
	}
	return nil, last
}

func (g *Registry) blob(w http.ResponseWriter, r *http.Request, digest string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "blobs are not deleted")
		return
	}
	g.send(w, r, digest, "application/octet-stream", "BLOB_UNKNOWN")
}

func (g *Registry) send(w http.ResponseWriter, r *http.Request, digest, mediaType, unknown string) {
	f, err := g.open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		refuse(w, http.StatusNotFound, unknown, digest+" is not here")
		return
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// apiError is an error as clients expect it.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string][]apiError{"errors": {{code, message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone, then
}
