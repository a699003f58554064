//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// etcdctl runs etcdctl with the certificates of the cluster's etcd operator, against
// some of the masters.
func (c *cluster) etcdctl(t *testing.T, hosts []string, args ...string) (string, error) {
	t.Helper()
	dir := filepath.Join(c.work, "etcd-client")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var pair corev1.Secret
	c.get(t, &pair, "secret", "-n", "openshift-etcd", "etcd-client")
	var ca corev1.ConfigMap
	c.get(t, &ca, "configmap", "-n", "openshift-etcd", "etcd-ca-bundle")
	for name, data := range map[string][]byte{
		"tls.crt": pair.Data["tls.crt"], "tls.key": pair.Data["tls.key"], "ca.crt": []byte(ca.Data["ca-bundle.crt"]),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var endpoints []string
	for _, m := range c.own(t) {
		if slices.Contains(hosts, m.Name) && len(m.Addresses) > 0 {
			endpoints = append(endpoints, "https://"+net.JoinHostPort(m.Addresses[0].String(), "2379"))
		}
	}
	if len(endpoints) != len(hosts) {
		return "", fmt.Errorf("of %v only %v have addresses", hosts, endpoints)
	}
	return c.inside(t, append([]string{"etcdctl", "--endpoints=" + strings.Join(endpoints, ","), "--write-out=json",
		"--cacert=" + filepath.Join(dir, "ca.crt"), "--cert=" + filepath.Join(dir, "tls.crt"),
		"--key=" + filepath.Join(dir, "tls.key")}, args...)...)
}

type member struct {
	Name       string   `json:"name"`
	ClientURLs []string `json:"clientURLs"`
	IsLearner  bool     `json:"isLearner"`
}

// started reports whether a member has joined; only then it has a name.
func (m member) started() bool { return m.Name != "" && len(m.ClientURLs) > 0 }

// etcdVotes checks that exactly the masters and arbiters are voters, and how they became
// voters.
func (c *cluster) etcdVotes(t *testing.T) {
	voters := append(c.arbiters(t), c.masters(t)...)
	out, err := c.etcdctl(t, voters, "member", "list")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Members []member }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range list.Members {
		if m.IsLearner || !m.started() {
			t.Errorf("etcd member %+v does not vote", m)
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, voters) {
		t.Errorf("etcd members are %v, want %v", names, voters)
	}
	if out, err := c.etcdctl(t, voters, "endpoint", "health"); err != nil {
		t.Errorf("etcd is not healthy: %v\n%s", err, out)
	}
	if !c.upi { // its journal is of a command that makes no machines, and sees no members
		c.etcdWays(t)
	}
}

var votes = regexp.MustCompile(`voting members (\d+)→(\d+)`)

// etcdWays reads from the journal how the number of voters changed: one at a time up to
// all masters and the bootstrap host, and then down by one. A killed run may have missed
// some steps.
func (c *cluster) etcdWays(t *testing.T) {
	t.Helper()
	var steps []string
	killed := false
	now := 1
	for _, r := range journal(t, c.dir) {
		first := true
		for _, n := range r.Notes {
			m := votes.FindStringSubmatch(n.Message)
			if m == nil {
				continue
			}
			steps = append(steps, m[1]+"→"+m[2])
			var from, to int
			if _, err := fmt.Sscan(m[1], &from); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(m[2], &to); err != nil {
				t.Fatal(err)
			}
			if from != now && !(killed && first) {
				t.Errorf("journal: etcd has %d voters before step %s", now, m[0])
			}
			first, now = false, to
		}
		killed = killed || r.Ended.IsZero() || r.Error != ""
	}
	t.Logf("etcd voters according to the journal: %s", strings.Join(steps, ", "))
	want := fmt.Sprintf("%d→%d", c.size.masters+1, c.size.masters)
	if !killed && (len(steps) != c.size.masters+1 || steps[len(steps)-1] != want) {
		t.Errorf("journal: the last of %d steps should be %s, after %d additions", len(steps), want, c.size.masters)
	}
	if now != c.size.masters && !killed {
		t.Errorf("journal: etcd ends with %d voters", now)
	}
}

// bootstrapGone checks that nothing of the bootstrap host is left.
func (c *cluster) bootstrapGone(t *testing.T) {
	name := "bootstrap"
	if !c.upi {
		name = c.infraID(t) + "-bootstrap"
		c.engineForgot(t, name)
	}
	for _, m := range c.machines(t) {
		if m.Name == name {
			t.Errorf("machine %s is %s", name, m.State)
		}
	}
	c.noBootstrapPods(t, name)
	for _, ip := range c.leased(t, name) {
		for _, port := range []string{"6443", "22623", "2379", "2380", "10257", "10259"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			conn, err := c.dial(ctx, "tcp", net.JoinHostPort(ip, port))
			cancel()
			if err == nil {
				conn.Close()
				t.Errorf("something listens on port %[2]s of the bootstrap host's address %[1]s", ip, port)
			}
		}
	}
}

// engineForgot checks that the engine has nothing left of a machine.
func (c *cluster) engineForgot(t *testing.T, name string) {
	t.Helper()
	inv := c.inventory(t)
	for _, vm := range inv.VMs {
		if vm.Name == name || strings.HasPrefix(vm.Name, "tmpvm-for-"+c.infraID(t)) {
			t.Errorf("the engine still has virtual machine %s", vm.Name)
		}
	}
	for _, x := range inv.Tags {
		if x.Name == name {
			t.Errorf("the engine still has tag %s", name)
		}
	}
	for _, d := range inv.Disks {
		if strings.Contains(d.Alias, name) || strings.Contains(d.Description, name) {
			t.Errorf("the engine still has disk %s", d.Alias)
		}
	}
}

// noBootstrapPods checks that the cluster has no static pods of the bootstrap host, and
// does not list its API server.
func (c *cluster) noBootstrapPods(t *testing.T, name string) {
	t.Helper()
	var pods corev1.PodList
	c.get(t, &pods, "pods", "--all-namespaces")
	for _, p := range pods.Items {
		if p.Spec.NodeName == name || strings.HasSuffix(p.Name, "-bootstrap") || strings.HasPrefix(p.Name, "bootstrap-") {
			t.Errorf("pod %s/%s of the bootstrap host is %s", p.Namespace, p.Name, p.Status.Phase)
		}
	}
	var slices corev1.Endpoints //nolint:staticcheck // the API servers' own list is kept in this form
	c.get(t, &slices, "endpoints", "-n", "default", "kubernetes")
	servers := 0
	for _, s := range slices.Subsets {
		servers += len(s.Addresses)
	}
	if servers != c.size.masters {
		t.Errorf("%d API servers are listed, want %d", servers, c.size.masters)
	}
}

// leased returns the addresses that a machine got from DHCP.
func (c *cluster) leased(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open(c.File("dnsmasq.leases"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 3 && fields[3] == name {
			out = append(out, fields[2])
		}
	}
	return out
}
