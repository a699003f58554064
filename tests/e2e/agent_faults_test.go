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

// TestAgentFaults breaks installations from one image in every way that the lab has.
func TestAgentFaults(t *testing.T) {
	l := newLab(t, "agentfaults")
	l.up(t)
	for _, s := range []scenario{
		{name: "NothingIsWritten", run: nothingIsWritten},
	} {
		if s.full && *tier != "full" {
			continue
		}
		step(t, s.name, func(t *testing.T) { s.run(t, l) })
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
	a.replaceHost(t, "master-0")
	a.hints(t, map[string]string{"master-1": "hctl: \"0:0:0:0\""})
	a.makeImage(t)
	a.insert(t, "master-0", "master-1", "master-2")
	a.okdLab(t, "hosts", "fault", "master-1", "dead-disk=sda")
	a.power(t, "on", "master-0", "master-1", "master-2")
	a.says(t, w, "Host master-2: is ready")
	a.okdLab(t, "hosts", "fault", "master-2", "cut-link")
	a.says(t, w, "Host master-1: /dev/sda", "Next: ")
	a.says(t, w, "Host master-2 was last heard of at", "Next: ")
	a.shows(t, "master-1", "/dev/sda")
	a.shows(t, "master-2", "No answer:", "cable")
	a.untouched(t)
	a.okdLab(t, "hosts", "fault", "master-2", "none")
	a.okdLab(t, "hosts", "fault", "master-1", "none")
	a.power(t, "cycle", "master-1")
	a.says(t, w, "Host master-1: writes /dev/sda")
	a.says(t, w, "Host master-2: writes /dev/sda")
	a.power(t, "off", "master-0", "master-1", "master-2")
	w.signal(syscall.SIGKILL)
	t.Logf("agent wait-for said:\n%s", w.stderr.String())
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
	for _, name := range names {
		a.okdLab(t, "hosts", "power", name, action)
	}
}

// watchIt starts agent wait-for install-complete.
func (a *rack) watchIt(t *testing.T) *run {
	t.Helper()
	return a.start(t, a.dir, nil, "agent", "wait-for", "install-complete")
}

// says waits until agent wait-for has written a line with all the words.
func (a *rack) says(t *testing.T, r *run, words ...string) time.Duration {
	t.Helper()
	took := eventually(t, bootTime+named, func() string {
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

// shows waits until the console of a host shows words, however its lines are broken.
func (a *rack) shows(t *testing.T, host string, words ...string) {
	t.Helper()
	eventually(t, named, func() string {
		text := strings.Join(strings.Fields(a.okdLab(t, "hosts", "console", host)), " ")
		if containsAll(text, words) {
			return ""
		}
		return "the console of " + host + " does not show " + strings.Join(words, " … ") + ":\n" +
			last(a.okdLab(t, "hosts", "console", host), 40)
	})
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// untouched checks that no block of any disk has been written.
func (a *rack) untouched(t *testing.T) {
	t.Helper()
	var list []daemon.Host
	if err := json.Unmarshal([]byte(a.okdLab(t, "hosts", "list", "--output", "json")), &list); err != nil {
		t.Fatal(err)
	}
	disks := 0
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
	if disks < len(a.hosts) {
		t.Fatalf("only %d disks of %d hosts were found", disks, len(a.hosts))
	}
}
