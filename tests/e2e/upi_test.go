//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	certv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/network"
)

// TestUPI installs a cluster on platform none, following docs/user/upi.md, on machines
// that the installer does not know. In the full tier the bootstrap host starts on a
// bare CoreOS.
func TestUPI(t *testing.T) {
	l := newLab(t, "upi")
	if *tier == "full" {
		l.withBareSystem(t)
	}
	l.up(t)
	g := l.guide(t, "upi.md")
	c := &cluster{lab: l, dir: filepath.Join(l.work, "upi"), size: standard, upi: true}
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})

	step(t, "NamesAndConfig", func(t *testing.T) {
		g.write(t, "dnsmasq.conf")
		g.names(t, "dnsmasq.conf")
		g.write(t, "haproxy.cfg")
		g.installConfig(t)
		g.run(t, "check", time.Minute)
		g.run(t, "ignition", time.Minute)
	})
	balancer := g.service(t, "haproxy", "-W", "-f", "haproxy.cfg")
	eventually(t, 10*time.Second, func() string {
		conn, err := l.dial(t.Context(), "tcp", net.JoinHostPort(network.Provisioner.String(), "6443"))
		if err != nil {
			return "the load balancer: " + err.Error()
		}
		conn.Close()
		return ""
	})

	began := time.Now()
	step(t, "Masters", func(t *testing.T) {
		// The most common mistake.
		g.put(t, "forgotten.conf", regexp.MustCompile(`(?m)^.*api-int.*\n`).ReplaceAllString(g.files["dnsmasq.conf"], ""))
		g.names(t, "forgotten.conf")
		bootstrap := filepath.Join(c.dir, "bootstrap.ign")
		if *tier == "full" {
			l.bareBootstrap(t, bootstrap)
		} else {
			l.machine(t, theBootstrap, bootstrap, 20)
		}
		for i, name := range c.masters(t) {
			l.machine(t, name, filepath.Join(c.dir, "master.ign"), 21+i)
		}
		wait := g.begin(t, "bootstrap-complete")
		eventually(t, 5*time.Minute, func() string {
			missing := "no master has joined: api-int.upi." + network.BaseDomain +
				", from which machines fetch their configuration, has no address"
			if !strings.Contains(wait.out.String(), missing) {
				return "the wait does not name api-int:\n" + last(wait.out.String(), 5)
			}
			return ""
		})
		g.names(t, "dnsmasq.conf") // and on it goes
		said := wait.end(t, installBudget)
		if !strings.Contains(said, "It is now safe to remove the bootstrap resources") {
			t.Errorf("the wait does not say that the bootstrap host can be removed:\n%s", last(said, 5))
		}
		measured(t, "UPI: bootstrap complete after %.0f s", time.Since(began).Seconds())
	})
	step(t, "BootstrapOut", func(t *testing.T) {
		g.run(t, "bootstrap-out", time.Minute)
		if err := balancer.Process.Signal(syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		l.okdLab(t, "machines", "remove", "bootstrap")
	})
	step(t, "Workers", func(t *testing.T) {
		for i, name := range c.workers(t) {
			l.machine(t, name, filepath.Join(c.dir, "worker.ign"), 31+i)
		}
		wait := g.begin(t, "install-complete")
		c.pending(t)
		eventually(t, 20*time.Second, func() string {
			for _, name := range c.workers(t) {
				said := regexp.MustCompile("Node " + name + " waits for its client certificate; .*oc adm certificate approve csr-")
				if !said.MatchString(wait.out.String()) {
					return "the wait says nothing of the certificate of " + name + ":\n" + last(wait.out.String(), 5)
				}
			}
			return ""
		})
		g.run(t, "csr-look", time.Minute)
		eventually(t, 3*time.Minute, func() string {
			g.run(t, "csr-approve", time.Minute)
			return c.notReady(t)
		})
		said := wait.end(t, installBudget)
		if !strings.Contains(said, "Install complete!") {
			t.Errorf("the wait does not say that the installation is complete:\n%s", last(said, 5))
		}
		measured(t, "UPI: install complete after %.0f s", time.Since(began).Seconds())
	})

	step(t, "Release", func(t *testing.T) { c.releaseInstalled(t) })
	step(t, "Nodes", func(t *testing.T) { c.nodesReady(t) })
	step(t, "Etcd", func(t *testing.T) { c.etcdVotes(t) })
	step(t, "BootstrapGone", func(t *testing.T) { c.bootstrapGone(t) })
	step(t, "NoAddressServices", func(t *testing.T) { c.noAddressServices(t) })
	step(t, "Workload", func(t *testing.T) { c.workload(t) })
	step(t, "MasterLost", func(t *testing.T) { c.masterLost(t) })
}

// names makes the lab's DNS and DHCP use a file of the test.
func (g *guide) names(t *testing.T, file string) {
	t.Helper()
	g.okdLab(t, "dns", "set", "upi", filepath.Join(g.work, file))
}

// installConfig completes the page's install-config with what only this lab
// knows: its networks, its registry's login and its authority.
func (g *guide) installConfig(t *testing.T) {
	t.Helper()
	var config, ours map[string]any
	if err := yaml.Unmarshal([]byte(g.files["install-config.yaml"]), &config); err != nil || config == nil {
		t.Fatalf("install-config of the page: %v", err)
	}
	if err := yaml.Unmarshal([]byte(g.okdLab(t, "install-config", "--platform", "none")), &ours); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"networking", "pullSecret", "sshKey", "additionalTrustBundle", "additionalTrustBundlePolicy",
	} {
		config[key] = ours[key]
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	g.put(t, "install-config.yaml", string(text))
}

// machine makes a machine as its owner would. As in the page's settings, the last byte
// of its MAC address is written like that of its IP address.
func (l *lab) machine(t *testing.T, name, ignition string, number int, more ...string) {
	t.Helper()
	mac := fmt.Sprintf("52:54:00:00:00:%02d", number)
	l.okdLab(t, append([]string{"machines", "create", name, "--ignition", ignition, "--mac", mac}, more...)...)
}

// pending waits for the certificate requests of the workers.
func (c *cluster) pending(t *testing.T) {
	t.Helper()
	took := eventually(t, 3*time.Minute, func() string {
		var list certv1.CertificateSigningRequestList
		c.get(t, &list, "certificatesigningrequests")
		waiting := 0
		for _, r := range list.Items {
			if len(r.Status.Conditions) == 0 {
				waiting++
			}
		}
		if waiting < c.size.workers {
			return fmt.Sprintf("%d requests are pending, want %d", waiting, c.size.workers)
		}
		return ""
	})
	t.Logf("workers asked for their certificates after %s", took.Round(time.Second))
	var nodes corev1.NodeList
	c.get(t, &nodes, "nodes")
	if len(nodes.Items) != c.size.masters {
		t.Errorf("%d nodes have joined before the workers were approved", len(nodes.Items))
	}
}

// notReady returns what is wrong with the nodes, or which are missing.
func (c *cluster) notReady(t *testing.T) string {
	t.Helper()
	var list corev1.NodeList
	c.get(t, &list, "nodes")
	if n := c.size.masters + c.size.workers; len(list.Items) != n {
		return fmt.Sprintf("%d of %d nodes have joined", len(list.Items), n)
	}
	for _, n := range list.Items {
		if !ready(n) {
			return n.Name + " is not Ready"
		}
	}
	var requests certv1.CertificateSigningRequestList
	c.get(t, &requests, "certificatesigningrequests")
	serving := 0
	for _, r := range requests.Items {
		if r.Spec.SignerName == certv1.KubeletServingSignerName && len(r.Status.Certificate) > 0 {
			serving++
		}
	}
	if serving < len(list.Items) {
		return fmt.Sprintf("%d of %d nodes have a serving certificate", serving, len(list.Items))
	}
	return ""
}

// noAddressServices checks that no pods for virtual addresses or node names run.
func (c *cluster) noAddressServices(t *testing.T) {
	var pods corev1.PodList
	c.get(t, &pods, "pods", "--all-namespaces")
	for _, p := range pods.Items {
		for _, service := range []string{"keepalived", "haproxy", "coredns"} {
			if strings.HasPrefix(p.Name, service+"-") {
				t.Errorf("pod %s/%s serves an address or names, which the user does here", p.Namespace, p.Name)
			}
		}
	}
	var infra struct {
		Status struct {
			PlatformStatus struct{ Type string }
		}
	}
	c.get(t, &infra, "infrastructure", "cluster")
	if infra.Status.PlatformStatus.Type != "None" {
		t.Errorf("the cluster's platform is %q", infra.Status.PlatformStatus.Type)
	}
	for _, role := range []string{"master", "worker"} {
		var pointer struct {
			Ignition struct {
				Config struct{ Merge []struct{ Source string } }
			}
		}
		raw, err := os.ReadFile(filepath.Join(c.dir, role+".ign"))
		if err == nil {
			err = json.Unmarshal(raw, &pointer)
		}
		want := "https://api-int.upi." + network.BaseDomain + ":22623/config/" + role
		if err != nil || len(pointer.Ignition.Config.Merge) != 1 || pointer.Ignition.Config.Merge[0].Source != want {
			t.Errorf("%s.ign points to %+v (%v), want %s", role, pointer.Ignition.Config.Merge, err, want)
		}
	}
}

// masterLost powers a master off and on again; the load balancer must notice both.
func (c *cluster) masterLost(t *testing.T) {
	victim, survivor := c.masters(t)[0], c.masters(t)[1]
	p := c.probe(t, network.Provisioner.String())
	time.Sleep(2 * time.Second)
	if !p.answered() {
		t.Fatalf("before the power-off: %s", p)
	}
	cut := time.Now()
	c.press(t, victim, "kill")
	time.Sleep(12 * time.Second)
	outage, failed := p.outage(cut)
	measured(t, "UPI: API behind the load balancer without an answer for %.1f s after power-off of a master "+
		"(%d probes, one every 100 ms, failed)", outage.Seconds(), failed)
	if limit := slowed(maxOutage, c.pace(t)); outage > limit {
		t.Errorf("the API did not answer for %s, want at most %s: %s", outage, limit, p)
	}
	c.usable(t, survivor, time.Minute)
	c.rejoins(t, victim, 3*time.Minute)
}
