// Package registry is the lab's container registry: go-containerregistry's,
// with a login, over OCI layouts. It serves the layouts that the lab's releases
// were built to, and keeps what is pushed in one of its own.
package registry

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/okd-install/okd-install/pkg/secret"
)

// Login is the account that may pull and push.
type Login struct {
	User     string
	Password secret.String
}

// Registry is an http.Handler.
//
// The library's registry takes the blobs of a push. Its manifests are in memory
// and belong to one repository each, so manifests and reading are done here: in
// a lab they outlive the process, and a digest is found in every repository.
type Registry struct {
	login   Login
	uploads http.Handler
	pushed  layout.Path
	layouts []layout.Path // pushed first, the others are read-only

	tagging sync.Mutex // guards pushed's index
}

// New serves the OCI layouts and keeps what is pushed in dir.
func New(dir string, login Login, layouts ...string) (*Registry, error) {
	pushed, err := layout.FromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		pushed, err = layout.Write(dir, empty.Index)
	}
	blobs := filepath.Join(dir, "blobs")
	if err = errors.Join(err, os.MkdirAll(filepath.Join(blobs, "sha256"), 0o700)); err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	g := &Registry{
		login: login,
		uploads: registry.New(registry.Logger(log.New(io.Discard, "", 0)),
			registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs))),
		pushed:  pushed,
		layouts: []layout.Path{pushed},
	}
	for _, l := range layouts {
		g.layouts = append(g.layouts, layout.Path(l))
	}
	return g, nil
}

// Paths of the distribution specification; a repository has slashes in it.
var (
	repository   = `[a-z0-9]+(?:[._/-]+[a-z0-9]+)*`
	manifestPath = regexp.MustCompile(`^/v2/(` + repository + `)/manifests/([A-Za-z0-9_][A-Za-z0-9._:-]{0,127})$`)
	blobPath     = regexp.MustCompile(`^/v2/` + repository + `/blobs/(sha256:[a-f0-9]{64})$`)
	uploadPath   = regexp.MustCompile(`^/v2/` + repository + `/blobs/uploads/[0-9]*$`)
	tagsPath     = regexp.MustCompile(`^/v2/(` + repository + `)/tags/list$`)
)

func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if !g.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="okd-lab registry"`)
		refuse(w, http.StatusUnauthorized, transport.UnauthorizedErrorCode, "authentication required")
		return
	}
	g.serve(w, r)
}

// serve answers whoever may ask.
func (g *Registry) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	manifest, blob := manifestPath.FindStringSubmatch(path), blobPath.FindStringSubmatch(path)
	tags, upload := tagsPath.FindStringSubmatch(path), uploadPath.MatchString(path)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case manifest != nil && reads:
		g.manifest(w, r, manifest[1], manifest[2])
	case manifest != nil && r.Method == http.MethodPut:
		g.putManifest(w, r, manifest[1], manifest[2])
	case blob != nil && reads:
		g.send(w, r, blob[1], "application/octet-stream", transport.BlobUnknownErrorCode)
	case tags != nil && reads:
		g.tags(w, tags[1])
	case upload && !reads && r.Method != http.MethodDelete, path == "/v2/", path == "/v2":
		g.uploads.ServeHTTP(w, r)
	case manifest != nil, blob != nil, upload:
		refuse(w, http.StatusMethodNotAllowed, transport.UnsupportedErrorCode, r.Method+" is not supported")
	default:
		refuse(w, http.StatusNotFound, transport.NameUnknownErrorCode, "nothing is served at this path")
	}
}

// Outside is the registry as one with another name, which has the repositories whose
// first element is that name. It is read only; a public one asks for no login.
func (g *Registry) Outside(name string, public bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !public {
			g.ServeHTTP(w, inside(r, name))
			return
		}
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, http.StatusMethodNotAllowed, transport.UnsupportedErrorCode, r.Method+" is not supported")
			return
		}
		g.serve(w, inside(r, name))
	})
}

// inside is a request to the outside as one to the lab's registry.
func inside(r *http.Request, name string) *http.Request {
	repository, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok || repository == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/v2/" + name + "/" + repository
	return r
}

func (g *Registry) allowed(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	name := subtle.ConstantTimeCompare([]byte(user), []byte(g.login.User))
	pass := subtle.ConstantTimeCompare([]byte(password), []byte(g.login.Password.Reveal()))
	return name&pass == 1
}

func refuse(w http.ResponseWriter, status int, code transport.ErrorCode, message string) {
	writeJSON(w, status, transport.Error{Errors: []transport.Diagnostic{{Code: code, Message: message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has hung up
}
