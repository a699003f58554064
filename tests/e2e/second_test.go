//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// twoClusters installs two clusters at the same time, and removes one without any
// effect on the other.
func twoClusters(t *testing.T, l *lab) {
	first := l.newCluster(t, "demo", standard)
	second := l.newCluster(t, "second", size{masters: 3, workers: 1})
	step(t, "BothComplete", func(t *testing.T) {
		runs := []*run{first.create(t), second.create(t)}
		for _, r := range runs {
			if code := r.end(t, 2*installBudget); code != 0 {
				t.Fatalf("%s: exit code %d", r, code)
			}
			measured(t, "one of two clusters that were installed at the same time took %.0f s", r.took.Seconds())
		}
	})
	for _, c := range []*cluster{first, second} {
		c.nodesReady(t)
		c.etcdVotes(t)
		c.nothingTwice(t)
	}
	step(t, "OneGoes", func(t *testing.T) {
		l.finish(t, 5*time.Minute, 0, second.dir, "destroy", "cluster")
		first.nodesReady(t)
		first.nothingTwice(t)
		l.finish(t, 5*time.Minute, 0, first.dir, "destroy", "cluster")
	})
}
