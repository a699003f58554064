package service

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

func (o *office) ask(token, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, r)
	return w
}

const (
	hosts    = "token-of-hosts"
	watchers = "token-of-watchers"
)

func TestTokens(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	report, err := json.Marshal(o.report(1, agent.Discovering))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		token, method, path string
		want                int
	}{
		{hosts, "POST", "/v1/hosts/id-1", 200},
		{hosts, "PUT", "/v1/hosts/id-1/logs", 204},
		{hosts, "GET", "/v1/status", 200},
		{hosts, "GET", "/v1/logs", 401},
		{watchers, "POST", "/v1/hosts/id-1", 401},
		{watchers, "PUT", "/v1/hosts/id-1/logs", 401},
		{watchers, "GET", "/v1/status", 200},
		{watchers, "GET", "/v1/logs", 200},
		{watchers, "GET", "/v2", 404},
		{"", "GET", "/v1/status", 401},
		{"other", "GET", "/v1/status", 401},
		{hosts + "x", "GET", "/v1/status", 401},
		{"", "GET", "/v2", 401},
	} {
		w := o.ask(tt.token, tt.method, tt.path, string(report))
		if w.Code != tt.want || w.Code == 401 && w.Body.Len() > 0 {
			t.Errorf("%s %s with %q: %d %s, want %d", tt.method, tt.path, tt.token, w.Code, w.Body, tt.want)
		}
		if strings.Contains(w.Body.String(), "token-of") {
			t.Errorf("%s %s answers with a token", tt.method, tt.path)
		}
	}
	o.clock.Advance(24 * time.Hour)
	if w := o.ask(hosts, "GET", "/v1/status", ""); w.Code != 401 || w.Body.Len() > 0 {
		t.Errorf("an expired token: %d %s", w.Code, w.Body)
	}
	// A config without tokens lets nobody in.
	c := config(1, 0, 0)
	c.AgentToken, c.WatcherToken = c.Key, c.Key
	if w := newOffice(t, c).ask("", "GET", "/v1/status", ""); w.Code != 401 {
		t.Errorf("no token: %d", w.Code)
	}
}

func TestBodies(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	good, err := json.Marshal(o.report(1, agent.Discovering))
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, with string) string {
		out := strings.Replace(string(good), old, with, 1)
		if out == string(good) {
			t.Fatalf("no %s in %s", old, good)
		}
		return out
	}
	for name, body := range map[string]string{
		"nothing": "", "half": string(good[:50]), "two": string(good) + "{}",
		"long":     `{"boot":"` + strings.Repeat("x", maxReport) + `"}`,
		"stage":    change(`"discovering"`, `"joined"`),
		"boot":     change(`"first"`, `""`),
		"id":       change(`"id-1"`, `"../id"`),
		"other id": change(`"id-1"`, `"id-2"`),
		"name":     change(`"stage"`, `"hostname":"../x","stage"`),
		"role":     change(`"stage"`, `"role":"king","stage"`),
	} {
		if w := o.ask(hosts, "POST", "/v1/hosts/id-1", body); w.Code != 400 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if n := len(o.Status().Hosts); n != 0 {
		t.Errorf("%d hosts have registered", n)
	}
	if w := o.ask(hosts, "PUT", "/v1/hosts/id-1/logs", "logs"); w.Code != 404 {
		t.Errorf("logs of a stranger: %d", w.Code)
	}
	o.say(agent.Discovering, 1)
	if w := o.ask(hosts, "PUT", "/v1/hosts/id-1/logs", strings.Repeat("x", maxLogs+1)); w.Code != 413 {
		t.Errorf("too many logs: %d", w.Code)
	}
	for i := range o.maxHosts() - 1 {
		o.say(agent.Discovering, i+2)
	}
	if _, err := o.Report(o.report(100, agent.Discovering)); !errors.Is(err, errFull) {
		t.Errorf("any number of hosts may register: %v", err)
	}
}

func TestLogs(t *testing.T) {
	o := newOffice(t, config(3, 0, 0))
	o.say(agent.Discovering, 0, 1)
	for _, content := range []string{"old", "of host 1"} {
		if w := o.ask(hosts, "PUT", "/v1/hosts/id-1/logs", content); w.Code != http.StatusNoContent {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	o.restart()
	w := o.ask(watchers, "GET", "/v1/logs", "")
	archive := tar.NewReader(bytes.NewReader(w.Body.Bytes()))
	got := map[string]string{}
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(content)
	}
	name := fmt.Sprintf("hosts/%s-id-1.tar.gz", o.told[1].Hostname)
	if got[name] != "of host 1" || !strings.Contains(got["status.json"], `"clusterName": "demo"`) || len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func FuzzReport(f *testing.F) {
	o := &office{}
	raw, err := json.Marshal(o.report(1, agent.Ready))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"boot":"b","stage":"ready","inventory":{"id":"x","nics":[{"mac":"","addresses":["1.2.3.4/5"]}]}}`))
	f.Add([]byte(`{"boot":"b","stage":"failed","problem":null,"inventory":{"id":"x","nics":[{"addresses":[""]}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decodeReport(bytes.NewReader(raw))
		if err != nil {
			return
		}
		o := newOffice(t, config(3, 0, 1))
		o.say(agent.Discovering, 0)
		o.send(9, r)
		if s := o.Status(); len(s.Hosts) == 0 {
			t.Error("no host")
		}
		o.restart()
		o.send(9, r)
	})
}
