package operator

import (
	"context"
	"fmt"
	"reflect"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/server"
)

const masterLabel = "node-role.kubernetes.io/master"

// Count fills in a pool's status from the nodes: a node is updated when it
// says itself that it has the pool's config.
func Count(p *mcfgv1.MachineConfigPool, nodes []corev1.Node, now time.Time) {
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
		updated := n.Annotations[server.AnnotationCurrent] == p.Spec.Configuration.Name &&
			n.Annotations[server.AnnotationDesired] == p.Spec.Configuration.Name &&
			n.Annotations[server.AnnotationState] == server.StateDone
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
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
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

// writePool writes what changed of a pool.
func (o *Operator) writePool(ctx context.Context, have, want *mcfgv1.MachineConfigPool) error {
	path := kube.MachineConfig + "/machineconfigpools/" + want.Name
	if !reflect.DeepEqual(have.Spec.Configuration, want.Spec.Configuration) {
		patch := map[string]any{"spec": map[string]any{"configuration": want.Spec.Configuration}}
		if err := o.API.Patch(ctx, path, kube.MergePatch, patch); err != nil {
			return fmt.Errorf("write pool: %w", err)
		}
		o.Log.Info("pool configured", "pool", want.Name, "config", want.Spec.Configuration.Name)
	}
	if reflect.DeepEqual(have.Status, want.Status) {
		return nil
	}
	patch := map[string]any{"status": want.Status}
	if err := o.API.Patch(ctx, path+"/status", kube.MergePatch, patch); err != nil {
		return fmt.Errorf("write status of pool: %w", err)
	}
	return nil
}

// schedulable makes masters take or refuse ordinary pods as the Scheduler
// says. Kubelets always register masters with the taint.
func (o *Operator) schedulable(ctx context.Context, nodes []corev1.Node) error {
	var s configv1.Scheduler
	if err := o.API.Get(ctx, kube.Config+"/schedulers/cluster", &s); err != nil {
		if kube.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("read scheduler configuration: %w", err)
	}
	for i := range nodes {
		if patch := rolePatch(&nodes[i], s.Spec.MastersSchedulable); patch != nil {
			if err := o.API.Patch(ctx, kube.Core+"/nodes/"+nodes[i].Name, kube.MergePatch, patch); err != nil {
				return fmt.Errorf("make master schedulable: %w", err)
			}
			o.Log.Info("master's role changed", "node", nodes[i].Name, "schedulable", s.Spec.MastersSchedulable)
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
