package nodes

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	// DrainTime is how long the pods of a node have to leave it unless the user says otherwise.
	DrainTime = 10 * time.Minute
	// drainEvery is between two looks at the pods of a node.
	drainEvery = 3 * time.Second
	// evictions are how many pods are asked to leave at once.
	evictions = 8
)

// mirrorAnnotation marks pods that the kubelet has from files.
const mirrorAnnotation = "kubernetes.io/config.mirror"

// cordon keeps new pods from a node.
func (c *cluster) cordon(ctx context.Context, n corev1.Node) error {
	if n.Spec.Unschedulable {
		return nil
	}
	patch := map[string]any{"spec": map[string]any{"unschedulable": true}}
	if err := c.api.Patch(ctx, kube.Nodes.Ref("", n.Name), "", patch); err != nil {
		return fmt.Errorf("mark it as unschedulable: %s", kube.Cause(err))
	}
	return nil
}

// drain evicts the pods of a node, as their disruption budgets allow, and waits until they are gone. Pods that nothing
// would start elsewhere stay unless they are forced out.
func (c *cluster) drain(ctx context.Context, node string, limit time.Duration, force bool) error {
	until := c.Clock.Now().Add(limit)
	w := kube.Watcher{API: c.api, Clock: c.Clock, Sink: c.Sink, Every: drainEvery}
	return w.Until(ctx, "the pods of node "+node, func(ctx context.Context) (string, error) {
		pods, err := c.podsOf(ctx, node)
		late := !c.Clock.Now().Before(until)
		if err != nil {
			if late {
				return "", err
			}
			return err.Error(), nil
		}
		if alone := orphans(pods); len(alone) > 0 && !force {
			return "", exit.New("delete them, or run the same command with --force, which loses them",
				"nothing would start these pods elsewhere: %s", strings.Join(alone, ", "))
		}
		left := c.evict(ctx, pods)
		if len(left) == 0 {
			return "", nil
		}
		if late {
			return "", exit.New("look at the PodDisruptionBudgets and at pods that do not end (oc get pdb,pods -A); the same "+
				"command goes on, --timeout gives it more time, and --force goes on without them",
				"out of time, these pods are still there: %s", strings.Join(left, "; "))
		}
		return "pods to leave: " + strings.Join(left, "; "), nil
	})
}

// podsOf are the pods of a node that have to leave it.
func (c *cluster) podsOf(ctx context.Context, node string) ([]corev1.Pod, error) {
	var list corev1.PodList
	query := url.Values{"fieldSelector": {"spec.nodeName=" + node}}
	if err := c.api.Query(ctx, kube.Pods, "", query, &list); err != nil {
		return nil, fmt.Errorf("list the pods of node %s: %s", node, kube.Cause(err))
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
		_, mirror := p.Annotations[mirrorAnnotation]
		owner := metav1.GetControllerOf(&p)
		return p.Spec.NodeName != node || mirror || owner != nil && owner.Kind == "DaemonSet"
	}), nil
}

// over reports whether a pod has ended by itself.
func over(p corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// orphans are the pods that nothing would start elsewhere.
func orphans(pods []corev1.Pod) []string {
	var out []string
	for _, p := range pods {
		if metav1.GetControllerOf(&p) == nil && !over(p) && p.DeletionTimestamp == nil {
			out = append(out, p.Namespace+"/"+p.Name)
		}
	}
	return out
}

// evict asks pods to leave, and says of each that is still there why.
func (c *cluster) evict(ctx context.Context, pods []corev1.Pod) []string {
	why := make([]string, len(pods))
	slots := make(chan struct{}, evictions)
	var asked sync.WaitGroup
	for i, p := range pods {
		name := p.Namespace + "/" + p.Name
		if p.DeletionTimestamp != nil {
			why[i] = name + " is ending"
			continue
		}
		slots <- struct{}{}
		asked.Go(func() {
			defer func() { <-slots }()
			err := c.api.Evict(ctx, p.Namespace, p.Name, policyv1.Eviction{
				TypeMeta:      metav1.TypeMeta{APIVersion: "policy/v1", Kind: "Eviction"},
				ObjectMeta:    metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name},
				DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}},
			})
			switch {
			case kube.NotFound(err) || apierrors.IsConflict(err): // it is gone, or another one has its name
			case err != nil:
				why[i] = name + ": " + kube.Cause(err)
			default:
				why[i] = name + " is ending"
				event.Debug(c.Sink, "pod "+name+" leaves")
			}
		})
	}
	asked.Wait()
	return slices.DeleteFunc(why, func(s string) bool { return s == "" })
}
