//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// theNode is the single node's machine, and its host name.
const theNode = "sno"

// TestSingleNode installs a single node in place, following docs/user/single-node.md: a
// machine with a live medium and an empty disk, and nothing else.
func TestSingleNode(t *testing.T) {
	l := newLab(t, "sno")
	l.up(t)
	g := l.guide(t, "single-node.md")
	c := &cluster{lab: l, dir: filepath.Join(l.work, "sno"), size: size{masters: 1}, upi: true, single: true}
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "NamesAndConfig", func(t *testing.T) {
		g.write(t, "dnsmasq.conf")
		l.okdLab(t, "dns", "set", "sno", filepath.Join(l.work, "dnsmasq.conf"))
		g.installConfig(t)
		g.run(t, "ignition", time.Minute)
		config := filepath.Join(c.dir, "bootstrap-in-place-for-live-iso.ign")
		if out, err := l.inside(t, "ignition-validate", config); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	step(t, "Installation", func(t *testing.T) {
		began := time.Now()
		l.machine(t, theNode, filepath.Join(c.dir, "bootstrap-in-place-for-live-iso.ign"), 40, "--live")
		wait := g.begin(t, "wait")
		uid := c.mark(t, "/run/media/iso/images")
		said := wait.end(t, installBudget)
		for _, want := range []string{"It is now safe to remove the bootstrap resources", "Install complete!"} {
			if !strings.Contains(said, want) {
				t.Errorf("the waits do not print %q:\n%s", want, last(said, 10))
			}
		}
		measured(t, "single node: install complete after %.0f s", time.Since(began).Seconds())
		c.marked(t, uid)
	})
	step(t, "Release", func(t *testing.T) { c.releaseInstalled(t) })
	step(t, "Nodes", func(t *testing.T) { c.nodesReady(t) })
	step(t, "Etcd", func(t *testing.T) { c.etcdVotes(t) })
	step(t, "NothingOfTheLiveSystem", func(t *testing.T) { c.onlyInstalled(t) })
	step(t, "Workload", func(t *testing.T) { c.workload(t) })
}

// mark creates a ConfigMap while the API of the live system answers, which has that file.
func (c *cluster) mark(t *testing.T, live string) (uid string) {
	t.Helper()
	took := eventually(t, 5*time.Minute, func() string {
		out, err := c.tryKubectl(t, "create", "configmap", "mark", "-n", "kube-system", "-o", "jsonpath={.metadata.uid}")
		if err != nil {
			return err.Error()
		}
		uid = out
		return ""
	})
	if _, err := c.on(t, c.masters(t)[0], "test -e "+live); err != nil {
		t.Errorf("the API did not answer before the live system was gone: %v", err)
	}
	t.Logf("the live system's API takes writes after %s", took.Round(time.Second))
	return uid
}

// marked checks that the installed node has the ConfigMap, because it has etcd's data.
func (c *cluster) marked(t *testing.T, uid string) {
	t.Helper()
	now := c.kubectl(t, "get", "configmap", "mark", "-n", "kube-system", "-o", "jsonpath={.metadata.uid}")
	if now != uid || uid == "" {
		t.Errorf("the ConfigMap has the UID %q; on the live system it was %q", now, uid)
	}
	for _, path := range []string{"/run/media/iso", "/boot/ignition/config.ign"} {
		if _, err := c.on(t, c.masters(t)[0], "test ! -e "+path); err != nil {
			t.Errorf("the node did not start from its disk, or keeps secrets there: %v", err)
		}
	}
}

// onlyInstalled checks that nothing of the live system is left.
func (c *cluster) onlyInstalled(t *testing.T) {
	node := c.masters(t)[0]
	c.noBootstrapPods(t, "bootstrap")
	// The node cleans up by itself, after the cluster is available.
	took := eventually(t, 2*time.Minute, func() string {
		for _, path := range []string{
			"/etc/kubernetes/bootstrap-secrets", "/etc/kubernetes/bootstrap-configs", "/opt/openshift/auth",
			"/var/log/log-bundle-bootstrap.tar.gz",
		} {
			if _, err := c.on(t, node, "test ! -e "+path); err != nil {
				return path + " is still there"
			}
		}
		return ""
	})
	t.Logf("clean after %s", took.Round(time.Second))
	manifests, err := c.on(t, node, "ls /etc/kubernetes/manifests; cat /etc/kubernetes/manifests/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"etcd-bootstrap", "bootstrap-secrets"} {
		if strings.Contains(manifests, word) {
			t.Errorf("static pods of the live system are still there: %s", word)
		}
	}
	c.noUnitFailed(t, node)
}

func (c *cluster) noUnitFailed(t *testing.T, node string) {
	t.Helper()
	failed, err := c.on(t, node, "systemctl list-units --failed --no-legend --plain")
	if err != nil || strings.TrimSpace(failed) != "" {
		t.Errorf("units failed on %s: %v %s", node, err, failed)
	}
}
