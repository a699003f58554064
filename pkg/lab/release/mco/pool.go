package mco

import (
	"context"
	"fmt"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

const masterLabel = "node-role.kubernetes.io/master"

// count fills in a pool's status: a node is updated when it says so itself.
func count(p *mcfgv1.MachineConfigPool, nodes []corev1.Node, now time.Time) {
	st := &p.Status
	st.ObservedGeneration = p.Generation
	st.MachineCount, st.UpdatedMachineCount, st.ReadyMachineCount = 0, 0, 0
	st.UnavailableMachineCount, st.DegradedMachineCount = 0, 0
	sel, err := metav1.LabelSelectorAsSelector(p.Spec.NodeSelector)
	if err != nil {
		sel = labels.Nothing()
	}
	for i := range nodes {
		n := &nodes[i]
		_, master := n.Labels[masterLabel]
		// Schedulable masters carry both labels and belong to the masters.
		if !sel.Matches(labels.Set(n.Labels)) || (master && p.Name != "master") {
			continue
		}
		st.MachineCount++
		updated := n.Annotations[annotationCurrent] == p.Spec.Configuration.Name &&
			n.Annotations[annotationDesired] == p.Spec.Configuration.Name &&
			n.Annotations[annotationState] == stateDone
		ready := isReady(n)
		if updated {
			st.UpdatedMachineCount++
		}
		if updated && ready {
			st.ReadyMachineCount++
		}
		if !ready {
			st.UnavailableMachineCount++
		}
	}
	done := st.UpdatedMachineCount == st.MachineCount && st.UnavailableMachineCount == 0
	setPool(st, mcfgv1.MachineConfigPoolUpdated, done, now)
	setPool(st, mcfgv1.MachineConfigPoolUpdating, !done, now)
	setPool(st, mcfgv1.MachineConfigPoolDegraded, false, now)
	setPool(st, mcfgv1.MachineConfigPoolNodeDegraded, false, now)
	setPool(st, mcfgv1.MachineConfigPoolRenderDegraded, false, now)
}

func isReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

func setPool(st *mcfgv1.MachineConfigPoolStatus, kind mcfgv1.MachineConfigPoolConditionType, is bool, now time.Time) {
	want := corev1.ConditionFalse
	if is {
		want = corev1.ConditionTrue
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if c.Type == kind {
			if c.Status != want {
				c.Status, c.LastTransitionTime = want, metav1.NewTime(now)
			}
			return
		}
	}
	st.Conditions = append(st.Conditions, mcfgv1.MachineConfigPoolCondition{
		Type: kind, Status: want, LastTransitionTime: metav1.NewTime(now),
	})
}

// schedulable makes masters, which register with the taint, fit the Scheduler.
func (r *reconciler) schedulable(ctx context.Context, nodes []corev1.Node) error {
	var s configv1.Scheduler
	if err := r.client.Get(ctx, api.Config("schedulers").Ref("", "cluster"), &s); kube.NotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read scheduler configuration: %w", err)
	}
	for i := range nodes {
		if patch := rolePatch(&nodes[i], s.Spec.MastersSchedulable); patch != nil {
			if err := r.client.Patch(ctx, kube.Nodes.Ref("", nodes[i].Name), "", patch); err != nil {
				return fmt.Errorf("make master schedulable: %w", err)
			}
			r.log.Info("master's role changed", "node", nodes[i].Name, "schedulable", s.Spec.MastersSchedulable)
		}
	}
	return nil
}

// rolePatch is the change that makes a master schedulable or not; nil for none.
func rolePatch(n *corev1.Node, schedulable bool) map[string]any {
	if _, master := n.Labels[masterLabel]; !master {
		return nil
	}
	const worker = "node-role.kubernetes.io/worker"
	taints := []corev1.Taint{}
	tainted := false
	for _, t := range n.Spec.Taints {
		if t.Key == masterLabel && t.Effect == corev1.TaintEffectNoSchedule {
			tainted = true
			continue
		}
		taints = append(taints, t)
	}
	_, labelled := n.Labels[worker]
	if tainted != schedulable && labelled == schedulable {
		return nil
	}
	var label any // nil removes it
	if schedulable {
		label = ""
	} else {
		taints = append(taints, corev1.Taint{Key: masterLabel, Effect: corev1.TaintEffectNoSchedule})
	}
	return map[string]any{
		// The version guards the list of taints, which others change too.
		"metadata": map[string]any{"labels": map[string]any{worker: label}, "resourceVersion": n.ResourceVersion},
		"spec":     map[string]any{"taints": taints},
	}
}
