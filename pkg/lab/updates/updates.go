package updates

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-semver/semver"

	"github.com/okd-install/okd-install/pkg/clock"
)

// Paths of the service, as those of OKD's own and of its signature store.
const (
	GraphPath     = "/api/updates/graph"
	SignaturePath = "/signatures"
)

// Service is an http.Handler.
type Service struct {
	// Repository is that of the releases, with the registry's host.
	Repository string
	// Releases are the digests of the releases that there are now, by version.
	Releases func() map[string]string
	Signer   *Signer
	Clock    clock.Clock

	forged atomic.Pointer[Signer]
}

// Forge signs with a stranger's key from now on, or with the right one again.
func (s *Service) Forge(on bool) error {
	if !on {
		s.forged.Store(nil)
		return nil
	}
	other, err := NewSigner("stranger", s.Clock.Now())
	s.forged.Store(other)
	return err
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, signatures := strings.CutPrefix(r.URL.Path, SignaturePath+"/sha256=")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.URL.Path == GraphPath:
		s.graph(w, r)
	case signatures:
		s.signature(w, rest)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// graph answers as the policy engine does: an unknown channel is an empty one.
func (s *Service) graph(w http.ResponseWriter, r *http.Request) {
	accept := r.Header.Get("Accept")
	if !strings.Contains(accept, "application/json") && !strings.Contains(accept, "*/*") {
		refuse(w, http.StatusNotAcceptable, "invalid_content_type", "invalid Content-Type requested")
		return
	}
	channel := r.URL.Query().Get("channel")
	if channel == "" {
		refuse(w, http.StatusBadRequest, "missing_params", "mandatory client parameters missing: channel")
		return
	}
	releases := s.Releases()
	g := graph{Version: 1, Nodes: []node{}, Edges: [][2]int{}, Conditional: []any{}}
	for _, version := range slices.Sorted(maps.Keys(releases)) {
		if in(channel, version) {
			g.Nodes = append(g.Nodes, node{version, s.Repository + "@" + releases[version],
				map[string]string{"io.openshift.upgrades.graph.release.channels": channel}})
		}
	}
	// Who may follow whom: every release whose version is greater.
	for i, a := range g.Nodes {
		for j, b := range g.Nodes {
			if semver.New(a.Version).LessThan(*semver.New(b.Version)) {
				g.Edges = append(g.Edges, [2]int{i, j})
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(g) // fails only when the client has hung up
}

type graph struct {
	Version     int      `json:"version"`
	Nodes       []node   `json:"nodes"`
	Edges       [][2]int `json:"edges"`
	Conditional []any    `json:"conditionalEdges"`
}

type node struct {
	Version  string            `json:"version"`
	Payload  string            `json:"payload"`
	Metadata map[string]string `json:"metadata"`
}

// lines are the minor versions in their order; a channel has its own and the one
// before.
var lines = []string{"4.19", "4.20", "4.21", "4.22", "5.0"}

// in reports whether a release is in a channel. All of the lab's are stable.
func in(channel, version string) bool {
	if _, err := semver.NewVersion(version); err != nil {
		return false // a tag of another kind
	}
	kind, line, _ := strings.Cut(channel, "-")
	at := slices.Index(lines, line)
	if kind != "stable" && kind != "candidate" || at < 0 {
		return false
	}
	own := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(version, l+".") })
	return own >= 0 && (own == at || own == at-1)
}

func (s *Service) signature(w http.ResponseWriter, path string) {
	hex, name, _ := strings.Cut(path, "/")
	digest := "sha256:" + hex
	for version, known := range s.Releases() {
		if known != digest || name != "signature-1" {
			continue
		}
		signer := s.Signer
		if forged := s.forged.Load(); forged != nil {
			signer = forged
		}
		message, err := signer.Sign(s.Repository+":"+version, digest, s.Clock.Now())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(message) // fails only when the client has hung up
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func refuse(w http.ResponseWriter, status int, kind, value string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	refusal := map[string]string{"kind": kind, "value": value}
	_ = json.NewEncoder(w).Encode(refusal) // fails only when the client has hung up
}

// claimOf is what is signed about an image.
func claimOf(reference, digest string, now time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{
		"critical": map[string]any{
			"type":     "atomic container signature",
			"image":    map[string]string{"docker-manifest-digest": digest},
			"identity": map[string]string{"docker-reference": reference},
		},
		"optional": map[string]any{"creator": "okd-lab", "timestamp": now.Unix()},
	})
}
