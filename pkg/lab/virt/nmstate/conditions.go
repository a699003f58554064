package nmstate

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Types of conditions.
const (
	available   = "Available"
	degraded    = "Degraded"
	progressing = "Progressing"
	ignored     = "Ignored"
	failing     = "Failing"
	pending     = "Pending"
	aborted     = "Aborted"
)

// Reasons, of policies and enactments.
const (
	configured    = "SuccessfullyConfigured"
	failed        = "FailedToConfigure"
	configuring   = "ConfigurationProgressing"
	noNode        = "NoMatchingNode"
	limitReached  = "MaxUnavailableLimitReached"
	abortedReason = "ConfigurationAborted"
)

const (
	yes     = corev1.ConditionTrue
	no      = corev1.ConditionFalse
	unknown = corev1.ConditionUnknown
)

// enact says how far an enactment is: the condition that is True, or for none that a node
// waits, and why. The others are False, or Unknown while it works.
func (s *EnactmentStatus) enact(kind, reason, message string, now time.Time) {
	other := no
	if kind == progressing {
		other = unknown
	}
	for _, t := range []string{failing, available, progressing, pending, aborted} {
		switch {
		case t == kind:
			s.Conditions.set(t, yes, reason, message, now)
		case t == aborted && kind == failing:
			s.Conditions.set(t, no, configured, "", now)
		case t == failing || t == available:
			s.Conditions.set(t, other, reason, "", now)
		default:
			s.Conditions.set(t, no, reason, "", now)
		}
	}
}

// done reports whether an enactment has come to an end for a policy's generation.
func (e Enactment) done(generation int64) bool {
	c := e.Status.Conditions
	return e.Status.Generation == generation && (c.is(available) || c.is(failing) || c.is(aborted))
}

// matches reports whether a policy is for a node.
func (p Policy) matches(n corev1.Node) bool {
	return labels.SelectorFromSet(p.Spec.NodeSelector).Matches(labels.Set(n.Labels))
}

// limit is how many nodes may be changed at the same time: of those that the policy is
// for, half unless it says otherwise, and one at least.
func (p Policy) limit(nodes int) int {
	half := intstr.FromString("50%")
	n, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(p.Spec.MaxUnavailable, half), nodes, true)
	if err != nil {
		// As the real handler: what cannot be read is the default.
		n, _ = intstr.GetScaledValueFromIntOrPercent(&half, nodes, true)
	}
	return max(n, 1)
}

// summary makes the policy's conditions from its nodes that have a handler and the
// enactments of these.
func (p *Policy) summary(nodes []corev1.Node, all []Enactment, now time.Time) {
	var ready, good, bad, gaveUp int
	for _, n := range nodes {
		if nodeReady(n) {
			ready++
		}
	}
	for _, e := range all {
		if e.Labels[policyLabel] != p.Name || e.Status.Generation != p.Generation {
			continue
		}
		switch c := e.Status.Conditions; {
		case c.is(available):
			good++
		case c.is(failing):
			bad++
		case c.is(aborted):
			gaveUp++
		}
	}
	late := ""
	if n := len(nodes) - ready; n > 0 {
		late = fmt.Sprintf(", %d nodes ignored due to NotReady state", n)
	}
	c := &p.Status.Conditions
	switch {
	case len(nodes) == 0:
		const none = "Policy does not match any node"
		c.set(degraded, no, noNode, none, now)
		c.set(available, no, noNode, none, now)
		c.set(progressing, no, configuring, "", now)
		c.set(ignored, yes, noNode, none, now)
		return
	case bad+gaveUp > 0:
		text := fmt.Sprintf("%d/%d nodes failed to configure", bad, len(nodes))
		if gaveUp > 0 {
			text += fmt.Sprintf(", %d nodes aborted configuration", gaveUp)
		}
		c.set(degraded, yes, failed, text, now)
		c.set(available, no, failed, "", now)
		c.set(progressing, no, configuring, "", now)
	case good < ready:
		text := fmt.Sprintf("Policy is progressing %d/%d nodes finished", good, ready)
		c.set(degraded, unknown, configuring, "", now)
		c.set(available, unknown, configuring, "", now)
		c.set(progressing, yes, configuring, text+late, now)
	default:
		text := fmt.Sprintf("%d/%d nodes successfully configured", good, len(nodes))
		c.set(degraded, no, configured, "", now)
		c.set(available, yes, configured, text+late, now)
		c.set(progressing, no, configuring, "", now)
	}
	c.set(ignored, no, configured, "", now)
}

func nodeReady(n corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
