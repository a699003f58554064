package runtimecfg

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

var quiet = slog.New(slog.DiscardHandler)

type hosts []Host

func (h hosts) Hosts(context.Context) []Host { return h }
func (h hosts) Clients() []*kube.Client      { return nil }

type answers map[string]bool

func (a answers) OK(_ context.Context, url string) bool { return a[url] }

type orders []string

func (o *orders) tell(order string) error {
	*o = append(*o, order)
	return nil
}

const (
	lbURL    = "http://127.0.0.1:9444/haproxy_ready"
	readyURL = "https://127.0.0.1:6443/readyz"
	mcsURL   = "https://127.0.0.1:22623/healthz"
)

func TestKeepalivedWaitsForPeersAndAnAPI(t *testing.T) {
	dir := templates(t)
	conf := filepath.Join(dir, "keepalived.conf")
	facts := labFacts(t, "master", "198.18.0.101")
	all := facts.Hosts
	facts.Serving, facts.Hosts, facts.TrackDir = false, nil, filepath.Join(dir, "track")
	seen := answers{}
	var told orders
	clk := clock.NewFake(time.Unix(0, 0))
	k := &Keepalived{Facts: facts, Nodes: hosts(nil), Probe: seen, Tell: told.tell, Clock: clk, Log: quiet,
		Output: Output{Template: filepath.Join(dir, "keepalived.conf.tmpl"), Path: conf}}
	step := func(times int) string {
		t.Helper()
		for range times {
			clk.Advance(time.Second)
			if err := k.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		raw, _ := os.ReadFile(conf)
		return string(raw)
	}
	if got := step(3); got != "" {
		t.Errorf("alone, it configures\n%s", got)
	}
	k.Nodes = hosts(all)
	if got := step(3); strings.Contains(got, "lab_API") || !strings.Contains(got, "lab_INGRESS") {
		t.Errorf("before it has an API it offers\n%s", got)
	}
	seen[lbURL], seen[mcsURL] = true, true
	if got := step(2); strings.Contains(got, "lab_API") {
		t.Error("two good answers were enough")
	}
	if got := step(1); strings.Contains(got, "lab_API") {
		t.Error("a result and a reload came at the same time")
	}
	if got := step(1); !strings.Contains(got, "lab_API") {
		t.Errorf("with a balancer it does not offer the API\n%s", got)
	}
	if want := []string{supervise.Reload, supervise.Reload}; !slices.Equal(told, want) {
		t.Errorf("told %q, want one reload per change", told)
	}
	for name, want := range map[string]string{"ocp_lb": "1\n", "ocp_both": "1\n", "ocp_mcs": "1\n",
		"ingress_ready": "0\n"} {
		if got, _ := os.ReadFile(filepath.Join(facts.TrackDir, name)); string(got) != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	// The API goes: the number changes at once, the configuration stays.
	clear(seen)
	if got := step(2); !strings.Contains(got, "lab_API") {
		t.Error("it left the group of the API address")
	}
	if got, _ := os.ReadFile(filepath.Join(facts.TrackDir, "ocp_lb")); string(got) != "0\n" {
		t.Errorf("ocp_lb = %q after two failures", got)
	}
}

func TestKeepalivedRestartKeepsResults(t *testing.T) {
	dir := templates(t)
	facts := labFacts(t, "master", "198.18.0.101")
	facts.TrackDir = filepath.Join(dir, "track")
	if err := os.Mkdir(facts.TrackDir, 0o700); err != nil {
		t.Fatal(err)
	}
	lb := filepath.Join(facts.TrackDir, "ocp_lb")
	if err := os.WriteFile(lb, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	clk := clock.NewFake(time.Unix(0, 0))
	k := &Keepalived{Facts: facts, Nodes: hosts(facts.Hosts), Probe: answers{}, Tell: new(orders).tell,
		Clock: clk, Log: quiet,
		Output: Output{Template: filepath.Join(dir, "keepalived.conf.tmpl"), Path: filepath.Join(dir, "conf")}}
	for _, want := range []string{"1\n", "0\n"} {
		clk.Advance(time.Second)
		if err := k.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(lb); string(got) != want {
			t.Errorf("ocp_lb = %q, want %q", got, want)
		}
	}
}

func TestKeepalivedTellsUntilHeard(t *testing.T) {
	dir := templates(t)
	facts := labFacts(t, "worker", "198.18.0.104")
	facts.TrackDir = filepath.Join(dir, "track")
	tries := 0
	clk := clock.NewFake(time.Unix(0, 0))
	k := &Keepalived{Facts: facts, Nodes: hosts(facts.Hosts), Probe: answers{}, Clock: clk, Log: quiet,
		Output: Output{Template: filepath.Join(dir, "keepalived.conf.tmpl"), Path: filepath.Join(dir, "conf")},
		Tell: func(string) error {
			if tries++; tries < 3 {
				return errors.New("connection refused")
			}
			return nil
		}}
	for range 5 {
		clk.Advance(time.Second)
		if err := k.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if tries != 3 {
		t.Errorf("told %d times, want 3: until it was heard, then no more", tries)
	}
}

type probes struct {
	answers []bool
	asked   int
}

func (p *probes) OK(context.Context, string) bool {
	ok := p.answers[min(p.asked, len(p.answers)-1)]
	p.asked++
	return ok
}

// instant is a clock on which waiting takes no time.
type instant struct{ clock.Clock }

func (instant) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func TestHandover(t *testing.T) {
	up, down := true, false
	for _, c := range []struct {
		name    string
		answers []bool
		asked   int
	}{
		{"after five failures in a row", []bool{up, down}, 6},
		{"not before the API has come up", []bool{down, down, down, down, down, down, down, up, down}, 13},
		{"a success in between starts over", []bool{up, down, down, down, down, up, down}, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := filepath.Join(t.TempDir(), "conf")
			if err := os.WriteFile(conf, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			p := &probes{answers: c.answers}
			var told orders
			h := Handover{Probe: p, Threshold: 4, Config: conf, Tell: told.tell, Clock: instant{}, Log: quiet}
			if err := h.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p.asked != c.asked {
				t.Errorf("asked %d times, want %d", p.asked, c.asked)
			}
			open := 3
			h.Open = func() (int, error) { open--; return open, nil }
			if h.Drain(t.Context()); open != 0 {
				t.Errorf("did not wait for %d connections", open)
			}
			if err := h.Give(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(conf); !os.IsNotExist(err) || !slices.Equal(told, []string{supervise.Stop}) {
				t.Errorf("told %q, configuration still there: %v", told, err == nil)
			}
		})
	}
}

// A connection that nobody closes does not keep the address for longer than the limit.
func TestDrainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Handover{Every: time.Second, Clock: clock.Real(), Log: quiet}
		h.Open = func() (int, error) { return 1, nil }
		began := time.Now()
		h.Drain(t.Context())
		if took := time.Since(began); took != drainLimit {
			t.Errorf("waited %s, want %s", took, drainLimit)
		}
	})
}

type rule struct{ history []string }

func (r *rule) On(context.Context) error  { r.history = append(r.history, "on"); return nil }
func (r *rule) Off(context.Context) error { r.history = append(r.history, "off"); return nil }

func TestHAProxy(t *testing.T) {
	dir := templates(t)
	facts := labFacts(t, "master", "198.18.0.101")
	seen := answers{}
	var told orders
	r := &rule{}
	h := &HAProxy{Facts: facts, Nodes: hosts(facts.Hosts), Probe: seen, Redirect: r, Tell: told.tell, Log: quiet,
		Output: Output{Template: filepath.Join(dir, "haproxy.cfg.tmpl"), Path: filepath.Join(dir, "haproxy.cfg")}}
	for _, c := range []struct {
		up    bool
		steps int
		want  []string
	}{
		{false, 1, []string{"off"}}, // what a former life left
		{true, 2, []string{"off"}},
		{true, 1, []string{"off", "on"}},
		{false, 1, []string{"off", "on"}},
		{false, 1, []string{"off", "on", "off"}},
	} {
		seen[lbURL] = c.up
		for range c.steps {
			if err := h.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(r.history, c.want) {
			t.Fatalf("redirection %q, want %q", r.history, c.want)
		}
	}
	if !slices.Equal(told, []string{supervise.Reload}) {
		t.Errorf("told %q, want one reload", told)
	}
}

func TestCoreDNSKeepsUpstreams(t *testing.T) {
	dir := templates(t)
	facts := labFacts(t, "worker", "198.18.0.104")
	facts.Upstreams = nil
	resolv := filepath.Join(dir, "resolv.conf")
	c := &CoreDNS{Facts: facts, Nodes: hosts(facts.Hosts), ResolvConf: resolv, Log: quiet,
		Output: Output{Template: filepath.Join(dir, "Corefile.tmpl"), Path: filepath.Join(dir, "Corefile")}}
	for _, text := range []string{
		"nameserver 198.18.0.104\nnameserver 198.18.0.1\nnameserver 127.0.0.53\nnameserver 198.18.0.10\n",
		"nameserver 198.18.0.104\n", // half written
	} {
		if err := os.WriteFile(resolv, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, _ := os.ReadFile(c.Output.Path)
		if !strings.Contains(string(got), "forward . 198.18.0.1 {") {
			t.Errorf("after %q:\n%s", text, got)
		}
	}
}

func TestListerRemembers(t *testing.T) {
	body := `{"items":[
		{"metadata":{"name":"m","labels":{"node-role.kubernetes.io/master":""}},"status":{
			"addresses":[{"type":"Hostname","address":"m"},{"type":"InternalIP","address":"198.18.0.101"}]}},
		{"metadata":{"name":"new"},"status":{}}]}`
	asked, code := 0, 200
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	clk := clock.NewFake(time.Unix(0, 0))
	l := &Lister{Kubeconfig: kubeconfig, Addresses: []string{""}, Every: 10 * time.Second, Eager: 2 * time.Second,
		Enough: 1, Clock: clk, News: program.News{Log: quiet}}
	if got := l.Hosts(t.Context()); got != nil {
		t.Errorf("without credentials: %v", got)
	}
	text := "apiVersion: v1\nkind: Config\ncurrent-context: c\n" +
		"clusters: [{name: c, cluster: {server: '" + srv.URL + "'}}]\n" +
		"contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	clk.Advance(2 * time.Second)
	want := []Host{{Name: "m", Address: "198.18.0.101", Master: true}}
	if got := l.Hosts(t.Context()); !slices.Equal(got, want) {
		t.Fatalf("hosts %v, want %v", got, want)
	}
	clk.Advance(5 * time.Second)
	l.Hosts(t.Context())
	if asked != 1 {
		t.Errorf("asked %d times within 10 s", asked)
	}
	for _, c := range []struct {
		code int
		body string
	}{{500, "{}"}, {200, `{"items":[]}`}} {
		code, body = c.code, c.body
		clk.Advance(10 * time.Second)
		if got := l.Hosts(t.Context()); !slices.Equal(got, want) {
			t.Errorf("after answer %d %s: %v, want the last list", c.code, c.body, got)
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
}
