package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// serve runs the real service on loopback, with a certificate of its own CA and tokens for an hour.
func serve(t *testing.T, valid time.Time) (*agent.Config, netip.AddrPort) {
	t.Helper()
	return serveUntil(t, valid, time.Now().Add(time.Hour))
}

func serveUntil(t *testing.T, valid, expires time.Time) (*agent.Config, netip.AddrPort) {
	t.Helper()
	ca, err := certs.NewAuthority(valid, pki.Name{Common: "agent"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pki.Leaf{Name: pki.Name{Common: "r"}, Life: time.Hour, Usage: pki.Server}
	cert, err := certs.Issue(ca, valid, leaf, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c := &agent.Config{
		ClusterName: "demo", Rendezvous: netip.MustParseAddr("127.0.0.1"), Masters: 3, Expires: expires,
		CA: string(ca.Cert), Certificate: string(cert.Cert), Key: secret.New(string(cert.Key)),
		AgentToken: secret.New("token-of-hosts"), WatcherToken: secret.New("token-of-watchers"),
	}
	s, err := service.New(c, t.TempDir(), clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c, netip.MustParseAddrPort(l.Addr().String())
}

func dial(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	out, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRequests(t *testing.T) {
	c, at := serve(t, time.Now())
	if got := client.OfHost(c); got.Address.Port() != agent.Port || got.Token.Reveal() != "token-of-hosts" {
		t.Errorf("config of a host: %s", got.Address)
	}
	host := dial(t, client.Config{Address: at, CA: c.CA, Token: client.OfHost(c).Token})
	watcher := dial(t, client.Config{Address: at, CA: c.CA, Token: client.OfWatcher(c).Token})
	ctx := t.Context()
	report := agent.Report{Boot: "1", Stage: agent.Discovering, Inventory: agent.Inventory{ID: "one"}}
	order, err := host.Report(ctx, report)
	if err != nil || order.Action != agent.Wait || order.Time.IsZero() {
		t.Fatalf("%+v, %v", order, err)
	}
	if err := host.SendLogs(ctx, "one", []byte("the logs")); err != nil {
		t.Error(err)
	}
	s, err := watcher.Status(ctx)
	if err != nil || len(s.Hosts) != 1 || s.ClusterName != "demo" {
		t.Errorf("%+v, %v", s, err)
	}
	var logs bytes.Buffer
	if err := watcher.Logs(ctx, &logs); err != nil || !strings.Contains(logs.String(), "the logs") {
		t.Errorf("%v, %d bytes", err, logs.Len())
	}
	if err := host.Logs(ctx, &logs); !errors.Is(err, client.ErrRefused) {
		t.Errorf("a host reads the logs: %v", err)
	}
	report.Stage = "dancing"
	_, err = host.Report(ctx, report)
	if err == nil || !strings.Contains(err.Error(), `400 invalid report: stage "dancing"`) {
		t.Errorf("error %v", err)
	}
}

// TestCauses: an error says what is wrong between the two hosts.
func TestCauses(t *testing.T) {
	c, at := serve(t, time.Now())
	_, otherAt := serve(t, time.Now())
	old, oldAt := serve(t, time.Now().Add(-50*time.Hour))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer plain.Close()
	for _, tt := range []struct {
		address netip.AddrPort
		ca      string
		want    string
	}{
		{otherAt, c.CA, "it runs another image"},
		{oldAt, old.CA, "the clock of this host says otherwise"},
		{netip.MustParseAddrPort(closed.Addr().String()), c.CA, "connection refused"},
		{netip.MustParseAddrPort(plain.Listener.Addr().String()), c.CA, "HTTP response to HTTPS"},
		{at, c.CA, "does not accept the token"},
	} {
		_, err := dial(t, client.Config{Address: tt.address, CA: tt.ca, Token: secret.New("wrong-token")}).Status(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "wrong-token") {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if _, err := client.New(client.Config{CA: "x"}); err == nil {
		t.Error("a CA that is none")
	}
	// Older versions of TLS are not spoken.
	pool := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	if conn, err := tls.Dial("tcp", at.String(), pool); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.2")
	}
}
