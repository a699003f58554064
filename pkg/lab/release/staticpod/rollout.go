package staticpod

import (
	"cmp"
	"fmt"
	"slices"
)

// nodeView is what is known about the component on one node.
type nodeView struct {
	Name    string
	Alive   bool   // the kubelet reports, or has not reported yet at all
	Refused string // why the first installation must wait

	Current int // last revision seen ready, from the operator's resource; 0 for none

	Running int  // revision of the mirror pod; 0 when there is none
	Ready   bool // the mirror pod is ready

	Installer installerView
}

// installerView is the latest installer pod of the latest revision on a node.
type installerView struct {
	Exists  bool
	Failed  bool
	Done    bool
	Attempt int // of the pod, from 0
}

// step is an installer pod to be created.
type step struct {
	Node     string
	Revision int
	Attempt  int
}

// plan decides which installers to start. A node that has never run the component
// gets it at once. A running pod is replaced only when every other node's is ready,
// one node at a time, and nothing speaks against it (hold).
func plan(latest int, nodes []nodeView, hold string) (steps []step, waiting string) {
	if latest == 0 {
		return nil, "no revision yet"
	}
	var updates []nodeView
	busy := ""
	for _, n := range nodes {
		first := n.Current == 0 && n.Running == 0
		switch {
		case n.Running == latest && n.Ready:
			continue
		case n.Running == latest:
			busy = fmt.Sprintf("pod of revision %d on %s is not ready", latest, n.Name)
			continue
		case n.Installer.Exists && !n.Installer.Failed:
			if !first || !n.Installer.Done {
				busy = fmt.Sprintf("revision %d is being installed on %s", latest, n.Name)
			} else {
				waiting = fmt.Sprintf("kubelet of %s has not started revision %d yet", n.Name, latest)
			}
			continue
		}
		if first {
			if n.Refused != "" {
				waiting = n.Refused
				continue
			}
			steps = append(steps, step{Node: n.Name, Revision: latest, Attempt: n.nextAttempt()})
			continue
		}
		updates = append(updates, n)
	}
	if len(updates) == 0 {
		return steps, cmp.Or(busy, waiting)
	}
	// A pod that does not work comes first, for nothing is lost; then the oldest.
	slices.SortStableFunc(updates, func(a, b nodeView) int {
		if a.Ready != b.Ready {
			if !a.Ready {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Running, b.Running), cmp.Compare(a.Name, b.Name))
	})
	i := slices.IndexFunc(updates, func(n nodeView) bool { return n.Alive })
	switch {
	case busy != "":
		return steps, busy
	case len(steps) > 0:
		return steps, waiting
	case i < 0:
		return steps, fmt.Sprintf("node %s does not report", updates[0].Name)
	}
	next := updates[i]
	if next.Ready {
		if hold != "" {
			return steps, hold
		}
		for _, n := range nodes {
			if n.Name != next.Name && !n.Ready {
				return steps, fmt.Sprintf("pod on %s is not ready, so no other is replaced", n.Name)
			}
		}
	}
	return append(steps, step{Node: next.Name, Revision: latest, Attempt: next.nextAttempt()}), ""
}

func (n *nodeView) nextAttempt() int {
	if n.Installer.Failed {
		return n.Installer.Attempt + 1
	}
	return 0
}

// currentRevision counts once its pod is ready, and stays until another is.
func (n *nodeView) currentRevision() int {
	if n.Ready && n.Running > 0 {
		return n.Running
	}
	return n.Current
}
