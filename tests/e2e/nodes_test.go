//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/install/nodes"
	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
)

// nodesBudget is how long two hosts may take to join on a busy machine.
const nodesBudget = 15 * time.Minute

// TestMetalNodes adds two workers of two vendors to a cluster of three masters, through their BMCs; removes one of
// them, and adds it again.
func TestMetalNodes(t *testing.T) {
	size := center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3}
	l := newLab(t, "metal-nodes")
	a := newAgents(t, l, size)
	l.up(t)
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "Hosts", func(t *testing.T) { a.withBMCs(t, "idrac9", size) })
	step(t, "Installation", func(t *testing.T) {
		a.runs = append(a.runs, a.finish(t, installBudget, 0, a.dir, "create", "cluster"))
	})
	masters := len(a.hosts)
	size.Workers = 2
	all, err := center.Hosts(size)
	if err != nil {
		t.Fatal(err)
	}
	workers := slices.DeleteFunc(all, func(h center.Host) bool { return !strings.HasPrefix(h.Name, "worker-") })
	for i, profile := range []string{"idrac10", "ilo5"} {
		l.okdLab(t, "hosts", "create", workers[i].Name, "--mac", workers[i].MAC, "--bmc", profile)
	}
	l.nodesConfig(t, a.dir)
	a.addBMCs(t, a.dir)
	gone, stays := workers[0].Name, workers[1].Name

	step(t, "Waiting", func(t *testing.T) {
		list := a.listNodes(t)
		if len(list.Nodes) != masters || len(list.Waiting) != 2 {
			t.Errorf("%d nodes, %d hosts that wait, want %d and 2", len(list.Nodes), len(list.Waiting), masters)
		}
	})
	step(t, "Add", func(t *testing.T) { a.addNodes(t, workers) })
	if t.Failed() {
		return
	}
	a.size.workers = 2
	step(t, "Nodes", func(t *testing.T) { a.nodesJoined(t, workers) })
	step(t, "Known", func(t *testing.T) { a.knownHosts(t, gone, stays) })
	step(t, "Again", func(t *testing.T) { // what is a node is left alone
		r := a.finish(t, time.Minute, 0, a.dir, "nodes", "add")
		if said := r.stderr.String(); !strings.Contains(said, "Node "+stays+" is Ready already") ||
			strings.Contains(said, "starts from the image") {
			t.Errorf("the second run said\n%s", last(said, 20))
		}
	})
	step(t, "ControlPlane", func(t *testing.T) {
		a.finish(t, time.Minute, 9, a.dir, "nodes", "remove", a.hosts[0].Name)
	})
	step(t, "Workload", func(t *testing.T) { a.workload(t) })
	step(t, "Remove", func(t *testing.T) {
		a.runs = append(a.runs, a.finish(t, nodesBudget, 0, a.dir, "nodes", "remove", gone))
		a.removed(t, gone)
		if !a.nodeReady(t, stays) {
			t.Errorf("node %s is not Ready any more", stays)
		}
		r := a.finish(t, time.Minute, 0, a.dir, "nodes", "remove", gone)
		if said := r.stderr.String(); !strings.Contains(said, "Node "+gone+" is gone") {
			t.Errorf("removing it again says\n%s", last(said, 10))
		}
	})
	step(t, "AddAgain", func(t *testing.T) {
		a.addNodes(t, workers[:1])
		a.nodesJoined(t, workers)
	})
	step(t, "Passwords", func(t *testing.T) { a.nodePasswords(t) })
}

// addNodes runs nodes add, after which hosts are nodes that have no medium.
func (a *agents) addNodes(t *testing.T, hosts []center.Host) {
	t.Helper()
	began := time.Now()
	r := a.finish(t, nodesBudget, 0, a.dir, "nodes", "add", "--timeout", "12m")
	a.runs = append(a.runs, r)
	measured(t, "metal, %d new workers: Ready after %.0f s", len(hosts), time.Since(began).Seconds())
	said := r.stderr.String()
	for _, h := range hosts {
		for _, want := range []string{
			"Host " + h.Name + " starts from the image", "Host " + h.Name + ": has written its disk",
			"Approved client certificate of node " + h.Name, "Node " + h.Name + " is Ready",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("nodes add does not say %q:\n%s", want, last(said, 30))
			}
		}
	}
	a.noMedia(t)
}

// addBMCs gives the hosts of nodes-config.yaml the BMCs that they have in the rack.
func (a *agents) addBMCs(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "nodes-config.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Hosts []map[string]any `json:"hosts"`
	}
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	for _, h := range config.Hosts {
		in := a.rackHost(t, h["hostname"].(string))
		if in.BMC == nil {
			t.Fatalf("host %s has no BMC", in.Name)
		}
		address, err := center.BMCAddress(in.BMC)
		if err != nil {
			t.Fatal(err)
		}
		h["bmc"] = map[string]any{"address": address, "username": in.BMC.User, "password": in.BMC.Password}
	}
	if data, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rackHost is a host as the lab sees it.
func (a *agents) rackHost(t *testing.T, name string) daemon.Host {
	t.Helper()
	list := a.inRack(t)
	i := slices.IndexFunc(list, func(h daemon.Host) bool { return h.Name == name })
	if i < 0 {
		t.Fatalf("host %s is not in the rack", name)
	}
	return list[i]
}

func (a *agents) listNodes(t *testing.T) nodes.Listing {
	t.Helper()
	var out nodes.Listing
	r := a.finish(t, time.Minute, 0, a.dir, "nodes", "list", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout.String()), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// knownHosts checks that the cluster's operators know the new hosts, and find their nodes.
func (a *agents) knownHosts(t *testing.T, names ...string) {
	t.Helper()
	eventually(t, 3*time.Minute, func() string {
		list := a.listNodes(t)
		for _, name := range names {
			i := slices.IndexFunc(list.Nodes, func(n nodes.Node) bool { return n.Name == name })
			if i < 0 {
				return "there is no node " + name
			}
			if h := list.Nodes[i].Host; h == nil || h.State != "externally provisioned" || !h.PoweredOn {
				return name + " is not known to be on and externally provisioned"
			}
			machine, err := a.tryKubectl(t, "get", "node", name, "-o",
				`jsonpath={.metadata.annotations.machine\.openshift\.io/machine}`)
			if err != nil || !strings.Contains(machine, "-node-"+name) {
				return "node " + name + " has machine " + machine
			}
		}
		return ""
	})
}

// removed checks that nothing of a node is left, and that its host is off.
func (a *agents) removed(t *testing.T, name string) {
	t.Helper()
	for _, kind := range []string{"node", "baremetalhost,machine,secret"} {
		out, err := a.tryKubectl(t, "get", kind, "-n", "openshift-machine-api", "-o", "name")
		if err != nil {
			t.Errorf("get %s: %v", kind, err)
		}
		if strings.Contains(out, name) {
			t.Errorf("there is still something of %s:\n%s", name, out)
		}
	}
	h := a.rackHost(t, name)
	if h.State != "down" || h.Media != "" || h.Once != "" {
		t.Errorf("host %s is %s, has medium %q and boots %q once", name, h.State, h.Media, h.Once)
	}
}

// nodePasswords checks that the passwords of the new hosts are in no file but the user's, and in no output.
func (a *agents) nodePasswords(t *testing.T) {
	t.Helper()
	path := filepath.Join(a.dir, "nodes-config.yaml")
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.bmcPasswords(t)
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
}
