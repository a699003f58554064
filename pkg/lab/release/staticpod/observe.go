package staticpod

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
)

// fetchInputs lists the namespace once instead of asking for each object.
func (c *Component) fetchInputs(ctx context.Context, k *kube.Clients) (inputs, error) {
	in := inputs{configMaps: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{}}
	cms, err := k.Kube.CoreV1().ConfigMaps(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return in, fmt.Errorf("list ConfigMaps of %s: %w", c.Namespace, err)
	}
	for i := range cms.Items {
		in.configMaps[cms.Items[i].Name] = &cms.Items[i]
	}
	secrets, err := k.Kube.CoreV1().Secrets(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return in, fmt.Errorf("list Secrets of %s: %w", c.Namespace, err)
	}
	for i := range secrets.Items {
		in.secrets[secrets.Items[i].Name] = &secrets.Items[i]
	}
	return in, nil
}

// controlPlane lists the control plane's nodes by name.
func controlPlane(ctx context.Context, k *kube.Clients) ([]corev1.Node, error) {
	list, err := k.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	out := slices.DeleteFunc(list.Items, func(n corev1.Node) bool { return !isControlPlane(&n) || n.DeletionTimestamp != nil })
	slices.SortFunc(out, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// view joins nodes, recorded revisions and pods.
func (c *Component) view(nodes []corev1.Node, pods []corev1.Pod, recorded map[string]int, refused map[string]string, latest int) []nodeView {
	byName := map[string]*corev1.Pod{}
	for i := range pods {
		byName[pods[i].Name] = &pods[i]
	}
	var out []nodeView
	for i := range nodes {
		n := &nodes[i]
		v := nodeView{Name: n.Name, Alive: alive(n), Refused: refused[n.Name], Current: recorded[n.Name]}
		if NodeAddress(n) == "" && v.Refused == "" {
			v.Refused = fmt.Sprintf("node %s has no address yet", n.Name)
		}
		if p := byName[c.Pod+"-"+n.Name]; p != nil {
			v.Running, _ = strconv.Atoi(p.Labels["revision"])
			v.Ready = podReady(p)
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

// alive says whether the kubelet can be expected to act. A node that has just
// registered has no condition yet, and one without a pod network is not Ready;
// both can run host-network pods.
func alive(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status != corev1.ConditionUnknown
		}
	}
	return true
}

func podReady(p *corev1.Pod) bool {
	if p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
