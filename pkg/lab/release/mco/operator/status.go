package operator

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/kube"
)

// Namespace of the operator and of what it looks after.
const Namespace = "openshift-machine-config-operator"

// state is what the ClusterOperator's conditions follow from.
type state struct {
	failed    error
	rendered  bool     // the masters' pool has a config
	waiting   []string // what has not arrived yet
	serversUp bool
}

func (s state) settled() bool {
	return s.failed == nil && s.rendered && s.serversUp && len(s.waiting) == 0
}

// observe looks at pools and servers.
func (o *Operator) observe(ctx context.Context, pools []*mcfgv1.MachineConfigPool, failed error) (state, error) {
	s := state{failed: failed}
	for _, p := range pools {
		st := p.Status
		if p.Name == "master" {
			s.rendered = p.Spec.Configuration.Name != ""
			if st.MachineCount == 0 {
				s.waiting = append(s.waiting, "pool master has no node yet")
			}
		}
		if st.UpdatedMachineCount < st.MachineCount {
			s.waiting = append(s.waiting, fmt.Sprintf("pool %s: %d of %d nodes have config %s",
				p.Name, st.UpdatedMachineCount, st.MachineCount, p.Spec.Configuration.Name))
		}
	}
	var ds appsv1.DaemonSet
	err := o.API.Get(ctx, kube.Apps+"/namespaces/"+Namespace+"/daemonsets/machine-config-server", &ds)
	switch {
	case kube.IsNotFound(err):
		s.waiting = append(s.waiting, "daemon set machine-config-server does not exist yet")
	case err != nil:
		return s, fmt.Errorf("read machine config server: %w", err)
	default:
		s.serversUp = ds.Status.NumberAvailable > 0
		if ds.Status.ObservedGeneration < ds.Generation || ds.Status.UpdatedNumberScheduled < ds.Status.DesiredNumberScheduled {
			s.waiting = append(s.waiting, fmt.Sprintf("machine-config-server: %d of %d pods are up to date",
				ds.Status.UpdatedNumberScheduled, ds.Status.DesiredNumberScheduled))
		}
	}
	return s, nil
}

// conditions says it in the ClusterOperator's words.
func (s state) conditions() []configv1.ClusterOperatorStatusCondition {
	type c = configv1.ClusterOperatorStatusCondition
	available := c{Type: configv1.OperatorAvailable, Status: configv1.ConditionTrue, Reason: "AsExpected", Message: "machines can be configured"}
	if !s.rendered || !s.serversUp {
		available.Status, available.Reason = configv1.ConditionFalse, "NotServing"
		available.Message = "no machine config server is available or the masters' pool is not rendered"
	}
	progressing := c{Type: configv1.OperatorProgressing, Status: configv1.ConditionFalse, Reason: "AsExpected"}
	if len(s.waiting) > 0 {
		progressing.Status, progressing.Reason = configv1.ConditionTrue, "Waiting"
		progressing.Message = strings.Join(s.waiting, "; ")
	}
	degraded := c{Type: configv1.OperatorDegraded, Status: configv1.ConditionFalse, Reason: "AsExpected"}
	if s.failed != nil {
		degraded.Status, degraded.Reason, degraded.Message = configv1.ConditionTrue, "SyncFailed", s.failed.Error()
	}
	upgradeable := c{Type: configv1.OperatorUpgradeable, Status: configv1.ConditionTrue, Reason: "AsExpected"}
	return []configv1.ClusterOperatorStatusCondition{available, progressing, degraded, upgradeable}
}

// report writes ClusterOperator machine-config if anything in it changed.
func (o *Operator) report(ctx context.Context, s state) error {
	const name = "machine-config"
	path := kube.Config + "/clusteroperators"
	var co configv1.ClusterOperator
	err := o.API.Get(ctx, path+"/"+name, &co)
	if kube.IsNotFound(err) {
		co = configv1.ClusterOperator{
			TypeMeta:   metav1.TypeMeta{APIVersion: "config.openshift.io/v1", Kind: "ClusterOperator"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
		}
		err = o.API.Create(ctx, path, &co)
	}
	if err != nil {
		return fmt.Errorf("read cluster operator: %w", err)
	}
	want := co.Status.DeepCopy()
	want.Conditions = merge(co.Status.Conditions, s.conditions(), metav1.NewTime(o.Clock.Now()))
	if s.settled() && o.Version != "" {
		want.Versions = []configv1.OperandVersion{{Name: "operator", Version: o.Version}}
	}
	want.RelatedObjects = []configv1.ObjectReference{
		{Resource: "namespaces", Name: Namespace},
		{Group: "machineconfiguration.openshift.io", Resource: "machineconfigpools"},
		{Group: "machineconfiguration.openshift.io", Resource: "controllerconfigs"},
		{Group: "machineconfiguration.openshift.io", Resource: "machineconfigs"},
		{Resource: "nodes"},
	}
	if reflect.DeepEqual(*want, co.Status) {
		return nil
	}
	if err := o.API.Patch(ctx, path+"/"+name+"/status", kube.MergePatch, map[string]any{"status": want}); err != nil {
		return fmt.Errorf("write cluster operator: %w", err)
	}
	return nil
}

// merge keeps the time of conditions whose status did not change.
func merge(have, want []configv1.ClusterOperatorStatusCondition, now metav1.Time) []configv1.ClusterOperatorStatusCondition {
	for i := range want {
		want[i].LastTransitionTime = now
		for _, h := range have {
			if h.Type == want[i].Type && h.Status == want[i].Status {
				want[i].LastTransitionTime = h.LastTransitionTime
			}
		}
	}
	return want
}
