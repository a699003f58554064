package olm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// now is the time as it is written: a finer one would differ from what is read back.
func (o *Operator) now() time.Time { return o.Clock.Now().Truncate(time.Second) }

// hashOf is a short hash of anything that is JSON.
func hashOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // API types are JSON
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])[:16]
}

func (w *world) groupsOf(namespace string) []*operatorsv1.OperatorGroup {
	var out []*operatorsv1.OperatorGroup
	for i := range w.groups {
		if g := &w.groups[i]; g.Namespace == namespace && g.DeletionTimestamp == nil {
			out = append(out, g)
		}
	}
	return out
}

// groups says which namespaces each OperatorGroup covers.
func (o *Operator) groups(ctx context.Context, w *world) (bool, error) {
	var errs []error
	for i := range w.groups {
		g := &w.groups[i]
		before := g.Status.DeepCopy()
		targets, err := o.targets(ctx, g)
		if err != nil {
			errs = append(errs, fmt.Errorf("OperatorGroup %s: %w", keyOf(g), err))
			continue
		}
		if !slices.Equal(targets, g.Status.Namespaces) || g.Status.LastUpdated == nil {
			g.Status.Namespaces, g.Status.LastUpdated = targets, &metav1.Time{Time: o.now()}
		}
		if len(w.groupsOf(g.Namespace)) > 1 {
			meta.SetStatusCondition(&g.Status.Conditions, metav1.Condition{
				Type: operatorsv1.MutlipleOperatorGroupCondition, Status: metav1.ConditionTrue,
				Reason: operatorsv1.MultipleOperatorGroupsReason, LastTransitionTime: metav1.NewTime(o.now()),
				Message: "Multiple OperatorGroup found in the same namespace",
			})
		} else {
			meta.RemoveStatusCondition(&g.Status.Conditions, operatorsv1.MutlipleOperatorGroupCondition)
			if len(g.Status.Conditions) == 0 {
				g.Status.Conditions = nil
			}
		}
		errs = append(errs, o.writeStatus(ctx, operatorGroups.Ref(g.Namespace, g.Name), *before, g.Status, g))
	}
	return false, errors.Join(errs...)
}

// targets are the namespaces of a group: one that is empty means all.
func (o *Operator) targets(ctx context.Context, g *operatorsv1.OperatorGroup) ([]string, error) {
	if len(g.Spec.TargetNamespaces) > 0 {
		out := slices.Clone(g.Spec.TargetNamespaces)
		slices.Sort(out)
		return slices.Compact(out), nil
	}
	s := g.Spec.Selector
	if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		return []string{metav1.NamespaceAll}, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nil, err
	}
	all, err := list[corev1.Namespace](ctx, o.Client, api.Namespaces, "")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range all {
		if selector.Matches(labels.Set(n.Labels)) {
			out = append(out, n.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}
