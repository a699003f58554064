package metal

import (
	"context"
	"fmt"
	"slices"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	hostAnnotation    = "metal3.io/BareMetalHost"
	stateAnnotation   = "machine.openshift.io/instance-state"
	machineAnnotation = "machine.openshift.io/machine" // of a node
)

// machines connects machines with hosts and nodes.
func (o *Operator) machines(ctx context.Context, hosts []metal3.BareMetalHost) error {
	machines, err := list[machinev1beta1.Machine](ctx, o.Client, machineKind, namespace)
	if err != nil {
		return err
	}
	nodes, err := list[corev1.Node](ctx, o.Client, kube.Nodes, "")
	if err != nil {
		return err
	}
	for i := range machines {
		if err := o.machine(ctx, &machines[i], hosts, nodes); err != nil {
			return fmt.Errorf("look at Machine %s: %w", machines[i].Name, err)
		}
	}
	sets, err := list[machinev1beta1.MachineSet](ctx, o.Client, machineSets, namespace)
	if err != nil {
		return err
	}
	for i := range sets {
		if err := o.set(ctx, &sets[i], machines, nodes); err != nil {
			return fmt.Errorf("look at MachineSet %s: %w", sets[i].Name, err)
		}
	}
	return nil
}

// hostOf is the host that says that the machine has it. A machine never takes another one here.
func hostOf(m *machinev1beta1.Machine, hosts []metal3.BareMetalHost) *metal3.BareMetalHost {
	i := slices.IndexFunc(hosts, func(h metal3.BareMetalHost) bool {
		c := h.Spec.ConsumerRef
		return c != nil && c.Kind == "Machine" && c.APIVersion == machinev1beta1.GroupVersion.String() &&
			c.Namespace == m.Namespace && c.Name == m.Name
	})
	if i < 0 {
		return nil
	}
	return &hosts[i]
}

func (o *Operator) machine(ctx context.Context, m *machinev1beta1.Machine, hosts []metal3.BareMetalHost,
	nodes []corev1.Node) error {
	ref := machineKind.Ref(m.Namespace, m.Name)
	before := m.Status.DeepCopy()
	h := hostOf(m, hosts)
	if h == nil {
		phase, reason := machinev1beta1.PhaseProvisioning, machinev1beta1.InsufficientResourcesMachineError
		message := "no BareMetalHost is this machine's, and the lab's operator provisions none"
		m.Status.Phase, m.Status.ErrorReason, m.Status.ErrorMessage = &phase, &reason, &message
		return o.machineStatus(ctx, ref, m, before)
	}
	m.Status.ErrorReason, m.Status.ErrorMessage = nil, nil
	id := fmt.Sprintf("baremetalhost:///%s/%s/%s", h.Namespace, h.Name, h.UID)
	key, state := h.Namespace+"/"+h.Name, string(h.Status.Provisioning.State)
	if m.Annotations[hostAnnotation] != key || m.Annotations[stateAnnotation] != state || m.Spec.ProviderID == nil {
		if m.Spec.ProviderID == nil {
			m.Spec.ProviderID = &id
		}
		change := map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{hostAnnotation: key, stateAnnotation: state}},
			"spec":     map[string]any{"providerID": *m.Spec.ProviderID},
		}
		if err := o.Client.Patch(ctx, ref, "", change); err != nil {
			return err
		}
	}
	phase := machinev1beta1.PhaseProvisioning
	switch h.Status.Provisioning.State {
	case metal3.StateExternallyProvisioned, metal3.StateProvisioned, metal3.StateUnmanaged:
		phase, m.Status.Addresses = machinev1beta1.PhaseProvisioned, addresses(h)
	}
	if n := nodeOf(m, nodes); n != nil && phase == machinev1beta1.PhaseProvisioned {
		phase = machinev1beta1.PhaseRunning
		m.Status.NodeRef = &corev1.ObjectReference{Kind: "Node", Name: n.Name, UID: n.UID}
		if err := o.node(ctx, m, n); err != nil {
			return err
		}
	}
	m.Status.Phase = &phase
	return o.machineStatus(ctx, ref, m, before)
}

func (o *Operator) machineStatus(ctx context.Context, ref kube.Ref, m *machinev1beta1.Machine,
	before *machinev1beta1.MachineStatus) error {
	o.News.Say("machine "+m.Name, *m.Status.Phase)
	if equality.Semantic.DeepEqual(before, &m.Status) {
		return nil
	}
	now := metav1.NewTime(o.Clock.Now())
	m.Status.LastUpdated = &now
	return o.Client.Patch(ctx, ref, "status", map[string]any{"status": m.Status})
}

// addresses are those that the host's hardware has, and nothing else is known of.
func addresses(h *metal3.BareMetalHost) []corev1.NodeAddress {
	hw := h.Status.HardwareDetails
	if hw == nil {
		return nil
	}
	var out []corev1.NodeAddress
	for _, n := range hw.NIC {
		out = append(out, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: n.IP})
	}
	if hw.Hostname != "" {
		out = append(out, corev1.NodeAddress{Type: corev1.NodeHostName, Address: hw.Hostname},
			corev1.NodeAddress{Type: corev1.NodeInternalDNS, Address: hw.Hostname})
	}
	return out
}

// nodeOf is the node of a machine: the one with its provider ID, else the one with its first address.
func nodeOf(m *machinev1beta1.Machine, nodes []corev1.Node) *corev1.Node {
	for i := range nodes {
		if m.Spec.ProviderID != nil && nodes[i].Spec.ProviderID == *m.Spec.ProviderID {
			return &nodes[i]
		}
	}
	internal := func(list []corev1.NodeAddress) string {
		for _, a := range list {
			if a.Type == corev1.NodeInternalIP {
				return addressText(a.Address)
			}
		}
		return ""
	}
	want := internal(m.Status.Addresses)
	if want == "" {
		return nil
	}
	for i := range nodes {
		// A node that is another machine's is not this one's, whatever its address is.
		if internal(nodes[i].Status.Addresses) == want && nodes[i].Spec.ProviderID == "" {
			return &nodes[i]
		}
	}
	return nil
}

// node tells a node which machine it is.
func (o *Operator) node(ctx context.Context, m *machinev1beta1.Machine, n *corev1.Node) error {
	key := m.Namespace + "/" + m.Name
	if n.Spec.ProviderID == *m.Spec.ProviderID && n.Annotations[machineAnnotation] == key {
		return nil
	}
	n.Spec.ProviderID = *m.Spec.ProviderID
	err := o.Client.Patch(ctx, kube.Nodes.Ref("", n.Name), "", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{machineAnnotation: key}},
		"spec":     map[string]any{"providerID": n.Spec.ProviderID},
	})
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	return nil
}

// set adopts the machines of a set, and counts them. It makes none.
func (o *Operator) set(ctx context.Context, s *machinev1beta1.MachineSet, machines []machinev1beta1.Machine,
	nodes []corev1.Node) error {
	selector, err := metav1.LabelSelectorAsSelector(&s.Spec.Selector)
	if err != nil {
		return err
	}
	now := machinev1beta1.MachineSetStatus{ObservedGeneration: s.Generation}
	for i := range machines {
		m := &machines[i]
		if selector.Empty() || !selector.Matches(labels.Set(m.Labels)) {
			continue
		}
		if metav1.GetControllerOf(m) == nil {
			owner := metav1.NewControllerRef(s, machinev1beta1.GroupVersion.WithKind("MachineSet"))
			change := map[string]any{"metadata": map[string]any{"ownerReferences": append(m.OwnerReferences, *owner)}}
			if err := o.Client.Patch(ctx, machineKind.Ref(m.Namespace, m.Name), "", change); err != nil {
				return fmt.Errorf("adopt Machine %s: %w", m.Name, err)
			}
		}
		now.Replicas++
		now.FullyLabeledReplicas++
		if m.Status.NodeRef != nil && ready(m.Status.NodeRef.Name, nodes) {
			now.ReadyReplicas++
			now.AvailableReplicas++
		}
	}
	wanted := int32(1)
	if s.Spec.Replicas != nil {
		wanted = *s.Spec.Replicas
	}
	o.News.Say("machine set "+s.Name, fmt.Sprintf("%d of %d machines, %d ready", now.Replicas, wanted, now.ReadyReplicas))
	now.Conditions = s.Status.Conditions
	if equality.Semantic.DeepEqual(now, s.Status) {
		return nil
	}
	return o.Client.Patch(ctx, machineSets.Ref(s.Namespace, s.Name), "status", map[string]any{"status": now})
}

func ready(name string, nodes []corev1.Node) bool {
	i := slices.IndexFunc(nodes, func(n corev1.Node) bool { return n.Name == name })
	return i >= 0 && slices.ContainsFunc(nodes[i].Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
