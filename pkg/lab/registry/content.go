package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/okd-install/okd-install/pkg/atomicfile"
)

const (
	maxManifest = 4 << 20
	// refName is the annotation that holds REPOSITORY:TAG in the index of a layout.
	refName = "org.opencontainers.image.ref.name"
)

// open finds content by digest, in what was pushed and in the layouts.
func (g *Registry) open(digest string) (*os.File, error) {
	h, err := v1.NewHash(digest)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	for _, l := range g.layouts {
		f, err := os.Open(filepath.Join(string(l), "blobs", h.Algorithm, h.Hex))
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, fs.ErrNotExist
}

func (g *Registry) send(w http.ResponseWriter, r *http.Request, digest, kind string, unknown transport.ErrorCode) {
	f, err := g.open(digest)
	if errors.Is(err, fs.ErrNotExist) {
		refuse(w, http.StatusNotFound, unknown, digest+" is not in this registry")
		return
	}
	var info fs.FileInfo
	if err == nil {
		defer f.Close()
		info, err = f.Stat()
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, transport.UnknownErrorCode, err.Error())
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f) // with ranges, by which pulls go on where they broke off
}

func (g *Registry) manifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	digest := ref
	if !isDigest(ref) {
		if digest = g.Tagged(repo)[ref]; digest == "" {
			refuse(w, http.StatusNotFound, transport.ManifestUnknownErrorCode, repo+":"+ref+" is not in this registry")
			return
		}
	}
	kind, err := g.mediaType(digest)
	if err != nil {
		refuse(w, http.StatusNotFound, transport.ManifestUnknownErrorCode, "no manifest in this registry has digest "+digest)
		return
	}
	g.send(w, r, digest, string(kind), transport.ManifestUnknownErrorCode)
}

func isDigest(ref string) bool {
	_, err := v1.NewHash(ref)
	return err == nil
}

// mediaType tells the type of a manifest. Older OCI manifests do not carry it.
func (g *Registry) mediaType(digest string) (types.MediaType, error) {
	f, err := g.open(digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var m struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&m); err != nil {
		return "", err
	}
	switch {
	case m.SchemaVersion != 2:
		return "", errors.New("not a manifest")
	case m.MediaType != "":
		return m.MediaType, nil
	case m.Manifests != nil:
		return types.OCIImageIndex, nil
	}
	return types.OCIManifestSchema1, nil
}

func (g *Registry) putManifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if err != nil {
		refuse(w, http.StatusBadRequest, transport.ManifestInvalidErrorCode, err.Error())
		return
	}
	if !json.Valid(b) {
		refuse(w, http.StatusBadRequest, transport.ManifestInvalidErrorCode, "not JSON")
		return
	}
	digest, size, err := v1.SHA256(bytes.NewReader(b))
	if err == nil && isDigest(ref) && ref != digest.String() {
		refuse(w, http.StatusBadRequest, transport.DigestInvalidErrorCode, "content has digest "+digest.String())
		return
	}
	if err == nil {
		err = atomicfile.Write(filepath.Join(string(g.pushed), "blobs", digest.Algorithm, digest.Hex), b, 0o600)
	}
	if err == nil && !isDigest(ref) {
		err = g.tag(repo+":"+ref, v1.Descriptor{
			MediaType: types.MediaType(r.Header.Get("Content-Type")), Size: size, Digest: digest,
		})
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, transport.UnknownErrorCode, err.Error())
		return
	}
	w.Header().Set("Docker-Content-Digest", digest.String())
	w.Header().Set("Location", "/v2/"+repo+"/manifests/"+digest.String())
	w.WriteHeader(http.StatusCreated)
}

// tag makes name, REPOSITORY:TAG, that of the manifest, and of no other.
func (g *Registry) tag(name string, manifest v1.Descriptor) error {
	g.tagging.Lock()
	defer g.tagging.Unlock()
	index, err := g.pushed.ImageIndex()
	if err != nil {
		return err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return err
	}
	manifest.Annotations = map[string]string{refName: name}
	m.Manifests = slices.DeleteFunc(m.Manifests, func(d v1.Descriptor) bool { return d.Annotations[refName] == name })
	m.Manifests = append(m.Manifests, manifest)
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(string(g.pushed), "index.json"), b, 0o600)
}

// Tagged returns the digests of a repository's manifests, by tag.
func (g *Registry) Tagged(repo string) map[string]string {
	all := map[string]string{}
	for _, l := range slices.Backward(g.layouts) { // a push replaces a tag of a layout
		index, err := l.ImageIndex()
		if err != nil {
			continue
		}
		m, err := index.IndexManifest()
		if err != nil {
			continue
		}
		for _, d := range m.Manifests {
			if tag, ok := strings.CutPrefix(d.Annotations[refName], repo+":"); ok {
				all[tag] = d.Digest.String()
			}
		}
	}
	return all
}

func (g *Registry) tags(w http.ResponseWriter, repo string) {
	names := slices.Sorted(maps.Keys(g.Tagged(repo)))
	if names == nil {
		refuse(w, http.StatusNotFound, transport.NameUnknownErrorCode, "repository "+repo+" is not in this registry")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": repo, "tags": names})
}
