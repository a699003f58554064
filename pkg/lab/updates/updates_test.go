package updates

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/okd-install/okd-install/pkg/clock"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func service(t *testing.T) *Service {
	t.Helper()
	signer, err := NewSigner("test", now)
	if err != nil {
		t.Fatal(err)
	}
	return &Service{
		Repository: "registry.test:5000/okd/release", Signer: signer, Clock: clock.NewFake(now),
		Releases: func() map[string]string {
			return map[string]string{
				"4.20.0-okd-lab.1": "sha256:20", "4.22.0-okd-lab.1": "sha256:22",
				"5.0.0-okd-lab.1": "sha256:50", "latest": "sha256:99",
			}
		},
	}
}

func get(t *testing.T, s *Service, path string) (int, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "application/json")
	s.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

func TestGraph(t *testing.T) {
	s := service(t)
	for channel, want := range map[string][]string{
		"stable-5.0":  {"4.22.0-okd-lab.1", "5.0.0-okd-lab.1"},
		"stable-4.20": {"4.20.0-okd-lab.1"}, "stable-4.21": {"4.20.0-okd-lab.1"},
		"candidate-4.22": {"4.22.0-okd-lab.1"}, "stable-4.19": nil, "nonsense": nil,
	} {
		code, body := get(t, s, GraphPath+"?channel="+channel)
		var g graph
		if err := json.Unmarshal(body, &g); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %s, %v", channel, code, body, err)
		}
		var got []string
		for _, n := range g.Nodes {
			got = append(got, n.Version)
			if !strings.HasPrefix(n.Payload, s.Repository+"@sha256:") {
				t.Errorf("%s: payload %s", channel, n.Payload)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", channel, got, want)
		}
		if channel == "stable-5.0" && len(g.Edges) != 1 {
			t.Errorf("edges %v", g.Edges)
		}
	}
	if code, body := get(t, s, GraphPath); code != http.StatusBadRequest || !strings.Contains(string(body), "channel") {
		t.Errorf("without a channel: %d %s", code, body)
	}
}

func TestSignature(t *testing.T) {
	s := service(t)
	private, err := s.Signer.Private()
	if err != nil {
		t.Fatal(err)
	}
	if s.Signer, err = LoadSigner(private); err != nil {
		t.Fatal(err)
	}
	public, err := s.Signer.Public()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(public))
	if err != nil || keys[0].PrivateKey != nil {
		t.Fatalf("public key: %v, %v", keys, err)
	}
	signed := func() bool {
		code, body := get(t, s, SignaturePath+"/sha256=50/signature-1")
		if code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
		md, err := openpgp.ReadMessage(bytes.NewReader(body), keys, nil,
			&packet.Config{Time: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(md.UnverifiedBody)
		if err != nil || !strings.Contains(string(content), `"docker-manifest-digest":"sha256:50"`) {
			t.Fatalf("content %s, %v", content, err)
		}
		return md.SignedBy != nil && md.SignatureError == nil
	}
	if !signed() {
		t.Error("the signature is not good")
	}
	if err := s.Forge(true); err != nil || signed() {
		t.Errorf("a forged signature is good: %v", err)
	}
	if err := s.Forge(false); err != nil || !signed() {
		t.Errorf("the signature is not good again: %v", err)
	}
	for _, path := range []string{"/sha256=51/signature-1", "/sha256=50/signature-2", "/sha256=50", "/"} {
		if code, _ := get(t, s, SignaturePath+path); code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, code)
		}
	}
	if _, err := LoadSigner(public); err == nil {
		t.Error("a public key signs")
	}
}
