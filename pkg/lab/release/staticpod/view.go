package staticpod

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// controlPlaneLabels mark the nodes that run static pods.
var controlPlaneLabels = []string{"node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"}

// controlPlane lists the control plane's nodes by name.
func (o *Operator) controlPlane(ctx context.Context) ([]corev1.Node, error) {
	var list corev1.NodeList
	if err := o.Client.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(list.Items, func(n corev1.Node) bool {
		ours := slices.ContainsFunc(controlPlaneLabels, func(l string) bool { _, has := n.Labels[l]; return has })
		return !ours || n.DeletionTimestamp != nil
	})
	slices.SortFunc(out, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
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
