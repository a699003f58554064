//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/center"
)

// TestAgentAddNodes adds two workers to a cluster of three masters, from one image. One of them
// boots the image once more, as it would after a reboot with the medium still in front.
func TestAgentAddNodes(t *testing.T) {
	l := newLab(t, "agent-add-nodes")
	l.up(t)
	s := center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3}
	a := newAgents(t, l, s)
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "Installation", func(t *testing.T) {
		a.prepare(t, s)
		a.image(t)
		a.runs = append(a.runs, a.finish(t, installBudget, 0, a.dir, "agent", "wait-for", "install-complete"))
	})
	s.Workers = 2
	all, err := center.Hosts(s)
	if err != nil {
		t.Fatal(err)
	}
	nodes := slices.DeleteFunc(all, func(h center.Host) bool { return !strings.HasPrefix(h.Name, "worker-") })
	// A directory of its own, as if somebody else had installed the cluster.
	dir := filepath.Join(l.work, "nodes")
	iso := filepath.Join(dir, "node.x86_64.iso")
	step(t, "Image", func(t *testing.T) {
		l.nodesConfig(t, dir)
		r := a.finish(t, 5*time.Minute, 0, dir, "agent", "add-nodes", "--kubeconfig", a.kubeconfig())
		a.runs = append(a.runs, r)
		measured(t, "agent, 2 new workers: image made in %.0f s", r.took.Seconds())
		for _, h := range nodes {
			l.okdLab(t, "hosts", "create", h.Name, "--mac", h.MAC)
			l.okdLab(t, "hosts", "media", "insert", h.Name, iso)
		}
	})
	step(t, "Join", func(t *testing.T) {
		began := time.Now()
		for _, h := range nodes {
			l.okdLab(t, "hosts", "power", "on", h.Name)
		}
		r := a.finish(t, installBudget, 0, dir, "agent", "monitor-add-nodes", "--kubeconfig", a.kubeconfig(),
			"--approve-csrs", "--timeout", "10m")
		a.runs = append(a.runs, r)
		measured(t, "agent, 2 new workers: Ready after %.0f s", time.Since(began).Seconds())
		said := r.stderr.String()
		for _, h := range nodes {
			for _, want := range []string{"Host " + h.Name + ": writes ", "Approved client certificate of node " + h.Name,
				"Approved serving certificate of node " + h.Name, "Node " + h.Name + " is Ready"} {
				if !strings.Contains(said, want) {
					t.Errorf("monitoring does not say %q:\n%s", want, last(said, 30))
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	a.size.workers = 2
	step(t, "Nodes", func(t *testing.T) { a.nodesJoined(t, nodes) })
	step(t, "Clash", func(t *testing.T) {
		r := a.finish(t, time.Minute, 1, dir, "agent", "add-nodes", "--kubeconfig", a.kubeconfig())
		if said := r.stderr.String(); !strings.Contains(said, "is a node of the cluster") {
			t.Errorf("what is a node already is added again:\n%s", last(said, 10))
		}
	})
	step(t, "BootedAgain", func(t *testing.T) { a.bootedAgain(t, nodes[1], iso) })
	step(t, "Workload", func(t *testing.T) { a.workload(t) })
}

// nodesConfig writes nodes-config.yaml with the workers of the lab's agent-config.yaml.
func (l *lab) nodesConfig(t *testing.T, dir string) {
	t.Helper()
	text := l.okdLab(t, "agent-config", "--name", "demo", "--masters", "3", "--workers", "2")
	var config struct {
		Hosts []map[string]any `json:"hosts"`
	}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	config.Hosts = slices.DeleteFunc(config.Hosts, func(h map[string]any) bool { return h["role"] != "worker" })
	data, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nodes-config.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// nodesJoined checks that the new hosts are workers at their own addresses, and that the masters,
// which run workload as well, are as they were.
func (a *agents) nodesJoined(t *testing.T, nodes []center.Host) {
	for _, h := range nodes {
		if !a.nodeReady(t, h.Name) {
			t.Errorf("node %s is not Ready", h.Name)
		}
		got := a.kubectl(t, "get", "node", h.Name, "-o",
			`jsonpath={.status.addresses[?(@.type=="InternalIP")].address} {.metadata.labels.node-role\.kubernetes\.io/master}`)
		if got != h.Address.String()+" " {
			t.Errorf("node %s has address and role of a master %q", h.Name, got)
		}
	}
	for _, name := range a.masters(t) {
		if !a.nodeReady(t, name) {
			t.Errorf("node %s is not Ready any more", name)
		}
	}
}

// bootedAgain lets a node boot the image once more. Its disk has to stay as it is.
func (a *agents) bootedAgain(t *testing.T, h center.Host, iso string) {
	uid := a.kubectl(t, "get", "node", h.Name, "-o", "jsonpath={.metadata.uid} {.status.nodeInfo.machineID}")
	a.okdLab(t, "hosts", "power", "off", h.Name)
	a.okdLab(t, "hosts", "media", "insert", h.Name, iso)
	a.okdLab(t, "hosts", "boot", h.Name, "--once", "media")
	a.okdLab(t, "hosts", "power", "on", h.Name)
	eventually(t, 2*time.Minute, func() string {
		if out := a.okdLab(t, "hosts", "console", h.Name); !strings.Contains(out, "written from this image") {
			return "the console does not say that the disk was written already:\n" + last(out, 15)
		}
		return ""
	})
	a.okdLab(t, "hosts", "power", "off", h.Name)
	a.okdLab(t, "hosts", "media", "eject", h.Name)
	a.okdLab(t, "hosts", "power", "on", h.Name)
	eventually(t, 3*time.Minute, func() string {
		if !a.nodeReady(t, h.Name) {
			return h.Name + " is not Ready"
		}
		return ""
	})
	now := a.kubectl(t, "get", "node", h.Name, "-o", "jsonpath={.metadata.uid} {.status.nodeInfo.machineID}")
	if now != uid {
		t.Errorf("node %s is %s, and was %s", h.Name, now, uid)
	}
}
