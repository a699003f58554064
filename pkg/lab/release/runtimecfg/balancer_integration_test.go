//go:build integration

package runtimecfg

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

// apiServer answers readyz and names its machine over TLS.
func (n network) apiServer(id int) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, addr(id)) })
	srv := httptest.NewUnstartedServer(h)
	srv.Listener.Close()
	srv.Listener = n.listen(id, addr(id)+":6443")
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	n.t.Cleanup(srv.Close)
}

// fetch asks url from a machine over a new connection, which is made on the
// thread that is in the namespace.
func (n network) fetch(machine int, url string) (code int, body string, err error) {
	err = n.within(machine, func() error {
		conn, err := net.DialTimeout("tcp", strings.Split(strings.SplitN(url, "://", 2)[1], "/")[0], time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(4 * time.Second))
		c := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
			DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
				return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
			},
		}}
		resp, err := c.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		code, body = resp.StatusCode, string(raw)
		return err
	})
	return code, body, err
}

// TestBalancer has haproxy spread connections over masters, take one in by a
// reload, and go on when one loses its power.
func TestBalancer(t *testing.T) {
	n := newNetwork(t, 11, 12, 13)
	for _, id := range []int{11, 12, 13} {
		n.apiServer(id)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	tmpl, err := fs.ReadFile(render.OnPremTemplates(), "haproxy.cfg.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(tmpl), "/var/lib/haproxy/run", dir)
	if err := os.WriteFile(in("tmpl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := Output{Template: in("tmpl"), Path: in("cfg")}
	facts := Facts{Role: "master", Local: Local{Address: addr(11)}, Hosts: masters(11, 12)}
	if _, err := out.Write(Compute(facts)); err != nil {
		t.Fatal(err)
	}
	p := supervise.Program{
		Argv:   []string{"ip", "netns", "exec", n.ns(11), "haproxy", "-W", "-db", "-f", in("cfg")},
		Config: in("cfg"), Socket: in("sock"), Reload: syscall.SIGUSR2, Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	ready := func() bool {
		code, _, err := n.fetch(11, "http://127.0.0.1:9444/haproxy_ready")
		return err == nil && code == 200
	}
	eventually(t, 5*time.Second, "haproxy is ready", ready)

	lb := "https://" + addr(11) + ":9445/readyz"
	spread := func() map[string]int {
		seen := map[string]int{}
		for range 12 {
			_, body, err := n.fetch(12, lb)
			if err != nil {
				body = err.Error()
			}
			seen[body]++
		}
		return seen
	}
	if seen := spread(); len(seen) != 2 || seen[addr(11)] == 0 || seen[addr(12)] == 0 {
		t.Errorf("answers came from %v, want two masters", seen)
	}
	facts.Hosts = masters(11, 12, 13)
	if _, err := out.Write(Compute(facts)); err != nil {
		t.Fatal(err)
	}
	if err := supervise.Tell(t.Context(), in("sock"), supervise.Reload); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "a third master serves", func() bool { return spread()[addr(13)] > 0 })

	n.cut(13)
	// A connection that was on its way to the lost master when haproxy gave it
	// up is shut; a client tries again. There is room for one.
	var worst, last time.Duration
	failed := 0
	for cut := time.Now(); time.Since(cut) < 5*time.Second; time.Sleep(20 * time.Millisecond) {
		start := time.Now()
		if _, _, err := n.fetch(12, lb); err != nil {
			failed, last = failed+1, time.Since(cut)
			t.Logf("a request failed %s after the power cut: %v", last, err)
		}
		worst = max(worst, time.Since(start))
	}
	if failed > 1 || last > 3*time.Second {
		t.Errorf("%d requests failed, the last %s after the power cut", failed, last)
	}
	t.Logf("slowest answer after the power cut: %s", worst)
	if seen := spread(); seen[addr(13)] != 0 || len(seen) != 2 {
		t.Errorf("after the power cut answers came from %v", seen)
	}
}
