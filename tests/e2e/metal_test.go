//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/center"
	"github.com/okd-install/okd-install/pkg/phases"
)

// TestMetal installs a cluster of three masters and two workers through their BMCs.
func TestMetal(t *testing.T) { installMetal(t, "metal", 2, "idrac9") }

// TestMetalWorkers does the same with a vendor that starts media in a way of its own: by a server configuration
// profile, from another slot, and with a pause after each power-off. Its disks are wiped.
func TestMetalWorkers(t *testing.T) { installMetal(t, "metal-workers", 2, "idrac10", "--wipe-disks") }

// metalSize is three masters and some workers.
func metalSize(workers int) center.ClusterSize {
	return center.ClusterSize{Name: "demo", Platform: "baremetal", Masters: 3, Workers: workers}
}

// installMetal installs a cluster on hosts of one vendor in a lab of its own, checks it, and destroys it with flags.
func installMetal(t *testing.T, work string, workers int, profile string, flags ...string) {
	if *have != "" {
		a := newAgents(t, newLab(t, work), metalSize(workers))
		step(t, "Media", func(t *testing.T) { a.noMedia(t) })
		step(t, "Passwords", func(t *testing.T) { a.bmcPasswords(t) })
		a.check(t)
		return
	}
	a := newMetal(t, work, metalSize(workers), profile)
	data := a.writeData(t)
	step(t, "Installation", func(t *testing.T) {
		a.began = time.Now()
		create := a.create(t)
		if create.reach(t, phases.BootstrapComplete.Name, installBudget) {
			if said := a.gathers(t); strings.Contains(said, "missing bootstrap host") { // it is the rendezvous host
				t.Errorf("the log bundle is incomplete:\n%s", said)
			}
		}
		if code := create.end(t, installBudget); code != 0 {
			t.Fatalf("%s: exit code %d, want 0\n%s", create, code, last(create.stderr.String(), 20))
		}
		measured(t, "metal, %s, 3 masters + %d workers: install complete after %.0f s", profile, workers,
			time.Since(a.began).Seconds())
		a.figures(t)
	})
	step(t, "Media", func(t *testing.T) {
		a.noMedia(t)
		a.noSessions(t)
	})
	step(t, "Data", func(t *testing.T) { keptData(t, data) })
	step(t, "Passwords", func(t *testing.T) { a.bmcPasswords(t) })
	a.check(t)
	step(t, "Again", func(t *testing.T) { // a complete cluster is left alone
		a.runs = append(a.runs, a.finish(t, installBudget, 0, a.dir, "create", "cluster"))
		a.nodesReady(t)
		a.noMedia(t)
		a.noSessions(t)
	})
	step(t, "Destroy", func(t *testing.T) {
		written := a.writtenDisks(t)
		a.destroyed(t, flags...)
		a.noSessions(t)
		if slices.Contains(flags, "--wipe-disks") {
			wipedDisks(t, written)
		}
		keptData(t, data)
		a.filesWithout(t, a.dir, a.bmcSecrets(t), "install-config.yaml", "agent.x86_64.iso")
	})
}
