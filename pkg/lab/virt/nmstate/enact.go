package nmstate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/nmstate/link"
)

// enact brings a policy to the node, and reports whether that has come to an end.
func (h *Handler) enact(ctx context.Context, c cluster, p Policy) (bool, error) {
	e, err := h.enactment(ctx, c.self, p)
	if err != nil {
		return false, err
	}
	if e.done(p.Generation) {
		if !e.Status.Conditions.is(available) || h.applied[p.Name] == p.Generation {
			return true, nil
		}
		// After the handler's start: the node may have been off. Nothing that works is
		// interrupted, so no other node has to wait.
		if err := h.apply(ctx, p); err != nil {
			return true, h.ended(ctx, p, err)
		}
		h.applied[p.Name] = p.Generation
		return true, nil
	}
	granted, err := h.claim(ctx, p.Name, len(c.candidates(p)))
	if err != nil {
		return false, err
	}
	if !granted {
		return h.held(ctx, c, p)
	}
	if err := h.say(ctx, p, progressing, configuring, "Applying desired state"); err != nil {
		return false, errors.Join(err, h.release(ctx, p.Name))
	}
	// Others count this node as under way now.
	if err := h.summarize(ctx); err != nil && !conflict(err) {
		h.Log.Error("cannot sum up policies", "error", err)
	}
	failure := h.apply(ctx, p)
	if failure == nil {
		h.applied[p.Name] = p.Generation
	}
	if err := h.release(ctx, p.Name); err != nil {
		return false, err
	}
	return true, h.ended(ctx, p, failure)
}

// held waits for other nodes, or gives up if the policy has failed on one of them.
func (h *Handler) held(ctx context.Context, c cluster, p Policy) (bool, error) {
	if slices.ContainsFunc(c.enactments, func(e Enactment) bool {
		return e.Labels[policyLabel] == p.Name && e.Status.Generation == p.Generation && e.Status.Conditions.is(failing)
	}) {
		text := fmt.Sprintf("reconciliation of enactment %q has aborted", h.Node+"."+p.Name)
		return true, h.say(ctx, p, aborted, abortedReason, text)
	}
	return false, h.say(ctx, p, pending, limitReached, "Waiting for progressing nodes to finish")
}

// apply changes the network, and takes the change back if it cuts the node off.
func (h *Handler) apply(ctx context.Context, p Policy) error {
	s, err := link.Parse(p.Spec.DesiredState)
	if len(p.Spec.Capture) > 0 {
		err = errors.Join(err, errors.New("the lab's handler has no captures"))
	}
	if err != nil {
		return err
	}
	undo, err := h.Network.Apply(s)
	if err != nil {
		return err
	}
	if err := h.Reachable(ctx); err != nil {
		err = fmt.Errorf("the API server cannot be reached after the change, which was taken back: %w", err)
		return errors.Join(err, undo())
	}
	h.Log.Info("applied", "policy", p.Name, "generation", p.Generation)
	return nil
}

// ended says how it ended.
func (h *Handler) ended(ctx context.Context, p Policy, failure error) error {
	if failure == nil {
		return h.say(ctx, p, available, configured, "successfully reconciled")
	}
	h.Log.Error("failed", "policy", p.Name, "error", failure)
	text := fmt.Sprintf("error reconciling NodeNetworkConfigurationPolicy on node %s at desired state apply: %q,\n %v",
		h.Node, "", failure)
	return h.say(ctx, p, failing, failed, text)
}

// enactment is the node's of a policy, made if there is none.
func (h *Handler) enactment(ctx context.Context, self corev1.Node, p Policy) (Enactment, error) {
	name := h.Node + "." + p.Name
	var e Enactment
	err := h.Client.Get(ctx, enactments.Ref("", name), &e)
	if !kube.NotFound(err) {
		return e, err
	}
	e = Enactment{
		TypeMeta: metav1.TypeMeta{APIVersion: "nmstate.io/v1beta1", Kind: "NodeNetworkConfigurationEnactment"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{policyLabel: p.Name, nodeLabel: h.Node},
			// It goes with the node.
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: self.Name, UID: self.UID}},
		},
	}
	if err := h.Client.Create(ctx, enactments, "", &e); err != nil {
		return e, fmt.Errorf("make enactment %s: %w", name, err)
	}
	return e, nil
}

// say writes what an enactment is at.
func (h *Handler) say(ctx context.Context, p Policy, kind, reason, message string) error {
	ref := enactments.Ref("", h.Node+"."+p.Name)
	return h.persist(ctx, func() error {
		var e Enactment
		if err := h.Client.Get(ctx, ref, &e); err != nil {
			return err
		}
		before := slices.Clone(e.Status.Conditions)
		same := e.Status.Generation == p.Generation
		e.Status.DesiredState, e.Status.Generation = p.Spec.DesiredState, p.Generation
		e.Status.enact(kind, reason, message, h.Clock.Now())
		if same && slices.Equal(before, e.Status.Conditions) {
			return nil
		}
		return h.Client.Update(ctx, ref, "status", &e)
	})
}

// claim takes one of the slots of nodes that may be changed at the same time.
func (h *Handler) claim(ctx context.Context, policy string, nodes int) (granted bool, err error) {
	ref := policies.Ref("", policy)
	err = h.persist(ctx, func() error {
		var p Policy
		if err := h.Client.Get(ctx, ref, &p); err != nil {
			return err
		}
		if granted = p.Status.Unavailable < p.limit(nodes); granted {
			p.Status.Unavailable++
			return h.count(ctx, &p)
		}
		return h.audit(ctx, &p)
	})
	return granted, err
}

// audit frees slots of nodes that ended without giving theirs back.
func (h *Handler) audit(ctx context.Context, p *Policy) error {
	if p.Status.Updated != nil && h.Clock.Now().Sub(p.Status.Updated.Time) < lastFor {
		return nil
	}
	all, err := list[Enactment](ctx, h.Client, enactments, "")
	if err != nil {
		return err
	}
	taken := 0
	for _, e := range all {
		if e.Labels[policyLabel] == p.Name && e.Labels[nodeLabel] != h.Node && e.Status.Conditions.is(progressing) {
			taken++
		}
	}
	if taken >= p.Status.Unavailable {
		return nil
	}
	p.Status.Unavailable = taken
	return h.count(ctx, p)
}

func (h *Handler) release(ctx context.Context, policy string) error {
	ref := policies.Ref("", policy)
	return h.persist(ctx, func() error {
		var p Policy
		err := h.Client.Get(ctx, ref, &p)
		if kube.NotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		p.Status.Unavailable = max(0, p.Status.Unavailable-1)
		return h.count(ctx, &p)
	})
}

func (h *Handler) count(ctx context.Context, p *Policy) error {
	stamp := metav1.NewTime(h.Clock.Now().UTC().Truncate(time.Second))
	p.Status.Updated = &stamp
	return h.Client.Update(ctx, policies.Ref("", p.Name), "status", p)
}

// persist repeats what other handlers got in the way of, with what they wrote.
func (h *Handler) persist(ctx context.Context, do func() error) error {
	const often = 20
	var err error
	for range often {
		if err = do(); !conflict(err) {
			return err
		}
		if err := h.Clock.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return err
}

func conflict(err error) bool { return apierrors.IsConflict(err) }
