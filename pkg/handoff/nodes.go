package handoff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// NodesReady waits until every named node has joined and is Ready.
func (w *Watcher) NodesReady(ctx context.Context, names []string) error {
	err := wait.Until(ctx, w.Clock, w.Every, func(ctx context.Context) (bool, string, error) {
		missing, err := w.NotReady(ctx, names)
		if err != nil {
			return false, w.say("list nodes: %s", kube.Cause(err)), nil
		}
		if len(missing) > 0 {
			return false, w.say("%d of %d nodes ready; %s", len(names)-len(missing), len(names),
				strings.Join(missing, "; ")), nil
		}
		return true, "", nil
	})
	if err != nil {
		return fmt.Errorf("wait for nodes: %w", err)
	}
	return nil
}

// NotReady says, for each named node that is not Ready, what is the matter.
func (w *Watcher) NotReady(ctx context.Context, names []string) ([]string, error) {
	var list corev1.NodeList
	if err := w.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	found := map[string]corev1.Node{}
	for _, n := range list.Items {
		found[n.Name] = n
	}
	var missing []string
	for _, name := range slices.Sorted(slices.Values(names)) {
		node, joined := found[name]
		if !joined {
			missing = append(missing, name+" has not joined")
			continue
		}
		if ready, why := isReady(node); !ready {
			missing = append(missing, name+" is not ready: "+why)
		}
	}
	return missing, nil
}

func isReady(n corev1.Node) (bool, string) {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue, c.Message + since(c.LastTransitionTime.Time)
		}
	}
	return false, "its kubelet has not reported"
}

// since is a time of the cluster's, absolute so that it stays the same.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (since " + t.UTC().Format(time.RFC3339) + ")"
}

// Unready says, for each node that has joined and is not Ready, what is the
// matter.
func (w *Watcher) Unready(ctx context.Context) ([]string, error) {
	var list corev1.NodeList
	if err := w.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return nil, err
	}
	var out []string
	for _, n := range list.Items {
		if ready, why := isReady(n); !ready {
			out = append(out, "node "+n.Name+" is not ready: "+why)
		}
	}
	slices.Sort(out)
	return out, nil
}
