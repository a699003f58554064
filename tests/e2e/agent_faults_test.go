//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/lab/daemon"
)

// named is how long a fault may be unknown: it has to be named within a minute, on a host that
// has booted.
const named = time.Minute

// bootTime is how long a host takes until its agent runs, on a busy machine.
const bootTime = time.Minute

// slowDisk lets the writing of a disk take long enough for something to happen meanwhile.
const slowDisk = "slow-disk=sda:20MiB/s"

// TestAgentFaults breaks installations from one image in every way that the lab has.
func TestAgentFaults(t *testing.T) {
	l := newLab(t, "agentfaults")
	l.up(t)
	for _, s := range []scenario{
		{name: "NothingIsWritten", run: nothingIsWritten},
		{name: "Restarts", full: true, run: restarts},
		{name: "RendezvousHandedOver", full: true, run: rendezvousHandedOver},
		{name: "RendezvousMediumFirst", full: true, run: rendezvousMediumFirst},
		{name: "RendezvousBootstrapping", full: true, run: rendezvousBootstrapping},
	} {
		if s.full && *tier != "full" {
			continue
		}
		t.Run(s.name, func(t *testing.T) { s.run(t, l) })
	}
}

// nothingIsWritten breaks hosts before the installation begins, and mends them.
func nothingIsWritten(t *testing.T, l *lab) {
	a := l.newRack(t)
	a.replaceHost(t, "master-0", "--memory", "8192")
	a.replaceHost(t, "master-1", "--disk", "size=120G,model=TWIN", "--disk", "size=120G,model=TWIN")
	a.hints(t, map[string]string{"master-1": "model: TWIN", "master-2": "serialNumber: NOT-THERE"})
	taken := "198.18.0.10/24"
	if out, err := l.inside(t, "ip", "address", "add", taken, "dev", "eth0"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	w := a.watchIt(t)

	a.power(t, "on", "master-0", "master-1")
	a.says(t, w, "Host master-0: 8.0 GiB of memory; a control plane node needs at least 16 GiB. Next: ")
	a.says(t, w, "Host master-1: rootDeviceHints match 2 disks", "/dev/sda", "/dev/sdb", "Next: ")
	a.says(t, w, "answers for the virtual address 198.18.0.10", "Next: ")
	a.says(t, w, "2 of 3 hosts have registered; missing: master-2")
	a.shows(t, "master-0", "8.0 GiB of memory", "master-2")
	a.shows(t, "master-1", "rootDeviceHints match 2 disks")
	a.power(t, "on", "master-2")
	a.says(t, w, "Host master-2: rootDeviceHints match no usable disk", "serialNumber", "NOT-THERE", "Next: ")
	a.shows(t, "master-2", "rootDeviceHints match no usable disk")
	a.untouched(t)

	if out, err := l.inside(t, "ip", "address", "del", taken, "dev", "eth0"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a.power(t, "off", "master-0", "master-1", "master-2")
	w.signal(syscall.SIGKILL)
	<-w.ended // it works in the directory
	a.replaceHost(t, "master-0")
	a.hints(t, map[string]string{"master-1": "hctl: \"0:0:0:0\""})
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.okdLab(t, "hosts", "fault", "master-1", "dead-disk=sda")
	a.power(t, "on", "master-0", "master-1", "master-2")
	w = a.watchIt(t)
	a.comesTo(t, w, "Host master-2: is ready")
	a.okdLab(t, "hosts", "fault", "master-2", "cut-link")
	a.says(t, w, "Host master-1: /dev/sda", "Next: ")
	a.says(t, w, "Host master-2 was last heard of at", "Next: ")
	a.shows(t, "master-1", "/dev/sda")
	a.shows(t, "master-2", "No answer:", "cable")
	a.untouched(t)
	a.okdLab(t, "hosts", "fault", "master-2", "none")
	a.okdLab(t, "hosts", "fault", "master-1", "none")
	a.power(t, "cycle", "master-1")
	a.comesTo(t, w, "Host master-0: bootstraps the cluster")
	a.power(t, "off", "master-0", "master-1", "master-2")
	w.signal(syscall.SIGKILL)
	t.Logf("agent wait-for said:\n%s", w.stderr.String())
}

// restarts kills agents at each stage and cuts the power of hosts other than the rendezvous host:
// the installation goes on by itself. Then hosts boot the medium again.
func restarts(t *testing.T, l *lab) {
	a := l.newRack(t)
	for _, name := range []string{"master-0", "master-1", "master-2"} {
		a.okdLab(t, "hosts", "fault", name, slowDisk)
	}
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.power(t, "on", "master-0", "master-1", "master-2")
	w := a.watchIt(t)
	a.comesTo(t, w, "Host master-0 has registered")
	a.killAgent(t, "master-0")
	a.comesTo(t, w, "Host master-1: writes /dev/sda")
	a.power(t, "cycle", "master-1")
	a.killAgent(t, "master-0")
	a.killAgent(t, "master-2")
	step(t, "Security", func(t *testing.T) { a.refusesStrangers(t) })
	a.comesTo(t, w, "Host master-2: reboots from its disk")
	time.Sleep(5 * time.Second) // so that it does
	a.power(t, "cycle", "master-2")
	a.killAgent(t, "master-0")
	a.comesTo(t, w, "Host master-1: is a node of the cluster")
	a.killAgent(t, "master-0")
	a.comesTo(t, w, "Host master-0: writes /dev/sda")
	a.killAgent(t, "master-0")
	a.completes(t, w)
	step(t, "Secrets", func(t *testing.T) { a.showsNoSecret(t, w) })
	step(t, "MediumAgain", func(t *testing.T) { a.bootsMediumAgain(t) })
}

// completes waits for the end of the installation.
func (a *rack) completes(t *testing.T, w *run) {
	t.Helper()
	if code := w.end(t, installBudget); code != 0 {
		a.explain(t, w)
		t.Fatalf("%s: exit code %d", w, code)
	}
	measured(t, "%s: install complete after %.0f s", t.Name(), w.took.Seconds())
	t.Logf("agent wait-for said:\n%s", w.stderr.String())
	a.nodesReady(t)
	a.etcdVotes(t)
}

// rendezvousHandedOver cuts the power of the rendezvous host before the orders, while it writes
// its disk, and when it has written it.
func rendezvousHandedOver(t *testing.T, l *lab) {
	a := l.newRack(t)
	a.okdLab(t, "hosts", "fault", "master-0", slowDisk)
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.power(t, "on", "master-0", "master-1", "master-2")
	w := a.watchIt(t)
	a.comesTo(t, w, "Host master-0 has registered")
	a.power(t, "cycle", "master-0")
	a.comesTo(t, w, "Host master-0: bootstraps the cluster")
	a.comesTo(t, w, "Host master-0: writes /dev/sda")
	a.power(t, "cycle", "master-0")
	a.again(t, w, "Host master-0: writes /dev/sda")
	a.comesTo(t, w, "Host master-0: has written its disk")
	a.power(t, "cycle", "master-0")
	a.completes(t, w)
}

// rendezvousMediumFirst installs with a rendezvous host that boots the medium first: it is told to
// change that, and its disk is not written again.
func rendezvousMediumFirst(t *testing.T, l *lab) {
	a := l.newRack(t)
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.okdLab(t, "hosts", "boot", "master-0", "--order", "media,disk")
	a.power(t, "on", "master-0", "master-1", "master-2")
	w := a.watchIt(t)
	a.comesTo(t, w, "Host master-1: reboots from its disk")
	a.comesTo(t, w, "Host master-0: has written its disk")
	a.says(t, w, "master-0", "the disk is written, but the host has booted the installation medium again", "Next: remove")
	a.shows(t, "master-0", "fix its boot order")
	a.okdLab(t, "hosts", "boot", "master-0", "--order", "disk,media")
	a.power(t, "cycle", "master-0")
	a.completes(t, w)
	if n := strings.Count(w.stderr.String(), "Host master-0: has written its disk"); n != 1 {
		t.Errorf("the disk was written %d times", n)
	}
}

// rendezvousBootstrapping cuts the power of the rendezvous host while the other masters fetch
// their configuration from it. What to do is said within a minute, and the installation completes
// when that is done.
func rendezvousBootstrapping(t *testing.T, l *lab) {
	a := l.newRack(t)
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.power(t, "on", "master-0", "master-1", "master-2")
	w := a.watchIt(t)
	a.comesTo(t, w, "Host master-1: reboots from its disk")
	a.comesTo(t, w, "Host master-2: reboots from its disk")
	a.power(t, "off", "master-0")
	took := a.says(t, w, "The rendezvous host, master-0, does not answer any more", "Next: ")
	if took > named {
		t.Errorf("the silence was named after %s", took)
	}
	a.power(t, "on", "master-0")
	a.says(t, w, "has forgotten the installation")
	took = a.says(t, w, "Hosts master-1, master-2 have not registered", "from the image again")
	if took > named {
		t.Errorf("the hosts were named after %s", took)
	}
	a.shows(t, "master-0", "2 not registered: master-1, master-2", "even if the disk was written")
	for _, name := range []string{"master-1", "master-2"} {
		a.okdLab(t, "hosts", "boot", name, "--once", "media")
	}
	a.power(t, "cycle", "master-1", "master-2")
	a.completes(t, w)
}

// killAgent kills the agent of a host, which is started again.
func (a *rack) killAgent(t *testing.T, host string) {
	t.Helper()
	if out, err := a.inHost(t, host, "systemctl kill --signal=KILL okd-agent.service"); err != nil {
		t.Fatalf("kill the agent of %s: %v\n%s", host, err, out)
	}
}

func (a *rack) inHost(t *testing.T, host, script string) (string, error) {
	t.Helper()
	return a.tryLab(t, "machines", "exec", host, "--", "sh", "-c", script)
}

// bootsMediumAgain lets the rendezvous host boot the medium after the installation: it is told
// what to do and nothing is written; without the medium it is a node again.
func (a *rack) bootsMediumAgain(t *testing.T) {
	a.okdLab(t, "hosts", "boot", "master-0", "--order", "media,disk")
	a.power(t, "cycle", "master-0")
	w := a.watchIt(t)
	a.says(t, w, "master-0", "is node master-0 of the cluster", "Next: remove the medium")
	a.shows(t, "master-0", "is node master-0 of the cluster", "remove the medium")
	if code := w.end(t, 5*time.Minute); code == 0 {
		t.Error("agent wait-for is content with a host that boots the medium")
	}
	a.okdLab(t, "hosts", "media", "eject", "master-0")
	a.power(t, "cycle", "master-0")
	a.completes(t, a.watchIt(t))
}

// rack are three hosts, which are to be a cluster.
type rack struct {
	*cluster
	hosts []center.Host
}

// newRack writes the inputs of a cluster with static addresses, and makes its hosts. They are
// removed when the test succeeds.
func (l *lab) newRack(t *testing.T) *rack {
	t.Helper()
	hosts, err := center.Hosts(center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-")
	a := &rack{
		cluster: &cluster{lab: l, dir: filepath.Join(l.work, name), size: size{masters: 3}, upi: true}, hosts: hosts,
	}
	l.config(t, a.dir, "--name", "demo", "--masters", "3", "--workers", "0", "--platform", "baremetal")
	a.hints(t, nil)
	for _, h := range hosts {
		_, _ = l.tryLab(t, "hosts", "remove", h.Name) // of a scenario that failed
		l.okdLab(t, "hosts", "create", h.Name, "--mac", h.MAC)
	}
	t.Cleanup(func() { a.clear(t) })
	return a
}

// clear removes the hosts of a scenario.
func (a *rack) clear(t *testing.T) {
	t.Helper()
	if t.Failed() {
		a.consoles(t)
		return
	}
	for _, h := range a.hosts {
		a.okdLab(t, "hosts", "remove", h.Name)
	}
}

// replaceHost makes a host anew, with other hardware.
func (a *rack) replaceHost(t *testing.T, name string, flags ...string) {
	t.Helper()
	for _, h := range a.hosts {
		if h.Name == name {
			a.okdLab(t, "hosts", "remove", name)
			a.okdLab(t, append([]string{"hosts", "create", name, "--mac", h.MAC}, flags...)...)
		}
	}
}

// hints writes agent-config.yaml with rootDeviceHints for some hosts.
func (a *rack) hints(t *testing.T, hints map[string]string) {
	t.Helper()
	text := a.okdLab(t, "agent-config", "--name", "demo", "--masters", "3", "--workers", "0")
	for host, hint := range hints {
		line := "- hostname: " + host + "\n"
		if !strings.Contains(text, line) {
			t.Fatalf("agent-config has no host %s:\n%s", host, text)
		}
		text = strings.Replace(text, line, line+"  rootDeviceHints:\n    "+hint+"\n", 1)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "agent-config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *rack) makeImage(t *testing.T) {
	t.Helper()
	a.finish(t, 5*time.Minute, 0, a.dir, "agent", "create", "image")
}

func (a *rack) insert(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		a.okdLab(t, "hosts", "media", "insert", name, filepath.Join(a.dir, "agent.x86_64.iso"))
	}
}

func (a *rack) power(t *testing.T, action string, names ...string) {
	t.Helper()
	a.okdLab(t, append([]string{"hosts", "power", action}, names...)...)
}

// watchIt starts agent wait-for install-complete.
func (a *rack) watchIt(t *testing.T) *run {
	t.Helper()
	return a.start(t, a.dir, nil, "agent", "wait-for", "install-complete")
}

// says waits until agent wait-for has written a line with all the words, which are about a fault.
func (a *rack) says(t *testing.T, r *run, words ...string) time.Duration {
	t.Helper()
	return a.saysWithin(t, r, bootTime+named, words...)
}

// comesTo waits until agent wait-for has written how far the installation is.
func (a *rack) comesTo(t *testing.T, r *run, line string) {
	t.Helper()
	a.saysWithin(t, r, installBudget, line)
}

func (a *rack) saysWithin(t *testing.T, r *run, limit time.Duration, words ...string) time.Duration {
	t.Helper()
	took := eventually(t, limit, func() string {
		for line := range strings.Lines(r.stderr.String()) {
			if containsAll(line, words) {
				return ""
			}
		}
		select {
		case <-r.ended:
			t.Fatalf("agent wait-for has ended without %q:\n%s", words, r.stderr.String())
		default:
		}
		return "agent wait-for does not say " + strings.Join(words, " … ") + ":\n" + last(r.stderr.String(), 30)
	})
	t.Logf("after %.0f s: agent wait-for says %q", took.Seconds(), words[0])
	return took
}

// again waits until agent wait-for has written a line twice.
func (a *rack) again(t *testing.T, r *run, line string) {
	t.Helper()
	took := eventually(t, installBudget, func() string {
		if strings.Count(r.stderr.String(), line) > 1 {
			return ""
		}
		return "agent wait-for does not say again " + line + ":\n" + last(r.stderr.String(), 30)
	})
	t.Logf("after %.0f s: agent wait-for says %q again", took.Seconds(), line)
}

// shows waits until the page of a host's console shows words, however its lines are broken. The
// lab's machines have no terminal, so the page's program is run for a moment.
func (a *rack) shows(t *testing.T, host string, words ...string) {
	t.Helper()
	var page string
	eventually(t, named, func() string {
		page, _ = a.inHost(t, host, "timeout 1 okd-install node-agent console")
		if containsAll(strings.Join(strings.Fields(page), " "), words) {
			return ""
		}
		return "the console of " + host + " does not show " + strings.Join(words, " … ") + ":\n" + page
	})
	t.Logf("console of %s:\n%s", host, page)
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// untouched checks that no block of any disk has been written, and that there are disks.
func (a *rack) untouched(t *testing.T) {
	t.Helper()
	if disks := a.unwritten(t); disks < len(a.hosts) {
		t.Fatalf("only %d disks of %d hosts were found", disks, len(a.hosts))
	}
}

// unwritten checks that no block of any disk has been written, and counts them. A host that was never started has none.
func (a *rack) unwritten(t *testing.T) (disks int) {
	t.Helper()
	var list []daemon.Host
	if err := json.Unmarshal([]byte(a.okdLab(t, "hosts", "list", "--output", "json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, h := range list {
		files, err := filepath.Glob(filepath.Join(a.Dir, "volumes", "disk-"+h.ID+"-*", "image"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			var st syscall.Stat_t
			if err := syscall.Stat(name, &st); err != nil {
				t.Fatal(err)
			}
			disks++
			if st.Blocks != 0 {
				t.Errorf("%d blocks of %s of host %s are written", st.Blocks, name, h.Name)
			}
		}
	}
	return disks
}
