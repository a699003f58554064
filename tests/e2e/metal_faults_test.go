//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
)

// ignoredBudget is how long an installation may take in which a host is started three times.
const ignoredBudget = 90 * time.Minute

// TestMetalFaults has every fault of BMCs in one cluster: with some of them the run stops before anything is written,
// and says which host it is and what to do; with the others the installation completes.
func TestMetalFaults(t *testing.T) {
	a := newMetal(t, "metal-faults", metalSize(2), "idrac9", "ilo6", "x13", "openbmc", "idrac10")
	step(t, "Preflight", func(t *testing.T) {
		a.stops(t, exit.Other, map[string][]string{
			"master-0": {"bmc-wrong-certificate", "certificate", "disableCertificateVerification"},
			"master-1": {"bmc-off", "address"},
		})
		a.allOff(t) // not even started
	})
	step(t, "Infrastructure", func(t *testing.T) {
		a.stops(t, exit.Infrastructure, map[string][]string{
			"master-0": {"bmc-media-unreachable", "insert media"},
			"master-1": {"bmc-stuck-power", "power on"},
		})
		a.switchOff(t)
	})
	step(t, "Completes", func(t *testing.T) {
		a.breaks(t, "master-0", "bmc-slow=1s", "bmc-slow-power=20s")
		a.breaks(t, "master-1", "bmc-errors=6:503", "bmc-drop=3", "bmc-lost=2")
		a.breaks(t, "master-2", "bmc-session-limit", "bmc-ignore-once") // its disk is empty
		a.breaks(t, "worker-0", "bmc-errors=4:500", "bmc-etag=2")
		a.breaks(t, "worker-1", "bmc-slow=1s")
		r := a.create(t)
		a.losesMedium(t, r, "worker-1")
		if code := r.end(t, 2*installBudget); code != 0 {
			a.explain(t, r)
			t.Fatalf("%s: exit code %d, want 0", r, code)
		}
		a.says(t, r, "Host worker-1 could not be started from its medium; it is tried again")
		a.mended(t)
		a.nodesReady(t)
		a.etcdVotes(t)
		a.noMedia(t)
		a.noneSince(t, map[string]int{"master-1": 5}) // of a session whose answer was lost nobody knows
	})
	step(t, "Destroy", func(t *testing.T) {
		a.breaks(t, "worker-0", "bmc-off")
		r := a.finish(t, installBudget, exit.Other, a.dir, "destroy", "cluster")
		a.runs = append(a.runs, r)
		a.says(t, r, "worker-0", a.bmcAddress(t, "worker-0"))
		a.mended(t)
		a.destroyed(t) // the masters are off already: what they have proved before counts
		a.noneSince(t, map[string]int{"master-1": 5})
	})
	step(t, "BootOnceIgnored", func(t *testing.T) { a.bootOnceIgnored(t) })
	step(t, "Passwords", func(t *testing.T) {
		a.filesWithout(t, a.dir, a.bmcSecrets(t), "install-config.yaml", "agent.x86_64.iso", "bootstrap.ign")
		for _, r := range a.runs {
			if name := a.bmcSecrets(t).Inside([]byte(r.stdout.String() + r.stderr.String())); name != "" {
				t.Errorf("%s shows the %s", r, name)
			}
		}
	})
}

// stops runs create cluster with a fault at each of some hosts, which has to fail before anything is written, with a
// line for each host that has its name, the address of its BMC and the words after the fault. What other hosts got is
// taken back, and the faults are mended.
func (a *agents) stops(t *testing.T, code int, faults map[string][]string) {
	t.Helper()
	for name, words := range faults {
		a.breaks(t, name, words[0])
	}
	r := a.create(t)
	if got := r.end(t, ignoredBudget); got != code {
		a.explain(t, r)
		t.Fatalf("%s: exit code %d, want %d", r, got, code)
	}
	for name, words := range faults {
		a.says(t, r, append([]string{name, a.bmcAddress(t, name)}, words[1:]...)...)
	}
	a.says(t, r, "Next: ")
	(&rack{cluster: a.cluster, hosts: a.hosts}).unwritten(t)
	a.mended(t)
	a.noMedia(t)
	a.noSessions(t)
}

// losesMedium ejects the medium of a host before it is switched on.
func (a *agents) losesMedium(t *testing.T, r *run, name string) {
	t.Helper()
	eventually(t, installBudget, func() string {
		h := a.host(t, name)
		select {
		case <-r.ended:
			t.Fatalf("%s ended with exit code %d:\n%s", r, r.code, last(r.stderr.String(), 20))
		default:
		}
		if h.Media == "" || h.Once == "" && h.State == "down" {
			return "host " + name + " has no medium yet"
		}
		if h.State != "down" {
			t.Fatalf("host %s was started before its medium could be taken out", name)
		}
		return ""
	})
	a.breaks(t, name, "bmc-ejected")
}

// bootOnceIgnored installs a cluster on disks that have a system, where the firmware of a worker ignores the override
// and boots its disk. The worker joins all the same, or it is named, with what to do.
func (a *agents) bootOnceIgnored(t *testing.T) {
	a.again(t)
	a.breaks(t, "worker-1", "bmc-ignore-once")
	r := a.create(t)
	code := r.end(t, ignoredBudget)
	t.Logf("%s: exit code %d after %s", r, code, r.took)
	if code != 0 {
		a.says(t, r, "worker-1", a.bmcAddress(t, "worker-1"))
		a.says(t, r, "Next: ")
	} else if out, err := a.tryKubectl(t, "get", "node", "worker-1", "-o",
		`jsonpath={.status.conditions[?(@.type=="Ready")].status}`); err != nil || out != "True" {
		a.says(t, r, "worker-1", a.bmcAddress(t, "worker-1"), "is not in the cluster", "nodes add")
	}
	a.mended(t)
	a.noMedia(t)
	a.noneSince(t, map[string]int{"master-1": 5}) // of Completes
	a.destroyedUnproved(t)
}
