package staticpod

import (
	"context"
	"fmt"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/operator"
)

// Resource is an operator's cluster resource, as far as it is used here.
type Resource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              map[string]any `json:"spec,omitempty"`
	Status            ResourceStatus `json:"status"`
}

// ResourceStatus is what the waits of the bootstrap and of the installer read.
type ResourceStatus struct {
	Conditions              []configv1.ClusterOperatorStatusCondition `json:"conditions,omitempty"`
	LatestAvailableRevision int                                       `json:"latestAvailableRevision"`
	NodeStatuses            []NodeStatus                              `json:"nodeStatuses"`
	ReadyReplicas           int                                       `json:"readyReplicas"`
}

// NodeStatus is how far a component is on one node.
type NodeStatus struct {
	NodeName           string `json:"nodeName"`
	CurrentRevision    int    `json:"currentRevision"`
	TargetRevision     int    `json:"targetRevision,omitempty"`
	LastFailedRevision int    `json:"lastFailedRevision,omitempty"`
	LastFailedCount    int    `json:"lastFailedCount,omitempty"`
	LastFailedReason   string `json:"lastFailedReason,omitempty"`
}

// resource reads the operator's cluster resource, which it makes if absent.
func (o *Operator) resource(ctx context.Context) (Resource, error) {
	var r Resource
	err := o.Client.Get(ctx, o.Resource.Ref("", "cluster"), &r)
	if kube.NotFound(err) {
		r.APIVersion, r.Kind, r.Name = o.Resource.Group+"/"+o.Resource.Version, o.Kind, "cluster"
		r.Spec = map[string]any{"managementState": "Managed"}
		err = o.Client.Create(ctx, o.Resource, "", &r)
	}
	return r, err
}

func (r Resource) revisions() map[string]int {
	out := map[string]int{}
	for _, s := range r.Status.NodeStatuses {
		out[s.NodeName] = s.CurrentRevision
	}
	return out
}

// nodeStatuses are what plan works on.
func nodeStatuses(views []nodeView, latest int) []NodeStatus {
	out := []NodeStatus{}
	for _, v := range views {
		s := NodeStatus{NodeName: v.Name, CurrentRevision: v.currentRevision()}
		if s.CurrentRevision != latest && v.Installer.Exists {
			s.TargetRevision = latest
		}
		if v.Installer.Failed {
			s.LastFailedRevision, s.LastFailedCount = latest, v.Installer.Attempt+1
			s.LastFailedReason = "InstallerFailed"
		}
		out = append(out, s)
	}
	return out
}

// report writes the status of the resource, where others' conditions stay, and the
// ClusterOperator. After a conflict the next pass has the newer object.
func (o *Operator) report(ctx context.Context, r Resource, views []nodeView, latest int, s summary,
	extra []operator.Condition) error {
	now := o.Clock.Now()
	before := r.Status
	r.Status.Conditions = slices.Clone(before.Conditions)
	operator.SetConditions(&r.Status.Conditions, now, append(s.resource(), extra...)...)
	r.Status.NodeStatuses, r.Status.LatestAvailableRevision = nodeStatuses(views, latest), latest
	r.Status.ReadyReplicas = s.ready
	if !equality.Semantic.DeepEqual(before, r.Status) {
		err := o.Client.Update(ctx, o.Resource.Ref("", "cluster"), "status", &r)
		if apierrors.IsConflict(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("write status of %s cluster: %w", o.Resource.Plural, err)
		}
		o.changed()
	}
	status := operator.Status{Name: o.Name, Conditions: s.clusterOperator(), Related: []configv1.ObjectReference{
		{Group: o.Resource.Group, Resource: o.Resource.Plural, Name: "cluster"},
		{Resource: "namespaces", Name: o.Namespace()},
		{Resource: "namespaces", Name: o.OperatorNamespace()},
	}}
	if !s.progressing && s.available {
		status.Versions = []configv1.OperandVersion{
			{Name: o.Name, Version: o.OperandVersion}, {Name: "operator", Version: o.Version},
		}
	}
	return operator.Report(ctx, o.Client, status, now)
}

// summary is the state of a component in the words of its conditions.
type summary struct {
	ready                               int // nodes
	available, progressing, degraded    bool
	availableMsg, progressMsg, faultMsg string
}

// summarize turns the nodes' state into words. broken is a lasting fault, if any.
func summarize(views []nodeView, latest int, waiting, unavailable, broken string) summary {
	var s summary
	var at, failed []string
	done := 0
	for _, v := range views {
		if v.Ready {
			s.ready++
		}
		if v.Ready && v.Running == latest && latest > 0 {
			done++
		}
		if v.Installer.Failed && v.Installer.Attempt >= 2 {
			failed = append(failed, fmt.Sprintf("installer of revision %d failed %d times on %s",
				latest, v.Installer.Attempt+1, v.Name))
		}
		at = append(at, fmt.Sprintf("%s at revision %d", v.Name, v.currentRevision()))
	}
	if broken != "" {
		failed = append(failed, broken)
	}
	s.available = s.ready > 0 && unavailable == ""
	switch {
	case len(views) == 0:
		s.availableMsg = "no control plane node has registered yet"
	case unavailable != "":
		s.availableMsg = unavailable
	default:
		s.availableMsg = fmt.Sprintf("%d of %d nodes are ready; %s", s.ready, len(views), strings.Join(at, ", "))
	}
	s.progressing = done < len(views) || latest == 0 || len(views) == 0
	s.progressMsg = fmt.Sprintf("%d of %d nodes run revision %d", done, len(views), latest)
	if s.progressing && waiting != "" {
		s.progressMsg += "; " + waiting
	}
	s.degraded, s.faultMsg = len(failed) > 0, strings.Join(failed, "; ")
	return s
}

func (s summary) clusterOperator() []operator.Condition {
	const good = operator.AsExpected
	return []operator.Condition{
		operator.Is("Available", s.available, good, "StaticPods_NotAvailable", s.availableMsg),
		operator.Is("Progressing", s.progressing, "NodeInstaller", good, s.progressMsg),
		operator.Is("Degraded", s.degraded, "Degraded", good, s.faultMsg),
	}
}

func (s summary) resource() []operator.Condition {
	const good = operator.AsExpected
	return []operator.Condition{
		operator.Is("StaticPodsAvailable", s.available, good, "ZeroNodesActive", s.availableMsg),
		operator.Is("NodeInstallerProgressing", s.progressing, "Rollout", "AllNodesAtLatestRevision", s.progressMsg),
		operator.Is("NodeInstallerDegraded", s.degraded, "InstallerPodFailed", good, s.faultMsg),
	}
}
