//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// Limits on a machine of the usual speed.
const (
	maxOutage = 5 * time.Second  // of the API, at its virtual address
	maxHiccup = time.Second      // of the API afterwards: a single question on a busy machine
	maxRejoin = 30 * time.Second // of a master, from power-on
)

// usualStart is how long a temporary control plane takes to answer on two idle
// cores (8 to 10 s, docs/benchmarks.md), with half of it as a margin.
const usualStart = 15 * time.Second

// pace is how many times slower than usual this machine was when it installed the
// cluster, at least 1 and at most 6. The speed of machines varies, so limits are scaled
// by what the same machine did minutes before.
func (c *cluster) pace(t *testing.T) float64 {
	t.Helper()
	pace := 1.0
	for _, r := range journal(t, c.dir) {
		for _, p := range r.Phases {
			if p.Name == phases.APIAnswers.Name && p.Result == phase.Done {
				pace = max(pace, p.Took().Seconds()/usualStart.Seconds())
			}
		}
	}
	pace = min(pace, 6)
	measured(t, "pace: this machine took %.1f times as long as usual", pace)
	return pace
}

// slowed scales a limit by the pace.
func slowed(limit time.Duration, pace float64) time.Duration {
	return time.Duration(float64(limit) * pace)
}

// masterWithVIPLost powers off the master that holds the API's address, and powers it
// on again.
func masterWithVIPLost(t *testing.T, c *cluster) {
	vip := c.vip(t)
	victim, survivor := "", ""
	for _, m := range c.own(t) {
		if slices.Contains(m.Addresses, netip.MustParseAddr(vip)) {
			victim = m.Name
		} else if slices.Contains(c.masters(t), m.Name) {
			survivor = m.Name
		}
	}
	if victim == "" {
		t.Fatalf("no machine has %s", vip)
	}
	p := c.probe(t, vip)
	time.Sleep(2 * time.Second)
	if !p.answered() {
		t.Fatalf("before the power-off: %s", p)
	}
	cut := time.Now()
	c.press(t, victim, "kill")
	t.Logf("%s is off", victim)
	time.Sleep(15 * time.Second)
	outage, failed := p.outage(cut)
	measured(t, "API at the virtual address without an answer for %.1f s after power-off of the master that held "+
		"it (%d probes, one every 100 ms, failed)", outage.Seconds(), failed)
	pace := c.pace(t)
	if limit := slowed(maxOutage, pace); outage > limit {
		t.Errorf("the API did not answer for %s, want at most %s: %s", outage, limit, p)
	}
	c.usable(t, survivor, time.Minute)
	// The node must be seen NotReady before it can be seen to come back.
	gone := eventually(t, 2*time.Minute, func() string {
		if c.nodeReady(t, victim) {
			return victim + " is still said to be Ready"
		}
		return ""
	})
	t.Logf("%s is not Ready since %s", victim, gone)
	c.usable(t, survivor, time.Minute)
	c.rejoins(t, victim, slowed(maxRejoin, pace))
	p.stop()
	if silence := p.silence(cut.Add(15 * time.Second)); silence > slowed(maxHiccup, pace) {
		t.Errorf("no answer for %s later, while the master was away or came back: %s", silence, p)
	}
	step(t, "Nodes", func(t *testing.T) { c.nodesReady(t) })
	c.usable(t, victim, time.Minute)
}

// rejoins powers a master on and waits until all parts of it are back.
func (c *cluster) rejoins(t *testing.T, victim string, within time.Duration) {
	t.Helper()
	start := time.Now()
	c.press(t, victim, "start")
	pending := map[string]func() string{
		"node Ready": func() string {
			if !c.nodeReady(t, victim) {
				return "not Ready"
			}
			return ""
		},
		"etcd member healthy": func() string {
			if out, err := c.etcdctl(t, []string{victim}, "endpoint", "health"); err != nil {
				return last(out+err.Error(), 3)
			}
			return ""
		},
		"API server ready": func() string { return c.apiReady(t, victim) },
	}
	for len(pending) > 0 {
		for what, why := range pending {
			reason := why()
			took := time.Since(start)
			switch {
			case reason == "":
				measured(t, "%s %.1f s after power-on of a master", what, took.Seconds())
				if took > within {
					t.Errorf("%s: %s is more than %s", what, took, within)
				}
				delete(pending, what)
			case took > 3*time.Minute:
				t.Fatalf("%s: not after %s: %s", what, took.Round(time.Second), reason)
			}
		}
		time.Sleep(250 * time.Millisecond)
	}
}

func (c *cluster) vip(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(c.apiURL(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.facts(t).Clusters {
		if u.Hostname() == "api."+f.Name+"."+f.BaseDomain {
			return f.API.String()
		}
	}
	t.Fatalf("the lab knows no cluster at %s", u)
	return ""
}

func (c *cluster) apiURL(t *testing.T) string {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Host
}

// client makes a client of API servers outside of the cluster, for any address, with a
// new connection for every request.
func (c *cluster) client(t *testing.T) *http.Client {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cfg.CAData)
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: c.dial,
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: u.Hostname()},
	}}
}

func (c *cluster) nodeReady(t *testing.T, name string) bool {
	t.Helper()
	var n corev1.Node
	c.get(t, &n, "node", name)
	return ready(n)
}

// apiReady checks the API server of one master.
func (c *cluster) apiReady(t *testing.T, name string) string {
	t.Helper()
	for _, m := range c.own(t) {
		if m.Name == name && len(m.Addresses) > 0 {
			if err := readyz(t.Context(), c.client(t), m.Addresses[0].String()); err != nil {
				return err.Error()
			}
			return ""
		}
	}
	return "it has no address"
}

func readyz(ctx context.Context, client *http.Client, host string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+net.JoinHostPort(host, "6443")+"/readyz",
		nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", resp.Status)
	}
	return nil
}

// prober sends the API a request ten times a second.
type prober struct {
	mu      sync.Mutex
	answers []answer
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

type answer struct {
	asked, ended time.Time
	err          error
}

func (c *cluster) probe(t *testing.T, vip string) *prober {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &prober{cancel: cancel}
	client := c.client(t)
	p.done.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			p.done.Go(func() {
				asked := time.Now()
				err := readyz(context.WithoutCancel(ctx), client, vip)
				p.mu.Lock()
				defer p.mu.Unlock()
				p.answers = append(p.answers, answer{asked, time.Now(), err})
			})
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *prober) stop() {
	p.cancel()
	p.done.Wait()
}

// answered reports whether every request was answered so far.
func (p *prober) answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answers) > 0 && !slices.ContainsFunc(p.answers, func(a answer) bool { return a.err != nil })
}

// outage returns the time from cut until the API answered for good, and the number of
// requests that failed.
func (p *prober) outage(cut time.Time) (time.Duration, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lastFailed time.Time
	failed := 0
	for _, a := range p.answers {
		if a.ended.Before(cut) || a.err == nil {
			continue
		}
		failed++
		if a.asked.After(lastFailed) {
			lastFailed = a.asked
		}
	}
	if failed == 0 {
		return 0, 0
	}
	return lastFailed.Add(100 * time.Millisecond).Sub(cut), failed
}

// silence returns the longest time after since in which no request was answered.
func (p *prober) silence(since time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	answers := slices.Clone(p.answers)
	slices.SortFunc(answers, func(a, b answer) int { return a.asked.Compare(b.asked) })
	var longest time.Duration
	var silent time.Time // since when, if it is
	for _, a := range answers {
		if a.asked.Before(since) {
			continue
		}
		switch {
		case a.err == nil:
			silent = time.Time{}
			continue
		case silent.IsZero():
			silent = a.asked
		}
		longest = max(longest, a.asked.Add(100*time.Millisecond).Sub(silent))
	}
	return longest
}

// String lists the failures, by reason.
func (p *prober) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := fmt.Sprintf("%d probes", len(p.answers))
	previous := ""
	for _, a := range p.answers {
		if a.err != nil && a.err.Error() != previous {
			previous = a.err.Error()
			out += fmt.Sprintf("\n%s %v", a.asked.Format("15:04:05.000"), a.err)
		}
	}
	return out
}
