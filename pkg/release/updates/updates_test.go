package updates

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const two = `{"version":1,"nodes":[
{"version":"5.0.0-okd-scos.0","payload":"quay.io/okd/scos-release@sha256:00",
 "metadata":{"url":"https://okd.test/5.0.0","n":3}},
{"version":"not one","payload":""},
{"version":"5.0.0-okd-scos.1","payload":"quay.io/okd/scos-release@sha256:11","metadata":null}],
"edges":[[0,1]],"conditionalEdges":[{"edges":[{"from":"a","to":"b"}],"risks":[]}]}`

func TestParse(t *testing.T) {
	g, err := Parse([]byte(two))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != 2 || g.Nodes[0].Metadata["url"] != "https://okd.test/5.0.0" {
		t.Errorf("nodes: %+v", g.Nodes)
	}
	if n, ok := g.Node("5.0.0-okd-scos.1"); !ok || n.Payload != "quay.io/okd/scos-release@sha256:11" {
		t.Errorf("5.0.0-okd-scos.1: %+v, %v", n, ok)
	}
	for text, want := range map[string]string{
		``: "not a graph", `[]`: "not a graph", `{}`: "no nodes", `<html>`: "not a graph",
		`{"nodes":[{"version":"5.0.0","payload":""}]}`:                  "no pull spec",
		`{"nodes":[{"version":"5.0.0","payload":"a b"}]}`:               "no pull spec",
		`{"nodes":[{"version":"5.0.0","payload":"a\n\u001b[2Jb@c:d"}]}`: "no pull spec",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Parse([]byte(`{"nodes":[` + strings.Repeat(`{},`, maxNodes) + `{}]}`)); err == nil {
		t.Error("any number of nodes is accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte(`{"nodes":[]}`))
	f.Add([]byte(`{"nodes":null,"edges":[[0,9]]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := Parse(raw)
		if err != nil {
			return
		}
		for _, n := range g.Nodes {
			if n.Version.String() == "" || strings.ContainsAny(n.Payload, " \n\x1b") || n.Payload == "" {
				t.Errorf("node %+v", n)
			}
			if found, ok := g.Node(n.Version.String()); !ok || found.Version.String() != n.Version.String() {
				t.Errorf("%s is not found", n.Version)
			}
		}
	})
}

func TestChannel(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if r.Header.Get("Accept") != "application/json" || query.Get("arch") != "amd64" || query.Get("keep") != "me" {
			t.Errorf("request with %v, %s", r.Header, r.URL)
		}
		switch query.Get("channel") {
		case "stable-5.0":
			fmt.Fprint(w, two)
		case "huge":
			fmt.Fprint(w, `{"nodes":[`)
			blank := strings.Repeat(" ", 1<<20)
			for range 20 {
				fmt.Fprint(w, blank)
			}
		case "slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"kind":"invalid_params","value":"no such\nchannel"}`)
		}
	}))
	defer server.Close()
	defer close(release)
	s := Service{URL: server.URL + "/graph?keep=me", HTTP: server.Client()}
	if g, err := s.Channel(t.Context(), "stable-5.0"); err != nil || len(g.Nodes) != 2 {
		t.Errorf("stable-5.0: %v, %v", g, err)
	}
	for channel, want := range map[string]string{
		"huge": "larger than 16 MiB", "slow": "no answer in time", "other": "it answers 400 Bad Request: no such channel",
	} {
		s.Timeout = 0
		if channel == "slow" {
			s.Timeout = 200 * time.Millisecond
		}
		if _, err := s.Channel(t.Context(), channel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", channel, err, want)
		}
	}
	// A client that does not trust the server's certificate.
	s.HTTP, s.Timeout = &http.Client{}, 0
	if _, err := s.Channel(t.Context(), "stable-5.0"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the CA: %v", err)
	}
}

func TestURL(t *testing.T) {
	for url, want := range map[string]string{
		"http://okd.test/graph": "use https", "okd.test/graph": "use https", "https://": "use https",
		"https://okd.test:x":               "is invalid",
		"http://me:hunter2@okd.test/graph": "me:xxxxx@", // never the password
	} {
		err := Service{URL: url}.Check()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	if err := (Service{URL: DefaultURL}).Check(); err != nil {
		t.Error(err)
	}
}
