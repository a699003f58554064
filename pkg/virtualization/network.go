package virtualization

import (
	"context"
	"strings"
)

// policyConfigured wants every node that a policy is for to have the network that it describes.
func policyConfigured(ctx context.Context, w *world, o object) (string, error) {
	const next = "correct hostNetwork in virtualization.yaml; nodes keep the network that they had before"
	if o.stale() {
		return "its controller has not seen the last change yet", nil
	}
	if c := o.condition("Ignored"); c.is("True") {
		return "", stuckFor(briefly, next, "no node has the labels of its nodeSelector: %s", c)
	}
	if c := o.condition("Degraded"); c.is("True") {
		why, err := w.enactments(ctx, o.name())
		if err != nil {
			return "", err
		}
		return "", stuckFor(briefly, next, "%s%s", c, why)
	}
	if c := o.condition("Available"); !c.is("True") {
		return c.String(), nil
	}
	return "", nil
}

// enactments says on which nodes a policy failed, and why.
func (w *world) enactments(ctx context.Context, policy string) (string, error) {
	list, err := w.all(ctx, groupNMState+"/v1beta1", "NodeNetworkConfigurationEnactment", "", "nmstate.io/policy="+policy)
	if err != nil {
		return "", err
	}
	text := ""
	for _, e := range list {
		if c := e.condition("Failing"); c.is("True") {
			node, _, _ := strings.Cut(e.name(), "."+policy)
			text += "; on " + node + ": " + c.String()
		}
	}
	return text, nil
}
