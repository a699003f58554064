package control

import (
	"slices"
	"time"

	conditionsv1 "github.com/openshift/custom-resource-status/conditions/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"
)

// Set puts a condition into a list. Unlike OpenShift's own function it leaves one alone that says the same, so that a
// status without news is not written.
func Set(
	list *[]conditionsv1.Condition, kind conditionsv1.ConditionType, is bool, reason, message string, now time.Time,
) {
	status := corev1.ConditionFalse
	if is {
		status = corev1.ConditionTrue
	}
	stamp := metav1.NewTime(now.UTC().Truncate(time.Second))
	i := slices.IndexFunc(*list, func(c conditionsv1.Condition) bool { return c.Type == kind })
	if i < 0 {
		*list = append(*list, conditionsv1.Condition{Type: kind})
		i = len(*list) - 1
	}
	c := &(*list)[i]
	if c.Status == status && c.Reason == reason && c.Message == message {
		return
	}
	if c.Status != status {
		c.LastTransitionTime = stamp
	}
	c.Status, c.Reason, c.Message, c.LastHeartbeatTime = status, reason, message, stamp
}

// Phase is how far an operator's own object is, in the words of KubeVirt's operator library.
type Phase struct {
	Available, Progressing, Degraded bool
	Reason, Message                  string
}

// Apply writes it into conditions. Reason and message are of what is worst.
func (p Phase) Apply(list *[]conditionsv1.Condition, now time.Time) {
	one := func(kind conditionsv1.ConditionType, is, tells bool) {
		reason, message := "", ""
		if tells {
			reason, message = p.Reason, p.Message
		}
		Set(list, kind, is, reason, message, now)
	}
	switch {
	case p.Degraded:
		one(conditionsv1.ConditionAvailable, p.Available, false)
		one(conditionsv1.ConditionProgressing, p.Progressing, false)
		one(conditionsv1.ConditionDegraded, true, true)
	case p.Progressing:
		one(conditionsv1.ConditionAvailable, p.Available, false)
		one(conditionsv1.ConditionProgressing, true, true)
		one(conditionsv1.ConditionDegraded, false, false)
	default:
		one(conditionsv1.ConditionAvailable, p.Available, true)
		one(conditionsv1.ConditionProgressing, false, false)
		one(conditionsv1.ConditionDegraded, false, false)
	}
}

// Versions writes the operator's version into a status; what is observed follows once it works.
func Versions(s *sdk.Status, version string, works bool) {
	s.OperatorVersion, s.TargetVersion = version, version
	if works {
		s.ObservedVersion = version
	}
}
