package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

const (
	maxManifest = 4 << 20
	refName     = "org.opencontainers.image.ref.name"
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

func (g *Registry) manifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		digest := ref
		if !digestText.MatchString(ref) {
			var err error
			if digest, err = g.resolve(repo, ref); err != nil {
				refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", repo+":"+ref+" is not here")
				return
			}
		}
		mediaType, err := g.mediaType(digest)
		if err != nil {
			refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", digest+" is not a manifest that is here")
			return
		}
		g.send(w, r, digest, mediaType, "MANIFEST_UNKNOWN")
	case http.MethodPut:
		g.putManifest(w, r, repo, ref)
	default:
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "manifests are not deleted")
	}
}

func (g *Registry) putManifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if err != nil {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	if !json.Valid(b) {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", "not JSON")
		return
	}
	digest, err := g.store.put(bytes.NewReader(b))
	if err == nil && digestText.MatchString(ref) && ref != digest {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID", "content has digest "+digest)
		return
	}
	if err == nil && !digestText.MatchString(ref) {
		err = g.store.tag(repo, ref, digest)
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Location", "/v2/"+repo+"/manifests/"+digest)
	w.WriteHeader(http.StatusCreated)
}

// mediaType says what a manifest is. Older OCI manifests do not say it
// themselves.
func (g *Registry) mediaType(digest string) (string, error) {
	f, err := g.open(digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return "", err
	}
	var m struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     string          `json:"mediaType"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return "", err
	}
	switch {
	case m.SchemaVersion != 2:
		return "", errors.New("not a manifest")
	case m.MediaType != "":
		return m.MediaType, nil
	case m.Manifests != nil:
		return ociIndex, nil
	}
	return ociManifest, nil
}

// resolve finds a tag, pushed or from a layout, where the annotation of an
// image is repository:tag.
func (g *Registry) resolve(repo, tag string) (string, error) {
	if digest, err := g.store.tagged(repo, tag); err == nil {
		return digest, nil
	}
	for _, dir := range g.layout {
		for name, digest := range layoutTags(dir) {
			if name == repo+":"+tag {
				return digest, nil
			}
		}
	}
	return "", fs.ErrNotExist
}

// Tagged are the digests of what is in a repository, by tag.
func (g *Registry) Tagged(repo string) map[string]string {
	all := map[string]string{}
	for _, dir := range g.layout {
		for name, digest := range layoutTags(dir) {
			if tag, ok := strings.CutPrefix(name, repo+":"); ok {
				all[tag] = digest
			}
		}
	}
	for _, tag := range g.store.tagNames(repo) {
		if digest, err := g.store.tagged(repo, tag); err == nil {
			all[tag] = digest
		}
	}
	return all
}

func (g *Registry) tags(w http.ResponseWriter, repo string) {
	names := g.store.tagNames(repo)
	for _, dir := range g.layout {
		for name := range layoutTags(dir) {
			if tag, ok := strings.CutPrefix(name, repo+":"); ok {
				names = append(names, tag)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if names == nil {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "repository "+repo+" is not here")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": repo, "tags": names})
}
