package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// Condition is a condition of a cluster operator that is not as in a healthy cluster.
type Condition struct {
	Operator string
	configv1.ClusterOperatorStatusCondition
}

// Severe reports whether it keeps the cluster from being complete: work in progress does not.
func (c Condition) Severe() bool { return c.Type != configv1.OperatorProgressing }

func (c Condition) String() string {
	text := fmt.Sprintf("Cluster operator %s %s is %s", c.Operator, c.Type, c.Status)
	if c.Reason != "" {
		text += " with " + c.Reason
	}
	if c.Message != "" {
		text += ": " + kube.OneLine(c.Message)
	}
	return text + kube.Since(c.LastTransitionTime.Time)
}

// normal are the conditions that matter, as they should be.
var normal = []struct {
	kind   configv1.ClusterStatusConditionType
	status configv1.ConditionStatus
}{
	{configv1.OperatorAvailable, configv1.ConditionTrue},
	{configv1.OperatorDegraded, configv1.ConditionFalse},
	{configv1.OperatorProgressing, configv1.ConditionFalse},
}

// Abnormal lists the conditions of all cluster operators that are not as they should be, severe ones first.
func (w *Watcher) Abnormal(ctx context.Context) ([]Condition, error) {
	operators, err := w.operators(ctx)
	slices.SortStableFunc(operators, func(a, b configv1.ClusterOperator) int { return strings.Compare(a.Name, b.Name) })
	var severe, others []Condition
	for _, co := range operators {
		for _, n := range normal {
			c := Condition{co.Name, find(co.Status.Conditions, n.kind)}
			if c.Status == "" && n.kind == configv1.OperatorAvailable {
				c.Type, c.Status, c.Message = n.kind, configv1.ConditionUnknown, "it has not reported"
			}
			switch {
			case c.Status == "", c.Status == n.status:
			case c.Severe():
				severe = append(severe, c)
			default:
				others = append(others, c)
			}
		}
	}
	return append(severe, others...), err
}
