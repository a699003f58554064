package operand

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
)

// Workload is a Deployment or DaemonSet that an operator looks at.
type Workload struct{ Kind, Namespace, Name string }

func (w Workload) ref() kube.Ref {
	return kube.Kind{Group: "apps", Version: "v1", Plural: strings.ToLower(w.Kind) + "s"}.Ref(w.Namespace, w.Name)
}

// rollout is a workload's state in numbers.
type rollout struct{ wanted, available, updated int32 }

func (r rollout) complete() bool { return r.available >= r.wanted && r.updated >= r.wanted }

// lookAt sums up workloads: available when each has a pod that serves, progressing
// while one has fewer than it wants.
func lookAt(ctx context.Context, client *api.Client, workloads []Workload) (health, error) {
	var missing, incomplete []string
	for _, w := range workloads {
		name := w.Kind + " " + w.Namespace + "/" + w.Name
		r, err := w.rollout(ctx, client)
		if kube.NotFound(err) {
			missing = append(missing, name+" does not exist yet")
			continue
		}
		if err != nil {
			return health{}, err
		}
		state := fmt.Sprintf("%s has %d of %d pods available", name, r.available, r.wanted)
		switch {
		case r.available == 0:
			// No pod wanted is no pod that serves: a DaemonSet without nodes.
			missing = append(missing, state)
		case !r.complete():
			incomplete = append(incomplete, state)
		}
	}
	h := health{available: true}
	if problems := append(missing, incomplete...); len(problems) > 0 {
		h = health{
			available: len(missing) == 0, progressing: true, reason: "Deploying", message: strings.Join(problems, "; "),
		}
	}
	return h, nil
}

func (w Workload) rollout(ctx context.Context, client *api.Client) (rollout, error) {
	var r rollout
	var generation, observed int64
	if w.Kind == "DaemonSet" {
		var d appsv1.DaemonSet
		if err := client.Get(ctx, w.ref(), &d); err != nil {
			return r, err
		}
		generation, observed = d.Generation, d.Status.ObservedGeneration
		r = rollout{d.Status.DesiredNumberScheduled, d.Status.NumberAvailable, d.Status.UpdatedNumberScheduled}
	} else {
		var d appsv1.Deployment
		if err := client.Get(ctx, w.ref(), &d); err != nil {
			return r, err
		}
		generation, observed = d.Generation, d.Status.ObservedGeneration
		r = rollout{1, d.Status.AvailableReplicas, d.Status.UpdatedReplicas}
		if d.Spec.Replicas != nil {
			r.wanted = *d.Spec.Replicas
		}
	}
	// Numbers from before the last change say nothing about it.
	if observed < generation {
		r.updated = 0
	}
	return r, nil
}

// health is what an operator found out about what it runs.
type health struct {
	available, progressing, degraded bool
	reason                           string // of what is not well, CamelCase
	message                          string
}

func failed(reason string, err error) health {
	return health{degraded: true, reason: reason, message: err.Error()}
}

func (h health) String() string {
	return fmt.Sprintf("available=%v progressing=%v degraded=%v %s", h.available, h.progressing, h.degraded, h.message)
}

func (h health) conditions() []operator.Condition {
	one := func(kind string, is, good bool) operator.Condition {
		if is != good {
			return operator.Condition{Type: kind, Status: is, Reason: h.reason, Message: h.message}
		}
		return operator.Condition{Type: kind, Status: is, Reason: operator.AsExpected}
	}
	available := one("Available", h.available, true)
	if h.available {
		available.Message = h.message
	}
	return []operator.Condition{available, one("Progressing", h.progressing, false), one("Degraded", h.degraded, false)}
}
