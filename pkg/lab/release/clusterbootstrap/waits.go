package clusterbootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/staticpod"
)

// wait looks through the local API server.
func (t *temporary) wait(ctx context.Context, what string, limit time.Duration,
	look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return program.Wait(ctx, t.clock, t.log, what, 500*time.Millisecond, look)
}

// waitForAPI waits for the first answer. To wait until the API server is ready would
// take a second or two more, in which the masters' kubelets already ask for their
// certificates; what cannot be created yet is tried again.
func (t *temporary) waitForAPI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	return program.Wait(ctx, t.clock, t.log, "the temporary API server", 100*time.Millisecond,
		func(ctx context.Context) error {
			_, err := t.client.Raw(ctx, "/version", nil)
			return err
		})
}

func (t *temporary) waitForPods(ctx context.Context) error {
	return t.wait(ctx, "required pods", podsLimit, func(ctx context.Context) error {
		var missing []string
		for _, r := range t.requiredPods {
			state, err := t.podState(ctx, r)
			if err != nil {
				return err
			}
			if state != "" {
				missing = append(missing, r.name+" "+state)
			}
		}
		return problem(missing)
	})
}

func problem(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return errors.New(strings.Join(missing, ", "))
}

// podState is empty once one of the matching pods runs and is ready.
func (t *temporary) podState(ctx context.Context, r requiredPod) (string, error) {
	state := "does not exist"
	for _, p := range r.any {
		var list corev1.PodList
		cached := url.Values{"resourceVersion": {"0"}}
		if err := t.client.Query(ctx, kube.Pods, p.namespace, cached, &list); err != nil {
			return "", fmt.Errorf("list pods of %s: %w", p.namespace, err)
		}
		for i := range list.Items {
			pod := &list.Items[i]
			if !strings.HasPrefix(pod.Name, p.prefix) {
				continue
			}
			if staticpod.Ready(pod) {
				return "", nil
			}
			state = "is " + string(pod.Status.Phase) + ", not ready"
		}
	}
	return state, nil
}

// waitForRevisions waits until two nodes run a revision of each component.
func (t *temporary) waitForRevisions(ctx context.Context) error {
	return t.wait(ctx, "two nodes with a control plane", nodesLimit, func(ctx context.Context) error {
		var missing []string
		for _, component := range []string{"kubeapiservers", "kubeschedulers", "kubecontrollermanagers"} {
			var r staticpod.Resource
			if err := t.client.Get(ctx, api.Operator(component).Ref("", "cluster"), &r); err != nil {
				return err
			}
			n := 0
			for _, s := range r.Status.NodeStatuses {
				n += min(s.CurrentRevision, 1)
			}
			if n < 2 {
				missing = append(missing, fmt.Sprintf("%s on %d", component, n))
			}
		}
		return problem(missing)
	})
}

const eventNamespace = "kube-system"

// waitForEvent waits for the one that somebody else records before the tear-down.
func (t *temporary) waitForEvent(ctx context.Context) error {
	ref := kube.Events.Ref(eventNamespace, t.tearDownEvent)
	return t.wait(ctx, ref.String(), eventLimit, func(ctx context.Context) error {
		return t.client.Get(ctx, ref, &corev1.Event{})
	})
}

// record makes an event that the installer and other hosts may wait for.
func (t *temporary) record(ctx context.Context, name, message string) error {
	err := operator.Record(ctx, t.client, t.clock.Now(), corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap", Namespace: eventNamespace, Name: "bootstrap",
		},
		Reason: name, Message: message, Type: corev1.EventTypeNormal,
		Source: corev1.EventSource{Component: "cluster-bootstrap"},
	})
	if err != nil {
		return fmt.Errorf("record event %s: %w", name, err)
	}
	t.log.Info("event recorded", "name", name)
	return nil
}
