package staticpod

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
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

// controlPlaneLabels mark the nodes that run static pods.
var controlPlaneLabels = []string{"node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"}

// arbiterLabel marks the nodes that only run etcd.
const arbiterLabel = "node-role.kubernetes.io/arbiter"

// controlPlane lists the nodes by name on which the component runs.
func (o *Operator) controlPlane(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	if err := o.Client.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(list.Items, func(n corev1.Node) bool { return !o.runsOn(&n) || n.DeletionTimestamp != nil })
	slices.SortFunc(out, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (c *Component) runsOn(n *corev1.Node) bool {
	has := func(label string) bool { _, found := n.Labels[label]; return found }
	return slices.ContainsFunc(controlPlaneLabels, has) || c.Arbiters && has(arbiterLabel)
}

// view joins nodes, recorded revisions and pods.
func (c *Component) view(nodes []corev1.Node, pods []corev1.Pod, recorded map[string]int, refused map[string]string,
	latest int) []nodeView {
	byName := map[string]*corev1.Pod{}
	for i := range pods {
		byName[pods[i].Name] = &pods[i]
	}
	var out []nodeView
	for i := range nodes {
		n := &nodes[i]
		v := nodeView{Name: n.Name, Alive: alive(n), Refused: refused[n.Name], Current: recorded[n.Name]}
		if api.NodeAddress(n) == "" && v.Refused == "" {
			v.Refused = fmt.Sprintf("node %s has no address yet", n.Name)
		}
		if p := byName[c.Pod+"-"+n.Name]; p != nil {
			v.Running, _ = strconv.Atoi(p.Labels["revision"])
			v.Ready = p.DeletionTimestamp == nil && Ready(p)
		}
		v.Installer = latestInstaller(pods, n.Name, latest)
		out = append(out, v)
	}
	return out
}

func latestInstaller(pods []corev1.Pod, node string, rev int) installerView {
	var out installerView
	for i := range pods {
		p := &pods[i]
		if p.Labels["app"] != installerApp || p.Labels["revision"] != strconv.Itoa(rev) || p.Spec.NodeName != node {
			continue
		}
		attempt, _ := strconv.Atoi(p.Labels["attempt"])
		if out.Exists && attempt < out.Attempt {
			continue
		}
		out = installerView{
			Exists:  true,
			Attempt: attempt,
			Failed:  p.Status.Phase == corev1.PodFailed,
			Done:    p.Status.Phase == corev1.PodSucceeded,
		}
	}
	return out
}

// alive reports whether the kubelet can be expected to act. A new node without a
// condition and one that is not Ready can both run host-network pods.
func alive(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status != corev1.ConditionUnknown
		}
	}
	return true
}
