package operand

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/lab/release/kube"
)

// Workload is a Deployment or DaemonSet that an operator looks at.
type Workload struct{ Kind, Namespace, Name string }

// rollout is a workload's state in numbers.
type rollout struct{ wanted, available, updated int32 }

func (r rollout) complete() bool { return r.available >= r.wanted && r.updated >= r.wanted }

// lookAt sums up the state of workloads: available when each has a pod that
// serves, progressing while one has fewer than it wants.
func lookAt(ctx context.Context, client *kube.Client, workloads []Workload) (kube.Health, error) {
	var missing, incomplete []string
	for _, w := range workloads {
		r, found, err := w.rollout(ctx, client)
		if err != nil {
			return kube.Health{}, err
		}
		name := w.Kind + " " + w.Namespace + "/" + w.Name
		state := fmt.Sprintf("%s has %d of %d pods available", name, r.available, r.wanted)
		switch {
		case !found:
			missing = append(missing, name+" does not exist yet")
		case r.available == 0:
			// No pod wanted is no pod that serves: a DaemonSet without nodes.
			missing = append(missing, state)
		case !r.complete():
			incomplete = append(incomplete, state)
		}
	}
	switch {
	case len(missing) > 0:
		return kube.Waiting("Deploying", strings.Join(append(missing, incomplete...), "; ")), nil
	case len(incomplete) > 0:
		return kube.Health{Available: true, Progressing: true, Reason: "Deploying", Message: strings.Join(incomplete, "; ")}, nil
	}
	return kube.Healthy(""), nil
}

func (w Workload) rollout(ctx context.Context, client *kube.Client) (rollout, bool, error) {
	o, err := client.Get(ctx, appsv1.SchemeGroupVersion.WithKind(w.Kind), w.Namespace, w.Name)
	if err != nil || o == nil {
		return rollout{}, false, err
	}
	var r rollout
	var observed int64
	if w.Kind == "DaemonSet" {
		var d appsv1.DaemonSet
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &d)
		observed = d.Status.ObservedGeneration
		r = rollout{d.Status.DesiredNumberScheduled, d.Status.NumberAvailable, d.Status.UpdatedNumberScheduled}
	} else {
		var d appsv1.Deployment
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &d)
		observed = d.Status.ObservedGeneration
		r = rollout{1, d.Status.AvailableReplicas, d.Status.UpdatedReplicas}
		if d.Spec.Replicas != nil {
			r.wanted = *d.Spec.Replicas
		}
	}
	if err != nil {
		return rollout{}, false, fmt.Errorf("decode %s %s/%s: %w", w.Kind, w.Namespace, w.Name, err)
	}
	// Numbers from before the last change say nothing about it.
	if observed < o.GetGeneration() {
		r.updated = 0
	}
	return r, true, nil
}
