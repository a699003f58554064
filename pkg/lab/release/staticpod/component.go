// Package staticpod rolls control plane components out as static pods: it
// snapshots their inputs as numbered revisions, has an installer pod write a
// revision to each control plane node's disk, and reports how far that is.
//
// A node then starts the component from its own disk, with no API server
// anywhere: that is what lets a control plane come up again after a power cut.
package staticpod

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Component describes one operator and its static pod.
type Component struct {
	Name              string // the ClusterOperator: kube-apiserver
	Pod               string // name in the manifest; the mirror pod is <Pod>-<node>
	PodConfigMap      string // ConfigMap with key pod.yaml; also names directory and manifest file on disk
	Namespace         string
	OperatorNamespace string
	Deployment        string // the operator's own, to which events are attached
	Resource          schema.GroupVersionResource
	Kind              string // of Resource

	// Inputs of a revision, besides PodConfigMap. A change of any makes a new
	// revision.
	ConfigMaps, Secrets []string

	// Inputs that differ per node or may change under a running pod. The
	// installer copies them as they are at that moment; a change of these makes
	// no revision.
	CertDir                     string
	CertConfigMaps, CertSecrets []string

	InstallerCommand []string
	InstallerImage   string
	Version          string // release version, reported when all nodes run the latest revision
	OperandVersion   string // of the component itself, reported under Name
}

// Operand is what is particular to one component.
type Operand interface {
	// Prepare brings the component's inputs up to date, given the control
	// plane's nodes. It is called once per pass and must be cheap when there is
	// nothing to do.
	Prepare(ctx context.Context, nodes []corev1.Node) (Report, error)
}

// Report is what Prepare found.
type Report struct {
	// Missing says what input is not there yet; no revision is made meanwhile.
	Missing string
	// Busy keeps the operator looking often.
	Busy bool
	// Refused says why the component must not be installed first on a node yet.
	Refused map[string]string
	// Hold says why no running pod may be replaced now.
	Hold string
	// Unavailable says why the component does not serve, although pods run.
	Unavailable string
	// Degraded says what is wrong.
	Degraded string
	// Conditions are further conditions of the operator's resource.
	Conditions []Condition
}

// Condition of an operator's resource or of a ClusterOperator.
type Condition struct {
	Type    string
	Status  bool
	Reason  string
	Message string
}

// controlPlaneLabels mark the nodes that run static pods.
var controlPlaneLabels = []string{"node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"}

func isControlPlane(n *corev1.Node) bool {
	for _, l := range controlPlaneLabels {
		if _, ok := n.Labels[l]; ok {
			return true
		}
	}
	return false
}
