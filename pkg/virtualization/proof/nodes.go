package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

func (r *run) nodes(ctx context.Context) (outcome, error) {
	if len(r.facts.handlers) == 0 {
		return skipped("no node runs virt-handler"), nil
	}
	var list corev1.NodeList
	if err := r.API.List(ctx, kube.Nodes, "", &list); err != nil {
		return outcome{}, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	var bad, cordoned []string
	for _, n := range list.Items {
		switch label := n.Labels[virtv1.NodeSchedulable]; {
		case !r.facts.handlers[n.Name]:
		case label != "true":
			bad = append(bad, fmt.Sprintf("node %s has label %s=%q; virt-handler reported last at %q", n.Name,
				virtv1.NodeSchedulable, label, n.Annotations[virtv1.VirtHandlerHeartbeat]))
		case n.Spec.Unschedulable:
			cordoned = append(cordoned, n.Name+" is cordoned")
		case taintOf(n) != "":
			cordoned = append(cordoned, n.Name+" has taint "+taintOf(n))
		default:
			r.facts.nodes = append(r.facts.nodes, n)
		}
	}
	note := ""
	if len(cordoned) > 0 {
		note = "; " + and(cordoned)
	}
	switch {
	case len(bad) > 0:
		return failed(fmt.Sprintf("%d nodes with virt-handler take no VMs", len(bad)), strings.Join(bad, "; ")+note,
			fmt.Sprintf("look at the log of virt-handler on that node: oc -n %s logs -l kubevirt.io=virt-handler --prefix",
				r.facts.namespace)), nil
	case len(r.facts.nodes) == 0:
		return failed("no node takes VMs", and(cordoned), "oc adm uncordon NODE, or give the cluster nodes for VMs"), nil
	}
	return passed("VMs can be scheduled on %s%s", and(names(r.facts.nodes)), note), nil
}

// taintOf is the taint that keeps VMs away, which tolerate none; empty if there is none.
func taintOf(n corev1.Node) string {
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			return t.ToString()
		}
	}
	return ""
}

func names(list []corev1.Node) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.Name
	}
	return out
}

// The devices that virt-handler hands out.
const (
	kvmDevice = "devices.kubevirt.io/kvm"
	tunDevice = "devices.kubevirt.io/tun"
	netDevice = "devices.kubevirt.io/vhost-net"
)

// nested is the next step for nodes without /dev/kvm.
const nested = "switch virtualization on in the firmware of the node; if it is a VM itself, allow nested " +
	"virtualization on its hypervisor's hosts and hand their processor through (oVirt: Nested Virtualization of the " +
	"host's kernel options, Pass-Through Host CPU of the VM); or allow software emulation (useEmulation), for tests only"

// devices compares what nodes offer with what VMs request. Emulated VMs request neither KVM nor vhost-net.
func (r *run) devices(context.Context) (outcome, error) {
	if len(r.facts.nodes) == 0 {
		return skipped("no node takes VMs"), nil
	}
	needed := []corev1.ResourceName{kvmDevice, tunDevice, netDevice}
	if r.facts.emulation {
		needed = []corev1.ResourceName{tunDevice}
	}
	var bad []string
	next := ""
	var able []corev1.Node
	for _, n := range r.facts.nodes {
		var lacking []string
		for _, d := range needed {
			if q := n.Status.Allocatable[d]; q.IsZero() {
				lacking = append(lacking, string(d))
			}
		}
		if q := n.Status.Allocatable[kvmDevice]; q.IsZero() {
			r.facts.bare = append(r.facts.bare, n.Name)
		}
		if len(lacking) == 0 {
			able = append(able, n)
			continue
		}
		bad = append(bad, "node "+n.Name+" offers no "+and(lacking))
		if slices.Contains(lacking, kvmDevice) {
			next = nested
		} else if next == "" {
			next = "load the kernel modules tun and vhost_net on the node, and look at the log of its virt-handler"
		}
	}
	r.facts.nodes = able
	if len(bad) > 0 {
		return failed("nodes lack devices that VMs need", strings.Join(bad, "; "), next), nil
	}
	if soft := r.facts.bare; len(soft) > 0 {
		return passed("tun everywhere; software emulates the processor, as allowed, on %s", and(soft)), nil
	}
	return passed("%s on %s", "KVM, tun and vhost-net", and(names(able))), nil
}

// cpu compares the processors of nodes, as KubeVirt's labels describe them.
func (r *run) cpu(context.Context) (outcome, error) {
	if len(r.facts.nodes) == 0 {
		return skipped("no node takes VMs"), nil
	}
	var obsolete, unknown []string
	models := map[string][]string{}
	for _, n := range r.facts.nodes {
		if _, old := n.Labels[virtv1.NodeHostModelIsObsoleteLabel]; old {
			obsolete = append(obsolete, n.Name)
		}
		model := ""
		for label := range n.Labels {
			if m, is := strings.CutPrefix(label, virtv1.HostModelCPULabel); is {
				model = m
			}
		}
		if arch := n.Status.NodeInfo.Architecture; model == "" && arch != "" && arch != "amd64" {
			continue // KubeVirt describes processors of x86 only
		}
		if model == "" {
			unknown = append(unknown, n.Name)
			continue
		}
		models[model] = append(models[model], n.Name)
	}
	if len(obsolete) > 0 && r.facts.hostModel {
		return failed("VMs with the default CPU model host-model do not start on "+and(obsolete),
			"KubeVirt has marked their processor as obsolete with label "+virtv1.NodeHostModelIsObsoleteLabel,
			"set defaultCPUModel to a model that all nodes have (labels "+virtv1.CPUModelLabel+"…), or change the "+
				"processor that the nodes' hypervisor gives them"), nil
	}
	var parts []string
	for model, on := range models {
		parts = append(parts, model+" on "+and(on))
	}
	slices.Sort(parts)
	switch {
	case len(parts)+len(unknown) == 0:
		return skipped("KubeVirt does not describe processors of this architecture"), nil
	case len(unknown) > 0 && r.facts.emulation:
		return passed("software emulates the processor; %s report none of their own", and(unknown)), nil
	case len(unknown) > 0:
		return failed("the processor of "+and(unknown)+" is not known",
			"they have no label "+virtv1.HostModelCPULabel+"…, which virt-handler sets",
			"look at init container virt-launcher and the log of virt-handler there: oc -n "+r.facts.namespace+
				" describe pod -l kubevirt.io=virt-handler"), nil
	case len(parts) > 1 && r.facts.hostModel:
		return passed("%s; VMs with CPU model host-model migrate between nodes of the same model only: set "+
			"defaultCPUModel to one that all nodes have", strings.Join(parts, "; ")), nil
	}
	return passed("%s", strings.Join(parts, "; ")), nil
}
