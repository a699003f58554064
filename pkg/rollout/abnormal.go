package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// Condition is something that a cluster operator says of itself and that is not
// as it is in a cluster that is well.
type Condition struct {
	Operator string
	Type     configv1.ClusterStatusConditionType
	Status   configv1.ConditionStatus
	Reason   string
	Message  string
	Since    time.Time // zero if the operator does not say
}

// Severe reports whether it keeps the cluster from being complete: work in
// progress does not.
func (c Condition) Severe() bool { return c.Type != configv1.OperatorProgressing }

func (c Condition) String() string {
	text := fmt.Sprintf("Cluster operator %s %s is %s", c.Operator, c.Type, c.Status)
	if c.Reason != "" {
		text += " with " + c.Reason
	}
	if c.Message != "" {
		text += ": " + strings.ReplaceAll(strings.TrimSpace(c.Message), "\n", "; ")
	}
	return text + since(c.Since)
}

// since is absolute, so that it stays the same from look to look.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (since " + t.UTC().Format(time.RFC3339) + ")"
}

// Abnormal lists the conditions of all cluster operators that are not as they
// should be, those that matter first.
func (w *Watcher) Abnormal(ctx context.Context) ([]Condition, error) {
	var list configv1.ClusterOperatorList
	if err := w.API.List(ctx, kube.ClusterOperators, "", &list); err != nil {
		return nil, err
	}
	var out []Condition
	for _, co := range list.Items {
		out = append(out, abnormal(co)...)
	}
	slices.SortStableFunc(out, func(a, b Condition) int {
		if a.Severe() != b.Severe() {
			return rank(a) - rank(b)
		}
		return strings.Compare(a.Operator, b.Operator)
	})
	return out, nil
}

func rank(c Condition) int {
	if c.Severe() {
		return 0
	}
	return 1
}

// normal are the conditions that are looked at, as they should be.
var normal = []struct {
	kind   configv1.ClusterStatusConditionType
	status configv1.ConditionStatus
}{
	{configv1.OperatorAvailable, configv1.ConditionTrue},
	{configv1.OperatorDegraded, configv1.ConditionFalse},
	{configv1.OperatorProgressing, configv1.ConditionFalse},
}

func abnormal(co configv1.ClusterOperator) []Condition {
	if len(co.Status.Conditions) == 0 {
		return []Condition{{Operator: co.Name, Type: configv1.OperatorAvailable, Status: configv1.ConditionUnknown,
			Message: "it has not reported"}}
	}
	var out []Condition
	for _, n := range normal {
		c := find(co.Status.Conditions, n.kind)
		if c == nil && n.kind == configv1.OperatorAvailable {
			out = append(out, Condition{Operator: co.Name, Type: n.kind, Status: configv1.ConditionUnknown,
				Message: "it has not reported"})
		}
		if c == nil || c.Status == n.status {
			continue
		}
		out = append(out, Condition{Operator: co.Name, Type: c.Type, Status: c.Status, Reason: c.Reason,
			Message: c.Message, Since: c.LastTransitionTime.Time})
	}
	return out
}
