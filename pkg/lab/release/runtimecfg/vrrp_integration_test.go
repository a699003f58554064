//go:build integration

package runtimecfg

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
	"github.com/okd-install/okd-install/pkg/lab/release/runtimecfg/supervise"
)

const vip, ingressVIP = "198.18.77.200", "198.18.77.201"

// machine is one member of the VRRP group: the monitor, told what to see, and
// the real keepalived.
type machine struct {
	dir  string
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex
	good  map[string]bool
	hosts []Host
}

// OK implements Prober with what the test decides.
func (m *machine) OK(_ context.Context, url string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.good[url]
}

func (m *machine) set(url string, good bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.good[url] = good
}

// Hosts implements HostSource.
func (m *machine) Hosts(context.Context) []Host {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hosts
}

// Clients implements HostSource.
func (m *machine) Clients() []*kube.Client { return nil }

func (n network) start(id int, role string, hosts []Host) *machine {
	t := n.t
	t.Helper()
	m := &machine{dir: t.TempDir(), done: make(chan error, 1), good: map[string]bool{}, hosts: hosts}
	tmpl, err := fs.ReadFile(render.OnPremTemplates(), "keepalived.conf.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(m.dir, name) }
	if err := os.WriteFile(in("tmpl"), tmpl, 0o600); err != nil {
		t.Fatal(err)
	}
	cluster, err := NewCluster("lab", "lab.okd.test", vip, ingressVIP)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	log := slog.New(slog.DiscardHandler)
	tell := func(order string) error { return supervise.Tell(t.Context(), in("sock"), order) }
	p := supervise.Program{
		Argv: []string{"ip", "netns", "exec", n.ns(id), "keepalived", "--dont-fork", "--vrrp", "--log-console",
			"--pid=" + in("pid"), "--vrrp_pid=" + in("vrrp.pid"), "--use-file=" + in("conf")},
		Config: in("conf"), Socket: in("sock"), Reload: syscall.SIGHUP, Log: log,
	}
	go func() { m.done <- p.Run(ctx) }()
	k := &Keepalived{
		Facts: Facts{Cluster: cluster, Role: role, TrackDir: in("track"),
			Local: Local{Interface: "host0", Address: addr(id)}},
		Nodes: m, Probe: m, Output: Output{Template: in("tmpl"), Path: in("conf")}, Tell: tell,
		Clock: clock.Real(), Log: log,
	}
	steps, halt := context.WithCancel(ctx)
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		for steps.Err() == nil {
			if err := k.Step(steps); err != nil {
				t.Errorf("machine %d: %v", id, err)
			}
			_ = clock.Real().Sleep(steps, 200*time.Millisecond)
		}
	}()
	if role == "bootstrap" {
		h := Handover{Probe: m, URL: readyURL, Every: 300 * time.Millisecond, Threshold: 4,
			Config: in("conf"), Tell: tell, Clock: clock.Real(), Log: log}
		go func() {
			if h.Wait(ctx) == nil {
				halt()
				<-looped
				_ = h.Give(ctx)
			}
		}()
	}
	t.Cleanup(func() {
		halt()
		stop()
		<-m.done
	})
	return m
}

func masters(ids ...int) []Host {
	var out []Host
	for _, id := range ids {
		out = append(out, Host{Name: "m" + addr(id), Address: addr(id), Master: true})
	}
	return out
}

// TestHandoverAndFailover goes through an installation: the bootstrap machine
// has the address, gives it to a master when its API server is gone; then the
// master that holds it loses its power.
func TestHandoverAndFailover(t *testing.T) {
	n := newNetwork(t, 10, 11, 12, 13, 99)
	all := []int{10, 11, 12, 13}
	for _, id := range all {
		go greet(n.listen(id, ":6443"), addr(id))
	}
	group := masters(11, 12, 13)

	boot := n.start(10, "bootstrap", nil)
	boot.set(readyURL, true)
	took := eventually(t, 6*time.Second, "the bootstrap takes the address without any peer", func() bool {
		w, _ := n.ask(99, vip+":6443")
		return w == addr(10)
	})
	t.Logf("bootstrap took the address after %s", took)

	m := map[int]*machine{}
	for _, id := range []int{11, 12, 13} {
		m[id] = n.start(id, "master", group)
		m[id].set(mcsURL, true)
	}
	time.Sleep(3 * time.Second)
	if got := n.holders(vip, all...); !slices.Equal(got, []int{10}) {
		t.Fatalf("masters without an API hold the address: %v", got)
	}
	boot.mu.Lock()
	boot.hosts = group
	boot.mu.Unlock()
	for _, id := range []int{11, 12, 13} {
		m[id].set(readyURL, true)
		m[id].set(lbURL, true)
	}
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got := n.holders(vip, all...); !slices.Equal(got, []int{10}) {
			t.Fatalf("with 68 against 70 the address is at %v, want the bootstrap all the time", got)
		}
	}

	boot.set(readyURL, false)
	took = eventually(t, 6*time.Second, "a master takes the address from the bootstrap", func() bool {
		w, err := n.ask(99, vip+":6443")
		return err == nil && w != addr(10)
	})
	t.Logf("bootstrap handed over after %s", took)
	if took < time.Second {
		t.Errorf("handed over after %s: before five failures in a row", took)
	}

	holder := n.holders(vip, all...)
	if len(holder) != 1 {
		t.Fatalf("address at %v, want one machine", holder)
	}
	n.cut(holder[0])
	took = eventually(t, 5*time.Second, "another master takes the address", func() bool {
		w, err := n.ask(99, vip+":6443")
		return err == nil && w != addr(holder[0])
	})
	t.Logf("address moved after %s", took)

	// A balancer that fails moves the address as well: 68 against 48.
	var rest []int
	for _, id := range []int{11, 12, 13} {
		if id != holder[0] {
			rest = append(rest, id)
		}
	}
	second := n.holders(vip, rest...)
	if len(second) != 1 {
		t.Fatalf("address at %v, want one machine", second)
	}
	m[second[0]].set(lbURL, false)
	eventually(t, 5*time.Second, "the address leaves a master without a balancer", func() bool {
		got := n.holders(vip, rest...)
		return len(got) == 1 && got[0] != second[0]
	})
}
