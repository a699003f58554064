package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Health is what an operator found out about what it runs.
type Health struct {
	Available   bool
	Progressing bool
	Degraded    bool
	Reason      string // of what is not well, CamelCase
	Message     string
}

// Healthy is everything in place.
func Healthy(message string) Health {
	return Health{Available: true, Reason: "AsExpected", Message: message}
}

// Waiting is work under way that nothing can use yet.
func Waiting(reason, message string) Health {
	return Health{Progressing: true, Reason: reason, Message: message}
}

// Failed is an operator that cannot do its work. available says whether what
// it did before still serves.
func Failed(available bool, reason string, err error) Health {
	return Health{Available: available, Degraded: true, Reason: reason, Message: err.Error()}
}

func (h Health) conditions() []configv1.ClusterOperatorStatusCondition {
	one := func(t configv1.ClusterStatusConditionType, on, good bool) configv1.ClusterOperatorStatusCondition {
		c := configv1.ClusterOperatorStatusCondition{Type: t, Status: configv1.ConditionFalse, Reason: "AsExpected"}
		if on {
			c.Status = configv1.ConditionTrue
		}
		if on != good {
			c.Reason, c.Message = h.Reason, h.Message
		}
		return c
	}
	out := []configv1.ClusterOperatorStatusCondition{
		one(configv1.OperatorAvailable, h.Available, true),
		one(configv1.OperatorProgressing, h.Progressing, false),
		one(configv1.OperatorDegraded, h.Degraded, false),
		one(configv1.OperatorUpgradeable, true, true),
	}
	if h.Available && h.Message != "" {
		out[0].Message = h.Message
	}
	return out
}

// Report writes the ClusterOperator's status, if it differs from what is
// there. The object is created when the version operator has not yet done so.
func (c *Client) Report(ctx context.Context, name, version string, related []configv1.ObjectReference, h Health, now time.Time) error {
	gvk := configv1.GroupVersion.WithKind("ClusterOperator")
	o, err := c.Get(ctx, gvk, "", name)
	if err != nil {
		return err
	}
	if o == nil {
		o = &unstructured.Unstructured{}
		o.SetGroupVersionKind(gvk)
		o.SetName(name)
		if err := c.Create(ctx, o); err != nil {
			return err
		}
		if o, err = c.Get(ctx, gvk, "", name); err != nil || o == nil {
			return fmt.Errorf("read new ClusterOperator %s: %w", name, err)
		}
	}
	var co configv1.ClusterOperator
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &co); err != nil {
		return fmt.Errorf("decode ClusterOperator %s: %w", name, err)
	}
	before := co.Status.DeepCopy()
	for _, n := range h.conditions() {
		SetCondition(&co.Status.Conditions, n, now)
	}
	// The version is reported once it works, as OKD's operators do.
	if h.Available && !h.Progressing {
		co.Status.Versions = []configv1.OperandVersion{{Name: "operator", Version: version}}
	}
	co.Status.RelatedObjects = related
	if equality.Semantic.DeepEqual(before, &co.Status) {
		return nil
	}
	if o.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(&co); err != nil {
		return fmt.Errorf("encode ClusterOperator %s: %w", name, err)
	}
	o.SetGroupVersionKind(gvk)
	r, err := c.Resource(gvk, "")
	if err != nil {
		return err
	}
	if _, err := r.UpdateStatus(ctx, o, metav1.UpdateOptions{FieldManager: c.Owner}); err != nil {
		return fmt.Errorf("update status of ClusterOperator %s: %w", name, err)
	}
	return nil
}

// SetCondition puts a condition into the list; the transition time moves only
// with the status.
func SetCondition(list *[]configv1.ClusterOperatorStatusCondition, n configv1.ClusterOperatorStatusCondition, now time.Time) {
	// The API keeps whole seconds; a finer time would differ from what is
	// read back and cause a write each round.
	n.LastTransitionTime = metav1.NewTime(now.Truncate(time.Second))
	i := slices.IndexFunc(*list, func(c configv1.ClusterOperatorStatusCondition) bool { return c.Type == n.Type })
	if i < 0 {
		*list = append(*list, n)
		return
	}
	if (*list)[i].Status == n.Status {
		n.LastTransitionTime = (*list)[i].LastTransitionTime
	}
	(*list)[i] = n
}
