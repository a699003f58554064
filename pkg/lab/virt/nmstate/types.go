// Package nmstate is the lab's kubernetes-nmstate: an operator that starts a handler on every
// node, and the handler, which gives its node the networks of policies by netlink.
package nmstate

import (
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/kube"
)

// Kinds of nmstate.io.
var (
	nmstates   = kube.Kind{Group: "nmstate.io", Version: "v1", Plural: "nmstates"}
	policies   = kube.Kind{Group: "nmstate.io", Version: "v1", Plural: "nodenetworkconfigurationpolicies"}
	enactments = kube.Kind{Group: "nmstate.io", Version: "v1beta1", Plural: "nodenetworkconfigurationenactments"}
	states     = kube.Kind{Group: "nmstate.io", Version: "v1beta1", Plural: "nodenetworkstates"}
)

// Labels of enactments.
const (
	policyLabel = "nmstate.io/policy"
	nodeLabel   = "nmstate.io/node"
)

// NMState asks for handlers.
type NMState struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		NodeSelector map[string]string   `json:"nodeSelector,omitempty"`
		Tolerations  []corev1.Toleration `json:"tolerations,omitempty"`
		Affinity     *corev1.Affinity    `json:"affinity,omitempty"`
	} `json:"spec,omitempty"`
	Status struct {
		Conditions conditions `json:"conditions,omitempty"`
	} `json:"status,omitempty"`
}

// Policy is a network that nodes are to have.
type Policy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              PolicySpec   `json:"spec,omitempty"`
	Status            PolicyStatus `json:"status,omitempty"`
}

// PolicySpec is what the user wrote.
type PolicySpec struct {
	NodeSelector   map[string]string   `json:"nodeSelector,omitempty"`
	DesiredState   json.RawMessage     `json:"desiredState,omitempty"`
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	Capture        map[string]string   `json:"capture,omitempty"`
}

// PolicyStatus sums up the enactments.
type PolicyStatus struct {
	Conditions  conditions   `json:"conditions,omitempty"`
	Unavailable int          `json:"unavailableNodeCount,omitempty"`
	Updated     *metav1.Time `json:"lastUnavailableNodeCountUpdate,omitempty"`
}

// Enactment is a policy on a node.
type Enactment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Status            EnactmentStatus `json:"status,omitempty"`
}

// EnactmentStatus is how far it is.
type EnactmentStatus struct {
	DesiredState json.RawMessage `json:"desiredState,omitempty"`
	Generation   int64           `json:"policyGeneration,omitempty"`
	Conditions   conditions      `json:"conditions,omitempty"`
}

// Condition is nmstate.io's.
type Condition struct {
	Type       string                 `json:"type"`
	Status     corev1.ConditionStatus `json:"status"`
	Reason     string                 `json:"reason,omitempty"`
	Message    string                 `json:"message,omitempty"`
	Heartbeat  metav1.Time            `json:"lastHeartbeatTime,omitempty"`
	Transition metav1.Time            `json:"lastTransitionTime,omitempty"`
}

type conditions []Condition

// set changes or adds a condition. One that says the same stays as it is, with its
// heartbeat: a status without news is not written.
func (c *conditions) set(kind string, is corev1.ConditionStatus, reason, message string, now time.Time) {
	stamp := metav1.NewTime(now.UTC().Truncate(time.Second))
	i := slices.IndexFunc(*c, func(x Condition) bool { return x.Type == kind })
	if i < 0 {
		*c = append(*c, Condition{Type: kind})
		i = len(*c) - 1
	}
	x := &(*c)[i]
	if x.Status == is && x.Reason == reason && x.Message == message {
		return
	}
	if x.Status != is {
		x.Transition = stamp
	}
	x.Status, x.Reason, x.Message, x.Heartbeat = is, reason, message, stamp
}

// is reports whether a condition is True.
func (c conditions) is(kind string) bool {
	return slices.ContainsFunc(c, func(x Condition) bool { return x.Type == kind && x.Status == corev1.ConditionTrue })
}
