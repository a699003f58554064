package node_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
)

func TestClusters(t *testing.T) {
	for _, size := range []struct{ masters, arbiters, workers int }{{3, 0, 0}, {3, 0, 2}, {2, 1, 0}, {5, 0, 0}} {
		w := newWorld(t, size.masters, size.arbiters, size.workers)
		w.power(w.machines...)
		w.finished()
		manifest := filepath.Join(w.machines[0].root, "opt/openshift/openshift/99_openshift-cluster-api_hosts-1.yaml")
		raw, err := os.ReadFile(manifest)
		if err != nil || !strings.Contains(string(raw), `"ip":"192.0.2.11"`) ||
			!strings.Contains(string(raw), `"hostname":"`+w.machines[1].node+`"`) {
			t.Errorf("host %s in the cluster: %v\n%s", w.machines[1].node, err, raw)
		}
	}
}

// TestKilled kills every agent at every point of its life, the service with it on the
// rendezvous host, and cuts the power of the others.
func TestKilled(t *testing.T) {
	world := func(t *testing.T) *world {
		w := newWorld(t, 3, 0, 1)
		w.cfg.Hosts = []agent.Host{{Role: "worker", MACs: []string{"52:54:00:00:00:03"}}}
		return w
	}
	w := world(t)
	w.power(w.machines...)
	w.finished()
	if !slices.Contains(w.seen, "0/systemctl --no-block start -- okd-bootstrap.service") {
		t.Errorf("the bootstrap is not started: %q", w.seen)
	}
	if !slices.Contains(w.seen, "0/systemctl --no-block try-reload-or-restart -- sshd.service") {
		t.Errorf("sshd keeps its host key: %q", w.seen)
	}
	if len(w.seen) < 20 {
		t.Fatalf("points %q", w.seen)
	}
	for _, point := range w.seen {
		for happens, name := range map[fate]string{killed: "killed", powerLoss: "power"} {
			index, what, _ := strings.Cut(point, "/")
			if happens == powerLoss && index == "0" || index == "1" {
				continue // the service's state is in its memory; one of the other masters is enough
			}
			t.Run(name+" "+point, func(t *testing.T) {
				t.Parallel()
				w := world(t)
				hit := false
				w.at = func(m *machine, at string) fate {
					if string(rune('0'+m.index)) == index && at == what && !hit {
						hit = true
						return happens
					}
					return goOn
				}
				w.power(w.machines...)
				w.finished()
				if !hit {
					t.Error("it never came to that point")
				}
			})
		}
	}
}

// TestRendezvousLosesPower cuts the power of the rendezvous host before the orders, and after the
// cluster has taken over. Between that the installation has to begin anew.
func TestRendezvousLosesPower(t *testing.T) {
	for _, point := range []string{"inventory", "check", "write", "half", "unmarked", "wrote", "journal", "reboot"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 3, 0, 0)
			// The name that the cluster expects, in whatever order hosts come back.
			for _, m := range w.machines {
				w.cfg.Hosts = append(w.cfg.Hosts, agent.Host{
					Hostname: fmt.Sprint("master-", m.index), MACs: []string{fmt.Sprintf("52:54:00:00:00:%02x", m.index)},
				})
			}
			hit := false
			w.at = func(m *machine, at string) fate {
				if m.index == 0 && at == point && !hit {
					hit = true
					return powerLoss
				}
				return goOn
			}
			w.power(w.machines...)
			w.finished()
			if !hit {
				t.Error("it never came to that point")
			}
		})
	}
}

// TestRendezvousStrays: a rendezvous host that is a node and boots the medium again writes nothing.
func TestRendezvousStrays(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	for _, m := range w.machines {
		m.node = fmt.Sprint("master-", m.index)
	}
	w.power(w.machines[0])
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "is node master-0 of the cluster") || s.Hosts[0].Stage == agent.Writing {
		t.Errorf("status %+v", s)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.seen, "0/write") {
		t.Error("its disk was written")
	}
}

func TestDiskFails(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	w.machines[1].failing = "I/O error on /dev/vda"
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	message := s.Problem.Message
	if !strings.Contains(message, "I/O error on /dev/vda") || !strings.Contains(message, "192.0.2.11") {
		t.Errorf("problem %+v", s.Problem)
	}
	w.await("the rendezvous host waits for it", func(s agent.Status) bool {
		return strings.Contains(s.Waiting, "failed") && s.Hosts[slices.IndexFunc(s.Hosts, func(h agent.HostStatus) bool {
			return h.Rendezvous
		})].Stage == agent.Bootstrapping
	})
}

// TestMediumAgain: a host boots the medium again although its disk is written.
func TestMediumAgain(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	w.machines[2].stuck = true
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "boot order") || !strings.Contains(s.Problem.Message, "192.0.2.12") {
		t.Errorf("problem %+v", s.Problem)
	}
	// Somebody corrects the boot order and boots it again.
	w.mu.Lock()
	w.machines[2].stuck = false
	w.machines[2].next = powerLoss
	w.machines[2].stop()
	w.mu.Unlock()
	w.finished()
}

// TestLogs: the rendezvous host keeps the logs of all hosts, without secrets.
func TestLogs(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	w.power(w.machines...)
	w.finished()
	n := 0
	archive := tar.NewReader(bytes.NewReader(w.logs))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(h.Name, "hosts/") {
			continue
		}
		n++
		inner, err := gzip.NewReader(archive)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(inner)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "a line with (hidden)") || strings.Contains(string(text), "agent-") {
			t.Errorf("%s: %s", h.Name, text)
		}
	}
	if n != 3 {
		t.Errorf("logs of %d hosts", n)
	}
}

// TestAddressComesLate: the rendezvous host gets its address long after it has booted.
func TestAddressComesLate(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	first := w.machines[0]
	first.hidden.Store(true)
	w.power(w.machines...)
	for {
		var self agent.Self
		raw, err := os.ReadFile(filepath.Join(first.stateDir, agent.SelfFile))
		if err == nil && json.Unmarshal(raw, &self) == nil && strings.Contains(self.Contact, "connection refused") {
			break
		}
		if w.ctx.Err() != nil {
			t.Fatalf("the console is told %+v", self)
		}
		time.Sleep(time.Millisecond)
	}
	first.hidden.Store(false)
	w.finished()
}

// TestBootstrapRefused: a bootstrap that cannot be started is a problem, and is tried again.
func TestBootstrapRefused(t *testing.T) {
	w := newWorld(t, 3, 0, 0)
	name := filepath.Join(w.dir, agent.BootstrapIgnition)
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w.write(name, `{"ignition":{"version":"3.2.0"},"storage":{"disks":[{"device":"/dev/vda"}]}}`)
	w.power(w.machines...)
	s := w.await("a problem", func(s agent.Status) bool { return s.Problem != nil })
	if !strings.Contains(s.Problem.Message, "storage.disks") || s.Problem.Next == "" {
		t.Errorf("problem %+v", s.Problem)
	}
	w.write(name, string(good))
	w.finished()
}

// TestAllMediaAgain: all hosts of a cluster that is installed boot the medium at the same time. None
// of them is written, because the disk of the rendezvous host has the mark.
func TestAllMediaAgain(t *testing.T) {
	for _, masters := range []int{1, 3} {
		w := newWorld(t, masters, 0, 0)
		w.cfg.InPlace = masters == 1
		w.power(w.machines...)
		if w.cfg.InPlace {
			w.await("the bootstrap", func(s agent.Status) bool {
				return len(s.Hosts) == 1 && s.Hosts[0].Stage == agent.Bootstrapping
			})
			w.write(filepath.Join(w.machines[0].root, "opt/openshift/master.ign"), `{"ignition":{"version":"3.2.0"}}`)
			w.write(filepath.Join(w.machines[0].root, "opt/openshift/.bootkube.done"), "")
		}
		w.finished()
		for _, m := range w.machines {
			if m.mark != (m.index == 0) {
				t.Errorf("machine %d: mark %v", m.index, m.mark)
			}
			m.node = "" // nothing answers while all are in the live system
			m.forget()
		}
		w.seen = nil
		w.power(w.machines...)
		blocked := func(s agent.Status) bool {
			ready := 0
			for _, h := range s.Hosts {
				if h.Stage == agent.Ready {
					ready++
				}
			}
			return s.Missing == 0 && ready == masters-1 &&
				strings.Contains(s.Waiting, "host master-0, check written-before: has the mark")
		}
		w.await("nothing begins", blocked)
		for range 50 { // while the hosts go on reporting
			time.Sleep(time.Millisecond)
			if s, err := w.watcher.Status(w.ctx); err != nil || !blocked(s) {
				t.Fatalf("%v, status %+v", err, s)
			}
		}
		w.mu.Lock()
		for _, point := range w.seen {
			if strings.HasSuffix(point, "/write") || strings.HasSuffix(point, "/hostname") {
				t.Errorf("point %s", point)
			}
		}
		w.mu.Unlock()
	}
}

// TestInPlaceLosesPower: a single node that loses its power before its disk has the mark begins
// anew, and one whose disk has it is left alone if it boots the medium again.
func TestInPlaceLosesPower(t *testing.T) {
	for point, again := range map[string]bool{"half": true, "unmarked": true, "wrote": false} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t, 1, 0, 0)
			w.cfg.InPlace = true
			m := w.machines[0]
			m.stuck = true
			w.at = func(_ *machine, at string) fate {
				if at == point {
					return powerLoss
				}
				return goOn
			}
			w.power(m)
			w.await("the bootstrap", func(s agent.Status) bool {
				return len(s.Hosts) == 1 && s.Hosts[0].Stage == agent.Bootstrapping
			})
			w.write(filepath.Join(m.root, "opt/openshift/master.ign"), `{"ignition":{"version":"3.2.0"}}`)
			w.write(filepath.Join(m.root, "opt/openshift/.bootkube.done"), "")
			for boots := 1; boots < 2 && w.ctx.Err() == nil; time.Sleep(time.Millisecond) {
				w.mu.Lock()
				boots = m.boots
				w.mu.Unlock()
			}
			w.await("its next life", func(s agent.Status) bool {
				if again {
					return len(s.Hosts) == 1 && s.Hosts[0].Stage == agent.Bootstrapping
				}
				return strings.Contains(s.Waiting, "host master-0, check written-before: has the mark")
			})
		})
	}
}

// TestInPlace: a single node is written with what its own bootstrap has made.
func TestInPlace(t *testing.T) {
	w := newWorld(t, 1, 0, 0)
	w.cfg.InPlace = true
	m := w.machines[0]
	w.power(m)
	w.await("the bootstrap", func(s agent.Status) bool {
		return len(s.Hosts) == 1 && s.Hosts[0].Stage == agent.Bootstrapping
	})
	if m.disk != "" {
		t.Errorf("%q is on the disk before the bootstrap is done", m.disk)
	}
	w.write(filepath.Join(m.root, "opt/openshift/master.ign"), `{"ignition":{"version":"3.2.0"}}`)
	w.write(filepath.Join(m.root, "opt/openshift/.bootkube.done"), "")
	w.finished()
}
