package virtualization

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
)

// hcoUp wants the operator and the webhook of HyperConverged: without the webhook, defaults would be missing. Where
// somebody else has installed the operator, its deployments may have other names.
func hcoUp(ctx context.Context, w *world, o object) (string, error) {
	here := func(s object) bool { return s.namespace() == o.namespace() }
	if !slices.ContainsFunc(w.of(groupOLM, "Subscription"), here) {
		return "", nil
	}
	for _, name := range []string{"hco-webhook", "hco-operator"} {
		missing, err := w.deployment(ctx, o.namespace(), name, fixImages)
		if err != nil || missing != "" {
			return missing, err
		}
	}
	return "", nil
}

// another refuses a cluster that has virtualization elsewhere, such as OpenShift Virtualization in openshift-cnv: two
// in one cluster destroy each other.
func (w *world) another(ctx context.Context) error {
	for _, o := range w.of(groupHCO, "HyperConverged") {
		for _, k := range []versionKind{{versionHCO, "HyperConverged"}, {"kubevirt.io/v1", "KubeVirt"}} {
			list, err := w.all(ctx, k.apiVersion, k.kind, "", "")
			if err != nil {
				return err
			}
			for _, other := range list {
				if other.namespace() != o.namespace() {
					return stuckFor(decided, "use what is there, or remove it first; virtualization test works with it",
						"the cluster has virtualization already: %s", other)
				}
			}
		}
	}
	return nil
}

// child is a part of HyperConverged, which has its own operator.
type child struct{ apiVersion, kind, name string }

func children() []child {
	return []child{
		{"kubevirt.io/v1", "KubeVirt", "kubevirt-kubevirt-hyperconverged"},
		{versionCDI, "CDI", "cdi-kubevirt-hyperconverged"},
		{"networkaddonsoperator.network.kubevirt.io/v1", "NetworkAddonsConfig", "cluster"},
		{"ssp.kubevirt.io/v1beta2", "SSP", "ssp-kubevirt-hyperconverged"},
	}
}

func hyperConvergedReady(ctx context.Context, w *world, o object) (string, error) {
	if err := w.emulated(ctx); err != nil {
		return "", err
	}
	c, unmet := o.unmet(wanted{"Available", "True"}, wanted{"Degraded", "False"}, wanted{"Progressing", "False"},
		wanted{"ReconcileComplete", "True"})
	worst, err := w.worstChild(ctx, o.namespace())
	if err != nil {
		return "", err
	}
	text := c.String()
	switch health := o.text("status", "systemHealthStatus"); {
	case o.stale():
		text = "its operator has not seen the last change yet"
	case !unmet && health != "" && health != "healthy" && o.condition("TaintedConfiguration").Status != "True":
		text = "its systemHealthStatus is " + health
	case !unmet && worst == "":
		return "", nil
	case !unmet:
		text, worst = worst, ""
	}
	if worst != "" {
		text += "; " + worst
	}
	why, err := w.pods(ctx, o.namespace(), "", fixImages)
	if err != nil {
		return "", within(text, err)
	}
	if why != "" {
		text += "; " + why
	}
	if d := o.condition("Degraded"); d.is("True") {
		return "", stuckFor(patience, afterwards, "it is degraded: %s", text)
	}
	return text, nil
}

// badness orders the conditions of children.
var badness = []wanted{{"Degraded", "False"}, {"Available", "True"}, {"Progressing", "False"}}

// worstChild names the part of HyperConverged that is worst, empty if all are well.
func (w *world) worstChild(ctx context.Context, namespace string) (string, error) {
	worst, rank := "", len(badness)+1
	for _, c := range children() {
		r, err := w.api.Find(ctx, c.apiVersion, c.kind)
		if noKind(err) {
			if worst == "" && c.kind != "SSP" { // there is none where there are no templates
				worst = c.kind + " is not known to the cluster yet"
			}
			continue
		}
		if err != nil {
			return "", err
		}
		var o object
		err = w.api.Get(ctx, r.Object(namespace, c.name), &o)
		if err != nil && !kube.NotFound(err) {
			return "", err
		}
		if o == nil {
			if rank > len(badness) {
				worst, rank = c.kind+" "+c.name+" does not exist yet", len(badness)
			}
			continue
		}
		for i, b := range badness {
			got := o.condition(b.kind)
			if got.is(b.status) || got.Status == "" && b.kind != "Available" {
				continue
			}
			if i < rank {
				worst, rank = o.String()+": "+got.String(), i
			}
			break
		}
	}
	return worst, nil
}

// emulated refuses nodes that have no /dev/kvm, unless software may emulate it. KubeVirt's agent on a node offers the
// devices that the node has: one that offers tun and not kvm has no /dev/kvm.
func (w *world) emulated(ctx context.Context) error {
	allowed, err := w.emulation(ctx)
	if err != nil || allowed {
		return err
	}
	lacking, err := w.withoutKVM(ctx)
	if err != nil || len(lacking) == 0 {
		return err
	}
	return stuckFor(briefly, "switch virtualization on in the firmware of the hosts, or nested virtualization on the "+
		"hypervisor; or set smokeTest.allowEmulation in virtualization.yaml if VMs may be slow",
		"there is no /dev/kvm on %s, and software emulation is not allowed", strings.Join(lacking, ", "))
}

// withoutKVM are the nodes that are known to have no /dev/kvm.
func (w *world) withoutKVM(ctx context.Context) ([]string, error) {
	nodes, err := w.all(ctx, "v1", "Node", "", "")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range nodes {
		devices := n.part("status", "allocatable")
		has := func(device string) bool {
			amount := fmt.Sprint(devices["devices.kubevirt.io/"+device])
			return amount != "<nil>" && amount != "0"
		}
		schedulable := n.text("metadata", "labels", "kubevirt.io/schedulable") == "true"
		if schedulable && has("tun") && !has("kvm") || !schedulable && lacksCPU(n) {
			out = append(out, "node "+n.name())
		}
	}
	return out, nil
}

// lacksCPU reports whether node feature discovery, where it runs, says that a node for VMs cannot run them.
func lacksCPU(n object) bool {
	const feature = "feature.node.kubernetes.io/cpu-cpuid."
	labels := n.part("metadata", "labels")
	if _, worker := labels["node-role.kubernetes.io/worker"]; !worker {
		return false
	}
	discovered := false
	for name := range labels {
		if name == feature+"VMX" || name == feature+"SVM" {
			return false
		}
		discovered = discovered || strings.HasPrefix(name, feature)
	}
	return discovered
}

// emulation reports whether software may emulate what nodes lack: by what is deployed, or by what KubeVirt is told.
func (w *world) emulation(ctx context.Context) (bool, error) {
	for _, s := range w.of(groupOLM, "Subscription") {
		if slices.ContainsFunc(s.list("spec", "config", "env"), func(e object) bool {
			return e.text("name") == "KVM_EMULATION" && e.text("value") == "true"
		}) {
			return true, nil
		}
	}
	list, err := w.all(ctx, "kubevirt.io/v1", "KubeVirt", "", "")
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(o object) bool {
		use, _ := o.get("spec", "configuration", "developerConfiguration", "useEmulation").(bool)
		return use
	}), nil
}

// webhookTrouble says that a webhook did not answer, empty if an error is another one.
func webhookTrouble(err error) string {
	text := kube.Cause(err)
	_, after, is := strings.Cut(text, "failed calling webhook ")
	if !is {
		return ""
	}
	return "webhook " + after
}
