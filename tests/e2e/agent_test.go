//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/center"
)

// agents is a cluster whose hosts boot an image of their own.
type agents struct {
	*cluster
	hosts []center.Host
}

// newAgents writes the inputs of a cluster with static addresses, and makes its hosts.
// Nothing in the network knows their cards, so that DHCP gives them nothing useful.
func (l *lab) newAgents(t *testing.T, name string, s size) *agents {
	t.Helper()
	size := center.ClusterSize{Name: name, Platform: "baremetal", Masters: s.masters, Workers: s.workers}
	hosts, err := center.Hosts(size)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{lab: l, dir: filepath.Join(l.work, name), size: s, upi: true}
	flags := []string{"--name", name, "--masters", fmt.Sprint(s.masters), "--workers", fmt.Sprint(s.workers)}
	l.config(t, c.dir, append(flags, "--platform", size.Platform)...)
	text := l.okdLab(t, append([]string{"agent-config"}, flags...)...)
	if err := os.WriteFile(filepath.Join(c.dir, "agent-config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		l.okdLab(t, "hosts", "create", h.Name, "--mac", h.MAC)
	}
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	return &agents{cluster: c, hosts: hosts}
}

// image makes the image and inserts it into every host, which is then switched on.
func (a *agents) image(t *testing.T) {
	t.Helper()
	a.finish(t, 5*time.Minute, 0, a.dir, "agent", "create", "image")
	iso := filepath.Join(a.dir, "agent.x86_64.iso")
	for _, h := range a.hosts {
		a.okdLab(t, "hosts", "media", "insert", h.Name, iso)
		a.okdLab(t, "hosts", "power", "on", h.Name)
	}
}

// wait runs agent wait-for to its end.
func (a *agents) wait(t *testing.T, what, want string) {
	t.Helper()
	r := a.finish(t, installBudget, 0, a.dir, "agent", "wait-for", what)
	if said := r.stdout.String() + r.stderr.String(); !strings.Contains(said, want) {
		t.Errorf("the wait does not say %q:\n%s", want, last(said, 10))
	}
}

// TestAgent installs a cluster of three masters from one image, with static addresses.
func TestAgent(t *testing.T) {
	l := newLab(t, "agent")
	l.up(t)
	var a *agents
	began := time.Now()
	step(t, "Image", func(t *testing.T) {
		a = l.newAgents(t, "demo", size{masters: 3})
		a.image(t)
	})
	step(t, "Installation", func(t *testing.T) {
		a.wait(t, "bootstrap-complete", "Bootstrap is complete")
		measured(t, "agent: bootstrap complete after %.0f s", time.Since(began).Seconds())
		a.wait(t, "install-complete", "Install complete!")
		measured(t, "agent: install complete after %.0f s", time.Since(began).Seconds())
	})
	step(t, "Release", func(t *testing.T) { a.releaseInstalled(t) })
	step(t, "Nodes", func(t *testing.T) { a.nodesReady(t) })
	step(t, "Etcd", func(t *testing.T) { a.etcdVotes(t) })
	step(t, "Workload", func(t *testing.T) { a.workload(t) })
}
