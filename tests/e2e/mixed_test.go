//go:build e2e

package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
	"github.com/okd-install/okd-install/pkg/lab/engine"
	"github.com/okd-install/okd-install/pkg/lab/engine/model"
)

// newNode is a machine that joins a cluster on another platform.
var newNode = center.Host{
	Name: "extra-0", Role: "worker", MAC: "52:54:00:00:00:5a", Address: netip.MustParseAddr("198.18.0.90"),
}

// TestMixedMetalWorkers adds a host with a BMC to a cluster of VMs on oVirt, and removes it.
func TestMixedMetalWorkers(t *testing.T) {
	l := newLab(t, "mixed-metal")
	l.up(t)
	before := l.inventory(t)
	c := l.newCluster(t, "demo", size{masters: 3})
	step(t, "Installation", func(t *testing.T) { c.complete(t) })
	installed := l.inventory(t)
	step(t, "Add", func(t *testing.T) {
		l.okdLab(t, "hosts", "create", newNode.Name, "--mac", newNode.MAC, "--bmc", "idrac9")
		h := l.inRackAs(t, newNode.Name)
		profile, err := vendor.Load(h.BMC.Profile)
		if err != nil {
			t.Fatal(err)
		}
		c.addNode(t, map[string]any{"bmc": map[string]any{
			"address":  fmt.Sprintf("redfish-virtualmedia://%s/redfish/v1/Systems/%s", h.BMC.Address, profile.System),
			"username": h.BMC.User, "password": h.BMC.Password,
		}})
		if h := l.inRackAs(t, newNode.Name); h.Media != "" || h.Once != "" {
			t.Errorf("host %s has medium %q and boots %q once", h.Name, h.Media, h.Once)
		}
		l.sameAs(t, installed)
	})
	step(t, "Workload", func(t *testing.T) { c.workloadOn(t, append(c.masters(t), newNode.Name)) })
	step(t, "Again", func(t *testing.T) { c.addAgain(t) })
	step(t, "Remove", func(t *testing.T) {
		c.removeNode(t)
		if h := l.inRackAs(t, newNode.Name); h.State != engine.StateDown || h.Media != "" {
			t.Errorf("host %s is %s with medium %q", h.Name, h.State, h.Media)
		}
		l.sameAs(t, installed)
	})
	step(t, "Destroy", func(t *testing.T) {
		c.finish(t, 10*time.Minute, 0, c.dir, "destroy", "cluster")
		l.sameAs(t, before)
	})
}

// TestMixedVirtualWorkers adds a VM on oVirt to a cluster on hosts with BMCs, and removes it.
func TestMixedVirtualWorkers(t *testing.T) {
	l := newLab(t, "mixed-virtual")
	l.up(t)
	before := l.inventory(t)
	s := center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3}
	a := newAgents(t, l, s)
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "Installation", func(t *testing.T) {
		a.withBMCs(t, "ilo6", s)
		a.runs = append(a.runs, a.finish(t, installBudget, 0, a.dir, "create", "cluster"))
	})
	st, err := daemon.Dial(l.Site).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	step(t, "Add", func(t *testing.T) {
		a.addNode(t, map[string]any{"ovirt": map[string]any{
			"ovirt_cluster_id": st.ClusterID, "ovirt_storage_domain_id": st.StorageDomainID,
			"ovirt_network_name": st.NetworkName, "vnicProfileID": st.VNICProfileID,
		}})
		a.virtual(t)
	})
	step(t, "Workload", func(t *testing.T) { a.workloadOn(t, append(a.masters(t), newNode.Name)) })
	step(t, "Restart", func(t *testing.T) { // from its disk, with an empty drive
		vm, was := a.virtual(t).Name, a.bootID(t)
		a.okdLab(t, "machines", "shutdown", vm)
		eventually(t, 3*time.Minute, func() string {
			if s := a.state(t, vm); s != engine.StateDown {
				return vm + " is " + string(s)
			}
			return ""
		})
		a.okdLab(t, "machines", "start", vm)
		eventually(t, 3*time.Minute, func() string {
			switch {
			case a.bootID(t) == was: // it is Ready, as far as the cluster knows
				return newNode.Name + " has not started again"
			case !a.nodeReady(t, newNode.Name):
				return newNode.Name + " is not Ready"
			}
			return ""
		})
	})
	step(t, "Again", func(t *testing.T) { a.addAgain(t) })
	step(t, "Remove", func(t *testing.T) {
		a.removeNode(t)
		l.sameAs(t, before)
	})
	step(t, "Destroy", func(t *testing.T) {
		a.finish(t, 10*time.Minute, 0, a.dir, "destroy", "cluster")
		l.sameAs(t, before)
	})
}

// inRackAs is a host as the lab sees it. It has a BMC.
func (l *lab) inRackAs(t *testing.T, name string) daemon.Host {
	t.Helper()
	r := &agents{cluster: &cluster{lab: l}}
	for _, h := range r.inRack(t) {
		if h.Name == name && h.BMC != nil {
			return h
		}
	}
	t.Fatalf("no host %s with a BMC is in the rack", name)
	return daemon.Host{}
}

// addNode makes a machine a node of the cluster, whose directory it uses.
func (c *cluster) addNode(t *testing.T, how map[string]any) {
	t.Helper()
	text := c.okdLab(t, "agent-config", "--masters", "3", "--workers", "1")
	var config struct {
		Hosts []map[string]any `json:"hosts"`
	}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	// A worker of the lab's, under the name and with the card and the address of the new node.
	all, err := center.Hosts(center.ClusterSize{Name: "demo", Masters: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	like := all[len(all)-1]
	host := config.Hosts[len(config.Hosts)-1]
	for key, value := range how {
		host[key] = value
	}
	ca, err := os.ReadFile(c.facts(t).Engine.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(map[string]any{"kind": "NodesConfig", "bmcVerifyCA": string(ca), "hosts": []any{host}})
	if err != nil {
		t.Fatal(err)
	}
	data = []byte(strings.NewReplacer(like.Name, newNode.Name, like.MAC, newNode.MAC, like.Address.String(),
		newNode.Address.String()).Replace(string(data)))
	if err := os.WriteFile(filepath.Join(c.dir, "nodes-config.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r := c.finish(t, installBudget, 0, c.dir, "nodes", "add")
	c.runs = append(c.runs, r)
	measured(t, "mixed: node %s Ready after %.0f s", newNode.Name, r.took.Seconds())
	if !c.nodeReady(t, newNode.Name) {
		t.Errorf("node %s is not Ready", newNode.Name)
	}
	var n corev1.Node
	c.get(t, &n, "node", newNode.Name)
	if !slices.ContainsFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool {
		return a.Type == corev1.NodeInternalIP && a.Address == newNode.Address.String()
	}) {
		t.Errorf("node %s has the addresses %v, want %s", n.Name, n.Status.Addresses, newNode.Address)
	}
	if _, master := n.Labels["node-role.kubernetes.io/control-plane"]; master {
		t.Errorf("node %s is a master", n.Name)
	}
	list := c.finish(t, time.Minute, 0, c.dir, "nodes", "list").stdout.String()
	if !strings.Contains(list, newNode.Name) {
		t.Errorf("the list lacks %s:\n%s", newNode.Name, list)
	}
}

// addAgain runs the same command again, which leaves the node alone.
func (c *cluster) addAgain(t *testing.T) {
	t.Helper()
	was := c.bootID(t)
	r := c.finish(t, 5*time.Minute, 0, c.dir, "nodes", "add")
	if now := c.bootID(t); now != was {
		t.Errorf("node %s is %s, and was %s:\n%s", newNode.Name, now, was, last(r.stderr.String(), 20))
	}
}

// bootID is another one whenever the new node starts, or becomes another node.
func (c *cluster) bootID(t *testing.T) string {
	t.Helper()
	return c.kubectl(t, "get", "node", newNode.Name, "-o", "jsonpath={.metadata.uid} {.status.nodeInfo.bootID}")
}

// removeNode takes the node out of the cluster again, twice. The others stay as they are.
func (c *cluster) removeNode(t *testing.T) {
	t.Helper()
	for range 2 {
		c.runs = append(c.runs, c.finish(t, 10*time.Minute, 0, c.dir, "nodes", "remove", newNode.Name))
	}
	out, err := c.tryKubectl(t, "get", "node", newNode.Name)
	if err == nil || !strings.Contains(err.Error()+out, "not found") {
		t.Errorf("node %s: %s %v", newNode.Name, out, err)
	}
	for _, name := range c.masters(t) {
		if !c.nodeReady(t, name) {
			t.Errorf("node %s is not Ready", name)
		}
	}
}

// virtual is the VM behind the new node: the node has its UUID, it carries the cluster's tag, and nothing of the medium
// is left.
func (c *cluster) virtual(t *testing.T) *model.VM {
	t.Helper()
	inv := c.inventory(t)
	infraID := c.infraID(t)
	var out *model.VM
	for _, vm := range inv.VMs {
		if vm.Name == infraID+"-"+newNode.Name {
			out = vm
		}
	}
	if out == nil {
		t.Fatalf("the engine has no VM of %s", newNode.Name)
	}
	uuid := c.kubectl(t, "get", "node", newNode.Name, "-o", "jsonpath={.status.nodeInfo.systemUUID}")
	if !strings.EqualFold(uuid, out.ID) {
		t.Errorf("the node has UUID %s, the VM %s", uuid, out.ID)
	}
	if out.CD != "" || out.CurrentCD != "" || len(out.Tags) != 1 {
		t.Errorf("VM %s has %q and %q in the drive, and the tags %v", out.Name, out.CD, out.CurrentCD, out.Tags)
	}
	for _, d := range inv.Disks {
		if d.Holds != "" {
			t.Errorf("disk %s is left on the engine", d.Alias)
		}
	}
	return out
}

// state is the power state of a machine.
func (c *cluster) state(t *testing.T, name string) engine.State {
	t.Helper()
	for _, m := range c.machines(t) {
		if m.Name == name {
			return m.State
		}
	}
	return ""
}
