package client_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

// asker makes plain requests to a service, over TLS that its CA has to prove.
type asker struct {
	base string
	http *http.Client
}

func askerOf(t *testing.T, c *agent.Config, at netip.AddrPort) asker {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(c.CA)) {
		t.Fatal("the CA is no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	return asker{"https://" + at.String(), &http.Client{Transport: transport}}
}

func (a asker) ask(t *testing.T, authorization, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := a.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// TestTokensOverTLS asks for everything that the service has with tokens of all kinds, through its own listener. The
// last two paths are of things that a service could give away and this one does not have.
func TestTokensOverTLS(t *testing.T) {
	now := time.Now()
	c, at := serve(t, now)
	old, oldAt := serveUntil(t, now.Add(-time.Minute), now.Add(-time.Second)) // the certificate is still good
	fresh, expired := askerOf(t, c, at), askerOf(t, old, oldAt)
	const report = `{"boot":"1","stage":"discovering","inventory":{"id":"one"}}`
	host, watcher := "Bearer "+c.AgentToken.Reveal(), "Bearer "+c.WatcherToken.Reveal()
	for _, tt := range []struct {
		method, path, body string
		host, watcher      int // what their tokens get
	}{
		{http.MethodPost, "/v1/hosts/one", report, 200, 401},
		{http.MethodPut, "/v1/hosts/one/logs", "logs", 204, 401},
		{http.MethodGet, "/v1/status", "", 200, 200},
		{http.MethodGet, "/v1/logs", "", 401, 200},
		{http.MethodGet, "/v1/ignition/master", "", 404, 404},
		{http.MethodGet, "/v1/kubeconfig", "", 404, 404},
	} {
		for _, by := range []struct {
			name  string
			at    asker
			token string
			want  int
		}{
			{"a host", fresh, host, tt.host},
			{"a watcher", fresh, watcher, tt.watcher},
			{"nobody", fresh, "", 401},
			{"an empty token", fresh, "Bearer ", 401},
			{"another scheme", fresh, "Basic " + c.WatcherToken.Reveal(), 401},
			{"a foreign token", fresh, "Bearer token-of-another-image", 401},
			{"a token with more behind it", fresh, watcher + "s", 401},
			{"an expired host", expired, host, 401},
			{"an expired watcher", expired, watcher, 401},
		} {
			status, answer := by.at.ask(t, by.token, tt.method, tt.path, tt.body)
			if status != by.want || status == 401 && answer != "" {
				t.Errorf("%s %s by %s: %d %q, want %d", tt.method, tt.path, by.name, status, answer, by.want)
			}
		}
	}
	if n := hostsOf(t, fresh, watcher); n != 1 {
		t.Errorf("%d hosts have registered, want the one with the right token", n)
	}
}

func hostsOf(t *testing.T, a asker, token string) int {
	t.Helper()
	_, answer := a.ask(t, token, http.MethodGet, "/v1/status", "")
	var s agent.Status
	if err := json.Unmarshal([]byte(answer), &s); err != nil {
		t.Fatal(err)
	}
	return len(s.Hosts)
}
