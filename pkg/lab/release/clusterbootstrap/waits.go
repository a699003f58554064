package clusterbootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod/kube"
	"github.com/okd-install/okd-install/pkg/wait"
)

// waiter looks through the local API server.
type waiter struct {
	clients *kube.Clients
	clk     clock.Clock
	log     *slog.Logger
}

// until polls and says each time that what it waits for has changed.
func (w waiter) until(ctx context.Context, what string, limit time.Duration, look func(context.Context) (bool, string)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := ""
	err := wait.Until(ctx, w.clk, 500*time.Millisecond, func(ctx context.Context) (bool, string, error) {
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		done, why := look(short)
		if why != last && why != "" {
			w.log.Info("waiting", "for", what, "state", why)
			last = why
		}
		return done, why, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	w.log.Info("done waiting", "for", what)
	return nil
}

func (w waiter) api(ctx context.Context) error {
	return w.until(ctx, "the temporary API server", apiLimit, func(ctx context.Context) (bool, string) {
		_, err := w.clients.Kube.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

func (w waiter) pods(ctx context.Context, required []Pod) error {
	return w.until(ctx, "required pods", podsLimit, func(ctx context.Context) (bool, string) {
		var missing []string
		for _, r := range required {
			state, err := w.podState(ctx, r)
			if err != nil {
				return false, err.Error()
			}
			if state != "" {
				missing = append(missing, r.Name+" "+state)
			}
		}
		return len(missing) == 0, strings.Join(missing, ", ")
	})
}

// podState is empty once one of the matching pods runs and is ready.
func (w waiter) podState(ctx context.Context, r Pod) (string, error) {
	state := "does not exist"
	for _, p := range r.Any {
		list, err := w.clients.Kube.CoreV1().Pods(p.Namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return "", fmt.Errorf("list pods of %s: %w", p.Namespace, err)
		}
		for i := range list.Items {
			pod := &list.Items[i]
			if !strings.HasPrefix(pod.Name, p.Prefix) {
				continue
			}
			if pod.Status.Phase == corev1.PodRunning && ready(pod) {
				return "", nil
			}
			state = "is " + string(pod.Status.Phase) + ", not ready"
		}
	}
	return state, nil
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// revisions waits until the control plane is highly available: two nodes run
// a revision of each of the three components.
func (w waiter) revisions(ctx context.Context) error {
	return w.until(ctx, "two nodes with a control plane", nodesLimit, func(ctx context.Context) (bool, string) {
		var missing []string
		for _, r := range []schema.GroupVersionResource{kube.KubeAPIServers, kube.KubeSchedulers, kube.KubeControllers} {
			u, err := w.clients.Dynamic.Resource(r).Get(ctx, "cluster", metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			if n := nodesWithRevision(u); n < 2 {
				missing = append(missing, fmt.Sprintf("%s on %d", r.Resource, n))
			}
		}
		return len(missing) == 0, strings.Join(missing, ", ")
	})
}

func nodesWithRevision(u *unstructured.Unstructured) int {
	n := 0
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "nodeStatuses")
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if rev, ok := m["currentRevision"].(int64); ok && rev >= 1 {
			n++
		}
	}
	return n
}

const eventNamespace = "kube-system"

// event waits for one that somebody else records.
func (w waiter) event(ctx context.Context, name string) error {
	return w.until(ctx, "event "+eventNamespace+"/"+name, eventLimit, func(ctx context.Context) (bool, string) {
		_, err := w.clients.Kube.CoreV1().Events(eventNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

// record makes an event that the installer and other hosts may wait for.
func (w waiter) record(ctx context.Context, name, message string) error {
	now := metav1.NewTime(w.clk.Now())
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: eventNamespace, Name: name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap", Namespace: eventNamespace, Name: "bootstrap",
		},
		Reason: name, Message: message, Type: corev1.EventTypeNormal, Count: 1,
		Source:         corev1.EventSource{Component: "cluster-bootstrap"},
		FirstTimestamp: now, LastTimestamp: now,
	}
	_, err := w.clients.Kube.CoreV1().Events(eventNamespace).Create(ctx, e, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("record event %s: %w", name, err)
	}
	w.log.Info("event recorded", "name", name)
	return nil
}
