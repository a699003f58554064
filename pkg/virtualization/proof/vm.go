package proof

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	virtv1 "kubevirt.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

const (
	vmName       = "proof"
	startTime    = 5 * time.Minute // for the VM; facts section 8 suggests it
	emulatedTime = 15 * time.Minute
	// syncTime is how long virt-handler may fail to bring a VM up, which it tries again and again.
	syncTime = 30 * time.Second
)

// budget is for what depends on the speed of the guest.
func (r *run) budget() time.Duration {
	switch {
	case r.Options.Timeout > 0:
		return r.Options.Timeout
	case r.facts.emulation:
		return emulatedTime
	}
	return startTime
}

// dynamic does the checks that make something.
func (r *run) dynamic(ctx context.Context) {
	made := []string{Running, Console, Guest, Volume, Migration, Reachability}
	why := r.impossible()
	if why != "" && (len(r.facts.bare) == 0 || r.facts.emulation) { // nothing is to be made
		r.record(ctx, Leftovers, r.leftovers)
		r.record(ctx, Hosts, r.hosts)
		r.skip(ctx, why, append(made, CleanUp)...)
		return
	}
	if f := r.makeNamespace(ctx); f != nil {
		r.record(ctx, Running, func(ctx context.Context) outcome { return under(ctx, f, "no VM was made") })
		r.skip(ctx, "there is no namespace for it", append(made[1:], Leftovers, Hosts)...)
	} else {
		stop := r.keepAlive(ctx)
		r.inNamespace(ctx, why)
		stop()
	}
	r.recordAlways(ctx, CleanUp, r.cleanUp)
}

// impossible is why no VM can run, empty if one may.
func (r *run) impossible() string {
	switch {
	case r.facts.namespace == "":
		return "KubeVirt is not deployed"
	case len(r.facts.nodes) == 0:
		return "no node can run a VM"
	}
	return ""
}

// inNamespace does the checks in the run's namespace. The disk is made, leftovers are removed and nodes are asked while
// the VM boots. A reason why not keeps it from being made.
func (r *run) inNamespace(ctx context.Context, why string) {
	var beside sync.WaitGroup
	beside.Go(func() { r.record(ctx, Leftovers, r.leftovers) })
	beside.Go(func() { r.record(ctx, Hosts, r.hosts) })
	if why != "" {
		r.skip(ctx, why, Running, Console, Guest, Volume, Migration, Reachability)
	} else {
		beside.Go(func() { r.record(ctx, Volume, r.volume) })
		r.withVM(ctx)
	}
	beside.Wait()
}

func (r *run) withVM(ctx context.Context) {
	r.record(ctx, Running, r.running)
	if r.status(Running) != Passed {
		r.skip(ctx, "the VM does not run", Console, Guest, Migration, Reachability)
		return
	}
	r.record(ctx, Console, r.consoleBytes)
	r.record(ctx, Guest, r.guest)
	if r.console != nil {
		r.console.close()
	}
	r.record(ctx, Migration, r.migrate)
	r.record(ctx, Reachability, r.reach)
}

// recordAlways is record for what must be done even if ctx has ended.
func (r *run) recordAlways(ctx context.Context, name string, check func(context.Context) outcome) {
	begun := r.Clock.Now()
	r.keep(name, check(ctx), begun)
}

func (r *run) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: r.namespace, Name: name, Labels: r.labels()}
}

// machine is the VM: one processor, a container disk, and the pods' network behind masquerade. The empty cloud-init
// disk keeps the guest from looking for one on the network.
func (r *run) machine() *virtv1.VirtualMachine {
	strategy := virtv1.RunStrategyAlways
	grace := int64(0)
	memory := r.Options.Memory
	disk := func(name string) virtv1.Disk {
		return virtv1.Disk{Name: name, DiskDevice: virtv1.DiskDevice{Disk: &virtv1.DiskTarget{Bus: virtv1.DiskBusVirtio}}}
	}
	return &virtv1.VirtualMachine{
		TypeMeta:   metav1.TypeMeta{APIVersion: "kubevirt.io/v1", Kind: "VirtualMachine"},
		ObjectMeta: r.meta(vmName),
		Spec: virtv1.VirtualMachineSpec{
			RunStrategy: &strategy,
			Template: &virtv1.VirtualMachineInstanceTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: r.labels()},
				Spec: virtv1.VirtualMachineInstanceSpec{
					TerminationGracePeriodSeconds: &grace,
					Domain: virtv1.DomainSpec{
						CPU:    &virtv1.CPU{Cores: 1},
						Memory: &virtv1.Memory{Guest: &memory},
						Devices: virtv1.Devices{
							Disks: []virtv1.Disk{disk("root"), disk("init")},
							Rng:   &virtv1.Rng{},
							Interfaces: []virtv1.Interface{{Name: "default", InterfaceBindingMethod: virtv1.InterfaceBindingMethod{
								Masquerade: &virtv1.InterfaceMasquerade{}}}},
						},
					},
					Networks: []virtv1.Network{{Name: "default", NetworkSource: virtv1.NetworkSource{Pod: &virtv1.PodNetwork{}}}},
					Volumes: []virtv1.Volume{
						{Name: "root", VolumeSource: virtv1.VolumeSource{
							ContainerDisk: &virtv1.ContainerDiskSource{Image: r.Options.Image}}},
						{Name: "init", VolumeSource: virtv1.VolumeSource{
							CloudInitNoCloud: &virtv1.CloudInitNoCloudSource{UserData: "#cloud-config\n{}\n"}}},
					},
				},
			},
		},
	}
}

// create makes an object. An API that is away is asked again; one that has answered may have made it.
func (r *run) create(ctx context.Context, k kube.Kind, name string, object func() any) *fault {
	return r.ask(ctx, "create "+k.Ref(r.namespace, name).String(), func(ctx context.Context) error {
		err := r.API.Create(ctx, k, r.namespace, object())
		if apierrors.IsAlreadyExists(err) { // by a request whose answer was lost: the namespace is ours
			return nil
		}
		return err
	})
}

// running makes the VM and waits until it runs.
func (r *run) running(ctx context.Context) outcome {
	if f := r.create(ctx, machines, vmName, func() any { return r.machine() }); f != nil {
		return under(ctx, f, "no VM was made")
	}
	f := r.until(ctx, r.budget(), Running, r.lookRunning)
	if f != nil {
		return under(ctx, r.explain(ctx, f, vmName, "virt-launcher-"+vmName), "VM %s/%s does not run", r.namespace, vmName)
	}
	var vmi *virtv1.VirtualMachineInstance
	f = r.ask(ctx, "read the running VM", func(ctx context.Context) (err error) {
		vmi, err = r.instance(ctx)
		return err
	})
	if f != nil {
		return under(ctx, f, "the running VM was not read")
	}
	how := ""
	if r.facts.emulation {
		how = "; software may emulate its processor"
	}
	return passed("VM %s/%s from %s runs on node %s%s", r.namespace, vmName, r.Options.Image, vmi.Status.NodeName, how)
}

func (r *run) instance(ctx context.Context) (*virtv1.VirtualMachineInstance, error) {
	var vmi virtv1.VirtualMachineInstance
	err := r.API.Get(ctx, instances.Ref(r.namespace, vmName), &vmi)
	return &vmi, err
}

func (r *run) lookRunning(ctx context.Context) (seen, error) {
	var vm virtv1.VirtualMachine
	err := r.API.Get(ctx, machines.Ref(r.namespace, vmName), &vm)
	if kube.NotFound(err) {
		return broken("somebody has deleted the VM", "virtualmachines "+r.namespace+"/"+vmName+" is gone",
			"leave the namespaces of the test alone, and run the same command again: "+r.Options.Again), nil
	}
	if err != nil {
		return seen{}, err
	}
	vmi, err := r.instance(ctx)
	switch {
	case kube.NotFound(err):
		return lookMachine(vm), nil
	case err != nil:
		return seen{}, err
	case vmi.Status.Phase == virtv1.Running:
		return seen{}, nil
	}
	got := lookInstance(*vmi)
	if vm.Status.PrintableStatus == virtv1.VirtualMachineStatusCrashLoopBackOff {
		return seen{got.missing, &trouble{fault: fault{"it stops again and again", got.missing, logs(r.namespace)}}}, nil
	}
	pods, err := r.pods(ctx, r.namespace, virtv1.AppLabel+"=virt-launcher,"+testLabel+"="+r.id)
	if err != nil {
		return seen{}, err
	}
	for _, p := range pods {
		if t := podTrouble(p); t != nil {
			return seen{got.missing + "; " + t.cause, t}, nil
		}
	}
	return got, nil
}

func logs(namespace string) string {
	return "oc -n " + namespace + " logs -l kubevirt.io=virt-launcher -c compute; oc logs -n NAMESPACE -l kubevirt.io=" +
		"virt-handler, where KubeVirt is"
}

// lookMachine is a VM of which there is no instance yet.
func lookMachine(vm virtv1.VirtualMachine) seen {
	text := fmt.Sprintf("VirtualMachine %s/%s: status %q%s", vm.Namespace, vm.Name, vm.Status.PrintableStatus,
		kube.Since(vm.CreationTimestamp.Time))
	list := conditions(vm.Status.Conditions)
	if c := conditionOf(list, string(virtv1.VirtualMachineFailure)); c.Status == "True" {
		return seen{text + "; " + c.String(), &trouble{fault: fault{"its instance cannot be made", c.String(),
			"the message names what refused it, such as a quota or a webhook"}, kind: "failure", last: lasting}}
	}
	if c := conditionOf(list, string(virtv1.VirtualMachineReady)); c.Reason != "" {
		text += "; " + c.String()
	}
	return seen{missing: text + "; see that virt-controller is ready"}
}

// lookInstance is an instance that does not run yet.
func lookInstance(vmi virtv1.VirtualMachineInstance) seen {
	var since time.Time
	for _, t := range vmi.Status.PhaseTransitionTimestamps {
		if t.Phase == vmi.Status.Phase {
			since = t.PhaseTransitionTimestamp.Time
		}
	}
	text := fmt.Sprintf("VirtualMachineInstance %s/%s: phase %s%s", vmi.Namespace, vmi.Name, vmi.Status.Phase,
		kube.Since(since))
	list := conditions(vmi.Status.Conditions)
	for _, c := range list {
		if c.Status == "False" && c.Type != string(virtv1.VirtualMachineInstanceReady) {
			text += "; " + c.String()
		}
	}
	if vmi.Status.Phase == virtv1.Failed || vmi.Status.Phase == virtv1.Succeeded {
		return seen{text, &trouble{fault: fault{"its instance has ended", text, logs(vmi.Namespace)}}}
	}
	if c := conditionOf(list, string(virtv1.VirtualMachineInstanceSynchronized)); c.Status == "False" {
		return seen{text, &trouble{fault: fault{"KubeVirt cannot start it", c.String(), logs(vmi.Namespace)}, kind: "sync",
			last: syncTime}}
	}
	return seen{missing: text}
}
