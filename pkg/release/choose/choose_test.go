package choose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/release/updates"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// site is an update service and a registry.
type site struct {
	channels map[string][]string
	payload  func(version string) string
	asked    []string
	broken   bool
	Sources
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{payload: func(string) string { return "quay.test/okd/scos-release@" + digest }}
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		channel := r.URL.Query().Get("channel")
		s.asked = append(s.asked, channel)
		if s.broken {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		nodes := []map[string]string{}
		for _, version := range s.channels[channel] {
			nodes = append(nodes, map[string]string{"version": version, "payload": s.payload(version)})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"nodes": nodes})
	}))
	t.Cleanup(service.Close)
	s.Updates = updates.Service{URL: service.URL, HTTP: service.Client()}
	s.Repository = "127.0.0.1:1/okd/release" // nothing listens there
	return s
}

// withTags gives the site a repository over TLS with images of these tags, and
// returns their digests.
func (s *site) withTags(t *testing.T, tags ...string) map[string]string {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	plain := httptest.NewServer(inner)
	t.Cleanup(plain.Close)
	digests := map[string]string{}
	for _, tag := range tags {
		image, err := random.Image(16, 1)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.NewTag(strings.TrimPrefix(plain.URL, "http://") + "/okd/release:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image); err != nil {
			t.Fatal(err)
		}
		d, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[tag] = d.String()
	}
	secure := httptest.NewTLSServer(inner)
	t.Cleanup(secure.Close)
	s.Repository = strings.TrimPrefix(secure.URL, "https://") + "/okd/release"
	s.Registry = release.Options{TrustBundle: pkitest.ServerCA(secure)}
	return digests
}

func TestChoose(t *testing.T) {
	channels := map[string][]string{
		"stable-5.0":    {"4.22.0-okd-scos.10", "5.0.0-okd-scos.0", "5.0.0-okd-scos.1", "5.0.0-okd-scos.ec.9"},
		"candidate-5.0": {"5.0.0-okd-scos.ec.9", "5.0.1-okd-scos.ec.0"},
	}
	tests := []struct {
		want, channel, version, asked string
	}{
		{"latest", "", "5.0.0-okd-scos.1", "stable-5.0"},
		{"5.0", "", "5.0.0-okd-scos.1", "stable-5.0"},
		{"5.0.0", "", "5.0.0-okd-scos.1", "stable-5.0"},
		{"5.0.0-okd-scos.0", "", "5.0.0-okd-scos.0", "stable-5.0"},
		{"5.0.0-okd-scos.ec.9", "", "5.0.0-okd-scos.ec.9", "stable-5.0"}, // spelt out
		{"5.0.1-okd-scos.ec.0", "", "5.0.1-okd-scos.ec.0", "stable-5.0 candidate-5.0"},
		{"4.22", "", "4.22.0-okd-scos.10", "stable-4.22 stable-5.0"}, // in the channel of the next one
		{"latest", "candidate-5.0", "5.0.1-okd-scos.ec.0", "candidate-5.0"},
	}
	for _, tt := range tests {
		s := newSite(t)
		s.channels, s.Channel = channels, tt.channel
		c, err := s.Choose(t.Context(), wanted(t, tt.want))
		if err != nil || c.Version != tt.version || c.PullSpec != "quay.test/okd/scos-release@"+digest || len(c.Notes) > 0 {
			t.Errorf("%s %s: %+v, %v; want %s", tt.want, tt.channel, c, err, tt.version)
		}
		if asked := strings.Join(s.asked, " "); asked != tt.asked {
			t.Errorf("%s %s: asked for %s, want %s", tt.want, tt.channel, asked, tt.asked)
		}
	}
}

func TestChooseFromRepository(t *testing.T) {
	s := newSite(t)
	digests := s.withTags(t,
		"4.20.0-okd-scos.9", "4.20.0-okd-scos.17", "4.20.0-okd-scos.ec.1", "latest", "5.1.0-okd-scos.0")
	for want, tag := range map[string]string{
		"4.20":                 "4.20.0-okd-scos.17",
		"4.20.0-okd-scos.9":    "4.20.0-okd-scos.9",
		"4.20.0-okd-scos.ec.1": "4.20.0-okd-scos.ec.1",
		"latest":               "4.20.0-okd-scos.17", // this installer does not support 5.1
		"5.1":                  "5.1.0-okd-scos.0",
	} {
		c, err := s.Choose(t.Context(), wanted(t, want))
		if err != nil || c.Version != tag || c.PullSpec != s.Repository+"@"+digests[tag] || len(c.Notes) > 0 {
			t.Errorf("%s: %+v, %v; want %s", want, c, err, tag)
		}
	}
	// Without the service the result is the same, with a note.
	s.broken = true
	c, err := s.Choose(t.Context(), wanted(t, "4.20"))
	if err != nil || c.Version != "4.20.0-okd-scos.17" || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "503") {
		t.Errorf("without the service: %+v, %v", c, err)
	}
	// A payload by tag is pinned.
	s.broken = false
	s.channels = map[string][]string{"stable-5.0": {"5.0.0-okd-scos.0"}}
	s.payload = func(string) string { return s.Repository + ":latest" }
	c, err = s.Choose(t.Context(), wanted(t, "5.0"))
	if err != nil || c.PullSpec != s.Repository+"@"+digests["latest"] {
		t.Errorf("payload by tag: %+v, %v", c, err)
	}
}

func TestChooseFails(t *testing.T) {
	s := newSite(t)
	s.channels = map[string][]string{"stable-5.0": {"5.0.0-okd-scos.0", "5.0.0-okd-scos.1"}}
	digests := s.withTags(t, "5.0.0-okd-scos.2")
	_, err := s.Choose(t.Context(), wanted(t, "5.0.3"))
	var failure *Error
	const nearest = "nearest known: 5.0.0-okd-scos.2, 5.0.0-okd-scos.1, 5.0.0-okd-scos.0"
	if !errors.As(err, &failure) || !failure.Absent() || !strings.Contains(err.Error(), nearest) ||
		!strings.Contains(failure.Next(), "--release 5.0.0-okd-scos.2") {
		t.Errorf("wrong version: %v", err)
	}
	// If a source fails, the release may exist.
	s.broken = true
	_, err = s.Choose(t.Context(), wanted(t, "5.0.3"))
	if !errors.As(err, &failure) || failure.Absent() || !strings.Contains(err.Error(), "503") ||
		!strings.Contains(failure.Next(), "by digest") {
		t.Errorf("service fails: %v", err)
	}
	s.Repository = "127.0.0.1:1/okd/release"
	_, err = s.Choose(t.Context(), wanted(t, "5.0"))
	if !errors.As(err, &failure) || failure.Absent() || !strings.Contains(err.Error(), "connection refused") ||
		!strings.Contains(failure.Next(), "--release-repository") {
		t.Errorf("no source answers: %v", err)
	}
	// A digest needs no source.
	spec := "127.0.0.1:1/okd/release@" + digests["5.0.0-okd-scos.2"]
	c, err := s.Choose(t.Context(), wanted(t, spec))
	if err != nil || c.PullSpec != spec || c.Version != "" || len(c.Notes) != 1 {
		t.Errorf("by digest: %+v, %v", c, err)
	}
	if _, err := s.Choose(t.Context(), wanted(t, "127.0.0.1:1/okd/release:v1")); err == nil {
		t.Error("a tag was accepted without its registry")
	}
}

func TestList(t *testing.T) {
	s := newSite(t)
	s.channels = map[string][]string{
		"stable-5.0":    {"4.22.0-okd-scos.10", "5.0.0-okd-scos.1", "5.0.0-okd-scos.ec.9"},
		"stable-4.22":   {"4.22.0-okd-scos.10"},
		"candidate-5.0": {"5.0.0-okd-scos.ec.9"},
	}
	s.withTags(t, "4.18.0-okd-scos.1", "4.22.0-okd-scos.10")
	list := func(all bool) (versions []string) {
		t.Helper()
		found, notes, err := s.List(t.Context(), all)
		if err != nil || len(notes) > 0 {
			t.Errorf("%v, %v", notes, err)
		}
		for _, l := range found {
			versions = append(versions, fmt.Sprintf("%s %s %v", l.Version, l.Channel, l.Supported))
		}
		return versions
	}
	want := []string{"5.0.0-okd-scos.1 stable-5.0 true", "4.22.0-okd-scos.10 stable-4.22 true"}
	if got := list(false); !slices.Equal(got, want) {
		t.Errorf("stable: %q", got)
	}
	want = []string{want[0], "5.0.0-okd-scos.ec.9 stable-5.0 true", want[1], "4.18.0-okd-scos.1  false"}
	if got := list(true); !slices.Equal(got, want) {
		t.Errorf("all: %q", got)
	}
	s.broken = true
	found, notes, err := s.List(t.Context(), false)
	if err != nil || len(found) != 2 || len(notes) != 1 {
		t.Errorf("without the service: %v, %v, %v", found, notes, err)
	}
	s.Repository = "127.0.0.1:1/okd/release"
	_, _, err = s.List(t.Context(), false)
	if err == nil || !strings.Contains(err.Error(), "the releases could not be looked up") {
		t.Errorf("no source answers: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{
		"", "five", "Latest", "quay.io/okd/scos-release", "quay.io/okd/scos-release@sha256:12", "Not/A/Pull Spec:x",
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestMetBy(t *testing.T) {
	const image = "quay.io/okd/scos-release@" + digest
	for want, met := range map[string]bool{
		"5.0": true, "5.0.0": true, "5.0.0-okd-scos.1": true, image: true, "mirror.test/okd/release@" + digest: true,
		"latest": false, "5.0.0-okd-scos.0": false, "4.22": false, "5.0.1": false,
		strings.Replace(image, "0123", "3210", 1): false,
	} {
		if got := wanted(t, want).MetBy("5.0.0-okd-scos.1", "5.0.0-okd-scos.1", image); got != met {
			t.Errorf("%s is met: %v, want %v", want, got, met)
		}
	}
	if !wanted(t, "latest").MetBy("latest", "5.0.0-okd-scos.1", image) {
		t.Error("latest is not met by the release chosen for it")
	}
	if wanted(t, "5.0").MetBy("", "", image) || wanted(t, "5.0").MetBy("", "5.0.0-okd-scos.ec.1", image) {
		t.Error("5.0 is met by an unknown version or a candidate")
	}
}

func wanted(t *testing.T, text string) Want {
	t.Helper()
	w, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
