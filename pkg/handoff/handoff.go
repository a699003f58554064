// Package handoff waits while the temporary control plane hands over to the masters: the API answers, the bootstrap
// host reports completion, etcd has left it, and every node has joined.
package handoff

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// Watcher watches a cluster that is coming up.
type Watcher struct {
	kube.Watcher
	// Resolve looks up a host; nil asks the resolver of this host.
	Resolve func(ctx context.Context, host string) ([]string, error)
}

// Answers waits until the API answers and returns its version.
func (w *Watcher) Answers(ctx context.Context) (string, error) {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	err := w.Until(ctx, "the Kubernetes API", func(ctx context.Context) (string, error) {
		body, err := w.API.Raw(ctx, "/version", nil)
		if err != nil {
			return fmt.Sprintf("API at %s: %s", w.API.URL(), kube.Cause(err)), nil
		}
		if err := json.Unmarshal(body, &version); err != nil {
			return fmt.Sprintf("API at %s: what answers there is no Kubernetes API: %v", w.API.URL(), err), nil
		}
		return "", nil
	})
	return version.GitVersion, err
}

// BootstrapComplete waits for the ConfigMap in which the bootstrap host reports completion.
func (w *Watcher) BootstrapComplete(ctx context.Context) error {
	return w.Until(ctx, "bootstrap to complete", func(ctx context.Context) (string, error) {
		switch done, err := w.completed(ctx); {
		case err != nil:
			return "ConfigMap kube-system/bootstrap: " + kube.Cause(err), nil
		case !done:
			return "the bootstrap host has not reported completion" + w.joining(ctx), nil
		}
		return "", nil
	})
}

// completed reports whether the bootstrap host has reported completion.
func (w *Watcher) completed(ctx context.Context) (bool, error) {
	var cm corev1.ConfigMap
	err := w.API.Get(ctx, kube.ConfigMaps.Ref("kube-system", "bootstrap"), &cm)
	if kube.NotFound(err) {
		return false, nil
	}
	return cm.Data["status"] == "complete", err
}

// Missing is what the cluster still needs the bootstrap host for, empty if nothing. It asks once.
func (w *Watcher) Missing(ctx context.Context) (string, error) {
	done, err := w.completed(ctx)
	if err != nil || !done {
		return "the bootstrap host has not reported completion", err
	}
	moved, why, err := w.etcdMoved(ctx)
	if err != nil || !moved {
		return "etcd has not left the bootstrap host: " + why, err
	}
	return "", nil
}

// EtcdMoved waits until etcd has left the bootstrap host. Switching it off before that would cost etcd a vote.
func (w *Watcher) EtcdMoved(ctx context.Context) error {
	return w.Until(ctx, "etcd to leave the bootstrap host", func(ctx context.Context) (string, error) {
		switch moved, why, err := w.etcdMoved(ctx); {
		case err != nil:
			return "cannot ask operator etcd whether the bootstrap member is gone: " + kube.Cause(err), nil
		case !moved:
			return "operator etcd: bootstrap member not removed yet: " + why, nil
		}
		return "", nil
	})
}

func (w *Watcher) etcdMoved(ctx context.Context) (moved bool, why string, err error) {
	var etcd struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := w.API.Get(ctx, kube.Etcds.Ref("", "cluster"), &etcd); err != nil {
		return false, "", err
	}
	for _, c := range etcd.Status.Conditions {
		if c.Type == "EtcdBootstrapMemberRemoved" {
			return c.Status == "True", c.Message, nil
		}
	}
	return false, "not reported", nil
}

// NodesReady waits until every named node has joined and is Ready.
func (w *Watcher) NodesReady(ctx context.Context, names []string) error {
	names = slices.Sorted(slices.Values(names))
	return w.Until(ctx, "nodes", func(ctx context.Context) (string, error) {
		nodes, err := w.nodes(ctx)
		if err != nil {
			return "list nodes: " + kube.Cause(err), nil
		}
		var missing []string
		for _, name := range names {
			if node, joined := nodes[name]; !joined {
				missing = append(missing, name+" has not joined")
			} else if why, ready := NotReady(node); !ready {
				missing = append(missing, name+" is not ready: "+why)
			}
		}
		if len(missing) == 0 {
			return "", nil
		}
		return fmt.Sprintf("%d of %d nodes ready; %s", len(names)-len(missing), len(names), strings.Join(missing, "; ")), nil
	})
}

// Unready lists the nodes that have joined and are not Ready, and why.
func (w *Watcher) Unready(ctx context.Context) ([]string, error) {
	nodes, err := w.nodes(ctx)
	var out []string
	for name, node := range nodes {
		if why, ready := NotReady(node); !ready {
			out = append(out, "node "+name+" is not ready: "+why)
		}
	}
	slices.Sort(out)
	return out, err
}

// nodes are those that have joined, by name.
func (w *Watcher) nodes(ctx context.Context) (map[string]corev1.Node, error) {
	var list corev1.NodeList
	if err := w.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	out := map[string]corev1.Node{}
	for _, n := range list.Items {
		out[n.Name] = n
	}
	return out, nil
}

// NotReady reports whether a node is Ready, and if not, why.
func NotReady(n corev1.Node) (why string, ready bool) {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Message + kube.Since(c.LastTransitionTime.Time), c.Status == corev1.ConditionTrue
		}
	}
	return "its kubelet has not reported", false
}
