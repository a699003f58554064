package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

// facts are what the static checks learn for the others.
type facts struct {
	namespace string // of KubeVirt
	version   string
	emulation bool // the cluster's administrator lets software emulate the processor
	hostModel bool // VMs get the processor of their node unless they say otherwise
	handlers  map[string]bool
	nodes     []corev1.Node // on which VMs can run: schedulable, uncordoned, with the devices
	bare      []string      // nodes that take VMs and offer no KVM
	image     string        // of virt-launcher
	noCDI     bool          // CDI is not deployed
	noClass   bool          // no StorageClass is the default
}

// settle is how long the static checks may take: operators that were just changed are busy for a moment.
const settle = 30 * time.Second

// deploy is the next step where KubeVirt itself is missing.
func (r *run) deploy() string {
	return "deploy the virtualization stack: " + strings.Replace(r.Options.Again, " test", " deploy", 1)
}

// static does the checks that change nothing, again and again for a moment if some fail.
func (r *run) static(ctx context.Context) {
	checks := []struct {
		name string
		look func(context.Context) (outcome, error)
	}{
		{HyperConverged, r.hyperConverged}, {KubeVirt, r.kubeVirt}, {Handlers, r.handlers}, {Nodes, r.nodes},
		{Devices, r.devices}, {CPU, r.cpu}, {StorageProfiles, r.storageProfiles}, {DataSources, r.dataSources},
	}
	begun := r.Clock.Now()
	for {
		r.facts = facts{}
		var bad []string
		limit := settle
		got := make([]outcome, len(checks))
		for i, c := range checks {
			got[i] = r.decide(ctx, c.name, func(ctx context.Context) outcome {
				o, err := c.look(ctx)
				if err != nil && ctx.Err() != nil {
					return interrupted(ctx)
				}
				if err != nil && !kube.Answered(err) {
					limit = away
				}
				if err != nil {
					return failed("the API was not asked successfully", kube.Cause(err),
						"see that the API of the cluster answers, and that the user of the kubeconfig is an administrator")
				}
				return o
			})
			if got[i].status == Failed {
				bad = append(bad, c.name+": "+got[i].reason+": "+got[i].cause)
			}
		}
		if len(bad) == 0 || r.Clock.Now().Sub(begun) >= limit || r.Clock.Sleep(ctx, 3*every) != nil {
			for i, c := range checks {
				r.keep(c.name, got[i], begun)
			}
			return
		}
		event.ProgressOf(r.Sink, "static checks: "+strings.Join(bad, "; "))
	}
}

// custom is an object of a kind whose Go types are in no module.
type custom struct {
	Metadata struct {
		Name, Namespace string
	}
	Status struct {
		Conditions         []condition
		SystemHealthStatus string
		Versions           []struct{ Name, Version string }
	}
}

func (r *run) hyperConverged(ctx context.Context) (outcome, error) {
	var list struct{ Items []custom }
	err := r.API.List(ctx, hyperconvergeds, "", &list)
	if kube.NotFound(err) || err == nil && len(list.Items) == 0 {
		return skipped("there is no HyperConverged: KubeVirt was deployed without its operator"), nil
	}
	if err != nil {
		return outcome{}, err
	}
	o := list.Items[0]
	name := "HyperConverged " + o.Metadata.Namespace + "/" + o.Metadata.Name
	if bad := wrong(o.Status.Conditions, "Available=True", "Degraded=False", "Progressing=False",
		"ReconcileComplete=True"); len(bad) > 0 {
		return failed(name+" is not healthy", strings.Join(bad, "; "),
			fmt.Sprintf("oc -n %s describe hyperconverged %s", o.Metadata.Namespace, o.Metadata.Name)), nil
	}
	version := ""
	for _, v := range o.Status.Versions {
		if v.Name == "operator" {
			version = " " + v.Version
		}
	}
	return passed("%s%s is available", name, version), nil
}

// wrong are the conditions that are not as wanted, as in Available=True.
func wrong(list []condition, wanted ...string) []string {
	var out []string
	for _, w := range wanted {
		kind, status, _ := strings.Cut(w, "=")
		if c := conditionOf(list, kind); c.Status != status {
			out = append(out, c.String())
		}
	}
	return out
}

func (r *run) kubeVirt(ctx context.Context) (outcome, error) {
	var list virtv1.KubeVirtList
	err := r.API.List(ctx, kubevirts, "", &list)
	if kube.NotFound(err) || err == nil && len(list.Items) == 0 {
		return failed("KubeVirt is not deployed", "the cluster has no object of kind KubeVirt", r.deploy()), nil
	}
	if err != nil {
		return outcome{}, err
	}
	kv := list.Items[0]
	r.facts.namespace, r.facts.version = kv.Namespace, kv.Status.ObservedKubeVirtVersion
	if dev := kv.Spec.Configuration.DeveloperConfiguration; dev != nil {
		r.facts.emulation = dev.UseEmulation
	}
	model := kv.Spec.Configuration.CPUModel
	r.facts.hostModel = model == "" || model == virtv1.CPUModeHostModel
	name := "KubeVirt " + kv.Namespace + "/" + kv.Name
	bad := wrong(conditions(kv.Status.Conditions), "Available=True", "Degraded=False", "Progressing=False")
	if kv.Status.Phase != virtv1.KubeVirtPhaseDeployed {
		bad = append([]string{"phase is " + string(kv.Status.Phase)}, bad...)
	}
	if len(bad) > 0 {
		return failed(name+" is not healthy", strings.Join(bad, "; "),
			fmt.Sprintf("oc -n %s describe kubevirt %s; oc -n %s get pods", kv.Namespace, kv.Name, kv.Namespace)), nil
	}
	how := ""
	if r.facts.emulation {
		how = "; software emulates processors where there is no /dev/kvm"
	}
	return passed("%s %s is deployed%s", name, kv.Status.ObservedKubeVirtVersion, how), nil
}

// conditions of any kind, which have the same fields.
func conditions[T any](list []T) []condition {
	raw, err := json.Marshal(list)
	var out []condition
	if err != nil || json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

func (r *run) handlers(ctx context.Context) (outcome, error) {
	if r.facts.namespace == "" {
		return skipped("KubeVirt is not deployed"), nil
	}
	var set appsv1.DaemonSet
	err := r.API.Get(ctx, daemonSets.Ref(r.facts.namespace, "virt-handler"), &set)
	if kube.NotFound(err) {
		return failed("no node runs virt-handler", "there is no DaemonSet "+r.facts.namespace+"/virt-handler",
			"see why virt-operator has not made it: oc -n "+r.facts.namespace+" logs deployment/virt-operator"), nil
	}
	if err != nil {
		return outcome{}, err
	}
	pods, err := r.pods(ctx, r.facts.namespace, virtv1.AppLabel+"=virt-handler")
	if err != nil {
		return outcome{}, err
	}
	r.facts.handlers = map[string]bool{}
	ready := 0
	var bad []string
	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			continue
		}
		r.facts.handlers[p.Spec.NodeName] = true
		for _, c := range p.Spec.InitContainers { // which finds out what QEMU can do there
			if c.Name == "virt-launcher" {
				r.facts.image = c.Image
			}
		}
		c := conditionOf(conditions(p.Status.Conditions), string(corev1.PodReady))
		if c.Status == "True" {
			ready++
			continue
		}
		why := c.String()
		if t := podTrouble(p); t != nil {
			why = t.cause
		}
		bad = append(bad, "pod "+p.Name+" on node "+p.Spec.NodeName+": "+why)
	}
	want := int(set.Status.DesiredNumberScheduled)
	switch next := fmt.Sprintf("oc -n %s get pods -o wide -l kubevirt.io=virt-handler", r.facts.namespace); {
	case want == 0:
		return failed("no node runs virt-handler", "DaemonSet "+r.facts.namespace+"/virt-handler fits no node",
			"look at the placement of workloads: spec.workloads of the KubeVirt or HyperConverged object"), nil
	case len(bad) > 0 || ready < want:
		if len(bad) == 0 {
			bad = []string{"pods are missing"}
		}
		return failed(fmt.Sprintf("virt-handler is ready on %d of %d nodes", ready, want), strings.Join(bad, "; "), next), nil
	}
	return passed("virt-handler is ready on %d of %d nodes", ready, want), nil
}
