//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// agents is a cluster whose hosts boot an image of their own.
type agents struct {
	*cluster
	hosts []center.Host
	began time.Time // when the hosts were switched on
	// inputs is the install-config.yaml of hosts with BMCs.
	inputs []byte
}

// TestAgent installs a cluster of three masters from one image, with static addresses. One
// of them has two disks, and is to be installed on the second.
func TestAgent(t *testing.T) {
	installAgents(t, "agent", center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3})
}

// TestAgentSingleNode installs a single node from its own image.
func TestAgentSingleNode(t *testing.T) {
	a := installAgents(t, "agent-sno", center.ClusterSize{Name: "sno", Platform: "none", Masters: 1})
	if *tier == "full" {
		step(t, "MediumAgain", func(t *testing.T) { a.keepsItsDisk(t) })
	}
	v := a.withStack(t, emulated)
	step(t, "Virtualization", func(t *testing.T) { v.onSingleNode(t) })
}

// TestAgentWorkers installs a cluster of three masters and two workers.
func TestAgentWorkers(t *testing.T) {
	installAgents(t, "agent-workers", center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3, Workers: 2})
}

// TestAgentFiveMasters installs a control plane of five.
func TestAgentFiveMasters(t *testing.T) {
	installAgents(t, "agent-five", center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 5})
}

// TestAgentArbiter installs a cluster of two masters and an arbiter.
func TestAgentArbiter(t *testing.T) {
	installAgents(t, "agent-arbiter", center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 2, Arbiters: 1})
}

// installAgents installs a cluster in a lab of its own, and checks it.
func installAgents(t *testing.T, work string, size center.ClusterSize) *agents {
	l := newLab(t, work)
	if *have != "" {
		a := newAgents(t, l, size)
		a.check(t)
		return a
	}
	l.up(t)
	a := newAgents(t, l, size)
	t.Cleanup(func() {
		if t.Failed() {
			l.consoles(t)
		}
	})
	step(t, "Image", func(t *testing.T) {
		a.prepare(t, size)
		a.image(t)
	})
	step(t, "Installation", func(t *testing.T) {
		var uid string
		wait := a.start(t, a.dir, nil, "agent", "wait-for", "install-complete")
		a.runs = append(a.runs, wait)
		if a.single() {
			uid = a.mark(t, agent.ConfigFile)
		}
		if code := wait.end(t, installBudget); code != 0 {
			t.Fatalf("%s: exit code %d, want 0\n%s", wait, code, last(wait.stderr.String(), 20))
		}
		if said := wait.stdout.String() + wait.stderr.String(); !strings.Contains(said, "Install complete!") {
			t.Errorf("the wait does not say that the installation is complete:\n%s", last(said, 10))
		}
		a.timeline(t)
		if a.single() {
			a.marked(t, uid)
		}
	})
	a.check(t)
	return a
}

// keepsItsDisk lets a single node boot the medium after its installation, when nothing is left that
// could answer for the cluster: it says what to do and writes nothing, and from its disk it is the
// same cluster again.
func (a *agents) keepsItsDisk(t *testing.T) {
	const uid = "jsonpath={.spec.clusterID} {.metadata.uid}"
	host, was := a.hosts[0].Name, a.kubectl(t, "get", "clusterversion", "version", "-o", uid)
	r := &rack{cluster: a.cluster, hosts: a.hosts}
	r.power(t, "off", host)
	a.okdLab(t, "hosts", "boot", host, "--order", "media,disk")
	r.power(t, "on", host)
	w := r.watchIt(t)
	r.says(t, w, "Host "+host+": /dev/sdb", hintedSerial, "was written from this image already: the cluster is installed",
		"Next: remove the medium", "disk first in the boot order")
	r.shows(t, host, host+", written-before:", "/dev/sdb", "the cluster is installed", "remove the medium")
	w.signal(syscall.SIGKILL)
	said := w.stderr.String()
	if strings.Contains(said, "writes /dev/") || strings.Contains(said, "Host "+host+": bootstraps") {
		t.Errorf("the host is installed again:\n%s", said)
	}
	r.power(t, "off", host)
	a.okdLab(t, "hosts", "boot", host, "--order", "disk,media")
	r.power(t, "on", host)
	took := eventually(t, 10*time.Minute, func() string {
		now, err := a.tryKubectl(t, "get", "clusterversion", "version", "-o", uid)
		if err != nil {
			return err.Error()
		}
		if now != was {
			t.Fatalf("the cluster is %s, and was %s", now, was)
		}
		ready, err := a.tryKubectl(t, "get", "node", host, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err != nil || ready != "True" {
			return fmt.Sprintf("%s is not Ready: %q, %v", host, ready, err)
		}
		return ""
	})
	t.Logf("the node is Ready %.0f s after it boots its disk again", took.Seconds())
}

// check checks what must hold for every installed cluster.
func (a *agents) check(t *testing.T) {
	step(t, "Release", func(t *testing.T) { a.releaseInstalled(t) })
	step(t, "Nodes", func(t *testing.T) { a.nodesReady(t) })
	step(t, "Topology", func(t *testing.T) { a.topology(t) })
	step(t, "Etcd", func(t *testing.T) { a.etcdVotes(t) })
	step(t, "Disks", func(t *testing.T) { a.hintedDisk(t) })
	step(t, "Network", func(t *testing.T) { a.staticNetwork(t) })
	step(t, "NothingOfTheLiveSystem", func(t *testing.T) { a.nothingLive(t) })
	step(t, "Workload", func(t *testing.T) { a.workload(t) })
	step(t, "Secrets", func(t *testing.T) { a.imageKeepsSecrets(t) })
	if !a.single() {
		step(t, "Approver", func(t *testing.T) { a.approver(t) })
	}
}

func (a *agents) single() bool { return len(a.hosts) == 1 }

// newAgents is a cluster whose hosts have static addresses. Nothing in the network knows their
// cards, so that DHCP gives them nothing useful.
func newAgents(t *testing.T, l *lab, s center.ClusterSize) *agents {
	t.Helper()
	hosts, err := center.Hosts(s)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{lab: l, dir: cmp.Or(*have, filepath.Join(l.work, s.Name)), upi: true,
		size: size{masters: s.Masters, arbiters: s.Arbiters, workers: s.Workers}}
	return &agents{cluster: c, hosts: hosts}
}

// prepare writes the inputs of the cluster, and makes its hosts.
func (a *agents) prepare(t *testing.T, s center.ClusterSize) {
	t.Helper()
	flags := []string{"--name", s.Name, "--masters", fmt.Sprint(s.Masters), "--arbiters", fmt.Sprint(s.Arbiters),
		"--workers", fmt.Sprint(s.Workers)}
	a.config(t, a.dir, append(flags, "--platform", s.Platform)...)
	a.agentConfig(t, a.okdLab(t, append([]string{"agent-config"}, flags...)...))
	if s.Platform == "none" {
		a.ownNames(t, s.Name, a.hosts[0].Address)
	}
	for _, h := range a.hosts {
		a.okdLab(t, append([]string{"hosts", "create", h.Name, "--mac", h.MAC}, a.disks(h)...)...)
	}
}

// ownNames makes the names of a cluster without virtual addresses resolve to one address.
func (l *lab) ownNames(t *testing.T, cluster string, ip netip.Addr) {
	t.Helper()
	domain := cluster + "." + network.BaseDomain
	file := filepath.Join(l.work, "dnsmasq.conf")
	conf := fmt.Sprintf("local=/%[1]s/\nhost-record=api.%[1]s,%[2]s\nhost-record=api-int.%[1]s,%[2]s\n"+
		"address=/apps.%[1]s/%[2]s\n", domain, ip)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	l.okdLab(t, "dns", "set", cluster, file)
}

// hintedSerial is the serial number of the disk that the last host is to be installed on.
const hintedSerial = "SECONDDISK"

// disks are the flags for the disks of a host: the last one has two, of which the first would
// be chosen without a hint.
func (a *agents) disks(h center.Host) []string {
	if h != a.hosts[len(a.hosts)-1] {
		return nil
	}
	return []string{"--disk", "size=120G", "--disk", "size=130G,serial=" + hintedSerial}
}

// agentConfig writes the lab's agent-config.yaml, with a hint for the last host.
func (a *agents) agentConfig(t *testing.T, text string) {
	t.Helper()
	var config map[string]any
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	hosts, _ := config["hosts"].([]any)
	last, _ := hosts[len(hosts)-1].(map[string]any)
	if len(hosts) != len(a.hosts) || last == nil {
		t.Fatalf("agent-config.yaml of the lab:\n%s", text)
	}
	last["rootDeviceHints"] = map[string]any{"serialNumber": hintedSerial}
	data, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "agent-config.yaml"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// image makes the image and inserts it into every host, which is then switched on.
func (a *agents) image(t *testing.T) {
	t.Helper()
	r := a.finish(t, 5*time.Minute, 0, a.dir, "agent", "create", "image")
	a.runs = append(a.runs, r)
	measured(t, "%s: image made in %.0f s", a.layout(), r.took.Seconds())
	iso := filepath.Join(a.dir, "agent.x86_64.iso")
	for _, h := range a.hosts {
		a.okdLab(t, "hosts", "media", "insert", h.Name, iso)
	}
	a.began = time.Now()
	power := []string{"hosts", "power", "on"}
	for _, h := range a.hosts {
		power = append(power, h.Name)
	}
	a.okdLab(t, power...)
}

// layout names the cluster in figures.
func (a *agents) layout() string {
	text := "agent, 1 host"
	if !a.single() {
		text = fmt.Sprintf("agent, %d masters", a.size.masters)
	}
	if a.size.arbiters > 0 {
		text += fmt.Sprintf(" + %d arbiter", a.size.arbiters)
	}
	if a.size.workers > 0 {
		text += fmt.Sprintf(" + %d workers", a.size.workers)
	}
	return text
}
