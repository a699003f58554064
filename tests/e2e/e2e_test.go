//go:build e2e

// Package e2e installs clusters in a lab of its own and checks what an operator would
// check. hack/test.sh runs it, as root, after okd-lab setup.
package e2e

import (
	"flag"
	"testing"
)

var (
	tier = flag.String("tier", "ci", "ci: one installation with its checks; full: every fault as well")
	have = flag.String("cluster", "",
		"check the cluster that was installed in this directory, in a running lab, and leave it as it is")
)

// scenario is a test in a lab that is empty before and after it.
type scenario struct {
	name string
	full bool // too long for every change
	run  func(t *testing.T, l *lab)
}

var scenarios = []scenario{
	{name: "BadInput", run: badInput},
	{name: "BootstrapCannotSucceed", run: bootstrapCannotSucceed},
	{name: "Installation", run: installation},
	{name: "KilledInEveryPhase", full: true, run: killedInEveryPhase},
	{name: "KilledAtRandom", full: true, run: killedAtRandom},
	{name: "TwoClusters", full: true, run: twoClusters},
}

// TestLab runs the installer with an oVirt engine.
func TestLab(t *testing.T) {
	if *have != "" {
		c := &cluster{lab: newLab(t, "ovirt"), dir: *have, size: standard}
		checkCluster(t, c)
		step(t, "Virtualization", func(t *testing.T) { virtualized(t, c) })
		return
	}
	l := newLab(t, "ovirt")
	l.up(t)
	for _, s := range scenarios {
		if s.full && *tier != "full" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			before := l.inventory(t)
			s.run(t, l)
			if !t.Failed() {
				l.sameAs(t, before)
			}
		})
		if t.Failed() {
			// What is left would disturb the other scenarios, and helps to find the cause.
			t.Fatalf("lab %s is left as it is; OKD_LAB=%s bin/okd-lab status shows it", l.Name, l.Name)
		}
	}
}

// step runs a part of a scenario that the following parts depend on.
func step(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	if !t.Run(name, run) {
		t.FailNow()
	}
}

func installation(t *testing.T, l *lab) {
	c := l.newCluster(t, "demo", standard)
	c.choice = l.newestByVersion(t)
	c.interruptedThenKilled(t)
	step(t, "Release", func(t *testing.T) { c.releasePinned(t) })
	checkCluster(t, c)
	step(t, "GatherWithoutAgent", func(t *testing.T) { c.gathersWithoutAgent(t) })
	step(t, "BesideSilence", func(t *testing.T) { besideSilence(t, c) })
	step(t, "Ignition", func(t *testing.T) { ignitionValidates(t, l) })
	step(t, "Virtualization", func(t *testing.T) { virtualized(t, c) })
	step(t, "MasterWithVIPLost", func(t *testing.T) { masterWithVIPLost(t, c) })
	destroyed(t, c)
}

// checkCluster checks what must hold for every installed cluster.
func checkCluster(t *testing.T, c *cluster) {
	step(t, "Release", func(t *testing.T) { c.releaseInstalled(t) })
	step(t, "Nodes", func(t *testing.T) { c.nodesReady(t) })
	step(t, "Etcd", func(t *testing.T) { c.etcdVotes(t) })
	step(t, "BootstrapGone", func(t *testing.T) { c.bootstrapGone(t) })
	step(t, "NothingTwice", func(t *testing.T) { c.nothingTwice(t) })
	step(t, "Workload", func(t *testing.T) { c.workload(t) })
	step(t, "SecondNetwork", func(t *testing.T) { c.secondNetwork(t) })
	step(t, "Secrets", func(t *testing.T) { c.keepsSecrets(t) })
}
