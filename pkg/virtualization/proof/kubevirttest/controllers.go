package kubevirttest

import (
	"fmt"
	"strings"
)

const (
	launcher = "quay.io/kubevirt/virt-launcher:v1.6.0"
	moment   = "2026-01-01T00:00:00Z"

	// The addresses of a VM's pods, before and after a migration.
	sourceAddress, targetAddress = "10.128.2.7", "10.128.3.9"
)

// start makes the instance of a VM, and its pod.
func (c *Cluster) start(path string, vm meta, f Faults) {
	if f.NoInstance != "" {
		c.Merge(path, fmt.Sprintf(`status: {printableStatus: Starting, conditions: [
  {type: Failure, status: "True", reason: FailedCreate, message: %q, lastTransitionTime: %q}]}`, f.NoInstance, moment))
		return
	}
	ns, name := vm.Metadata.Namespace, vm.Metadata.Name
	finalizers := "[]"
	if f.Finalizer != "" {
		finalizers = "[" + f.Finalizer + "]"
	}
	vmi := c.Put(fmt.Sprintf(`
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata:
  name: %s
  namespace: %s
  labels: %s
  finalizers: %s
  ownerReferences: [{apiVersion: kubevirt.io/v1, kind: VirtualMachine, name: %s, uid: %s, controller: true}]
status: {phase: Scheduling, phaseTransitionTimestamps: [{phase: Scheduling, phaseTransitionTimestamp: %q}]}
`, name, ns, labelsOf(vm.Spec.Template.Metadata.Labels), finalizers, name, vm.Metadata.UID, moment))
	pod := c.launcher(ns, name, "a", labelsOf(vm.Spec.Template.Metadata.Labels, "kubevirt.io", "virt-launcher"), vmi)
	switch {
	case f.Unschedulable != "":
		c.unschedulable(pod, f.Unschedulable)
		c.Merge(vmi, fmt.Sprintf(`status: {conditions: [{type: PodScheduled, status: "False", reason: Unschedulable,
  message: %q, lastTransitionTime: %q}]}`, f.Unschedulable, moment))
		c.Merge(path, "status: {printableStatus: ErrorUnschedulable}")
	case f.PullError != "":
		c.Merge(pod, fmt.Sprintf(`status: {phase: Pending, initContainerStatuses: [{name: volumeroot-init, image: disk,
  state: {waiting: {reason: ImagePullBackOff, message: %q}}}]}`, f.PullError))
		c.Merge(path, "status: {printableStatus: ImagePullBackOff}")
	case f.SyncError != "":
		c.Merge(vmi, fmt.Sprintf(`status: {phase: Scheduled, nodeName: worker-0, conditions: [{type: Synchronized,
  status: "False", reason: Synchronizing with the Domain failed., message: %q, lastTransitionTime: %q}]}`, f.SyncError,
			moment))
	case f.Ends:
		c.Merge(vmi, `status: {phase: Failed, nodeName: worker-0}`)
		c.event(ns, "VirtualMachineInstance", name, "Stopped", "The VirtualMachineInstance crashed.")
	default:
		c.run(path, vmi, pod, f)
	}
}

// run has virt-handler start the guest.
func (c *Cluster) run(vm, vmi, pod string, f Faults) {
	able := `{type: LiveMigratable, status: "True"}`
	if f.NotMigratable != "" {
		able = fmt.Sprintf(`{type: LiveMigratable, status: "False", reason: %s, message: "cannot migrate VMI"}`,
			f.NotMigratable)
	}
	if !f.NoAgent {
		able += `, {type: AgentConnected, status: "True"}`
	}
	address := sourceAddress
	if f.NoAddress {
		address = ""
	}
	c.Merge(pod, fmt.Sprintf(`{spec: {nodeName: worker-0}, status: {phase: Running, podIP: %s,
  conditions: [{type: Ready, status: "True"}]}}`, sourceAddress))
	c.Merge(vmi, fmt.Sprintf(`status: {phase: Running, nodeName: worker-0, guestOSInfo: {prettyName: Fedora Linux 42},
  interfaces: [{name: default, ipAddress: %q}], conditions: [{type: Ready, status: "True"}, %s]}`, address, able))
	c.Merge(vm, "status: {printableStatus: Running, ready: true}")
}

func (c *Cluster) launcher(ns, vmi, suffix, labels, owner string) string {
	uid, _ := c.Get(owner)["metadata"].(map[string]any)["uid"].(string)
	return c.Put(fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  name: virt-launcher-%s-%s
  namespace: %s
  labels: %s
  ownerReferences: [{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: %s, uid: %s, controller: true}]
spec: {containers: [{name: compute, image: "%s"}]}
status: {phase: Pending}
`, vmi, suffix, ns, labels, vmi, uid, launcher))
}

func (c *Cluster) unschedulable(pod, message string) {
	c.Merge(pod, fmt.Sprintf(`status: {phase: Pending, conditions: [{type: PodScheduled, status: "False",
  reason: Unschedulable, message: %q, lastTransitionTime: %q}]}`, message, moment))
}

// migrate moves an instance to the other worker.
func (c *Cluster) migrate(path string, m meta, f Faults) {
	vmi := "/apis/kubevirt.io/v1/namespaces/" + m.Metadata.Namespace + "/virtualmachineinstances/" + m.Spec.VMIName
	pod := c.launcher(m.Metadata.Namespace, m.Spec.VMIName, "b",
		labelsOf(m.Metadata.Labels, "kubevirt.io", "virt-launcher", "kubevirt.io/migrationJobUID", m.Metadata.UID), vmi)
	switch {
	case f.TargetPod != "":
		c.unschedulable(pod, f.TargetPod)
		c.Merge(path, "status: {phase: Scheduling}")
	case f.MigrationPhase != "":
		c.Merge(path, fmt.Sprintf(`status: {phase: %s}`, f.MigrationPhase))
		c.Merge(vmi, fmt.Sprintf(`status: {migrationState: {failed: true, failureReason: %q}}`, f.MigrationReason))
	default:
		left := "/api/v1/namespaces/" + m.Metadata.Namespace + "/pods/virt-launcher-" + m.Spec.VMIName + "-a"
		c.Merge(left, `status: {phase: Succeeded}`)
		c.Merge(pod, fmt.Sprintf(`{spec: {nodeName: worker-1}, status: {phase: Running, podIP: %s}}`, targetAddress))
		c.Merge(path, "status: {phase: Succeeded}")
		c.Merge(vmi, "status: {nodeName: worker-1, migrationState: {completed: true}}")
		if !f.LateAddress && !f.NoAddress {
			c.Arrive(vmi)
		}
	}
}

// Arrive has virt-handler learn the address of the pod to which an instance has moved.
func (c *Cluster) Arrive(vmi string) {
	c.Merge(vmi, fmt.Sprintf(`status: {interfaces: [{name: default, ipAddress: %s}]}`, targetAddress))
}

// fill has CDI make a disk.
func (c *Cluster) fill(path string, dv meta, f Faults) {
	ns, name := dv.Metadata.Namespace, dv.Metadata.Name
	c.Put(fmt.Sprintf(`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {namespace: %s, name: %s, ownerReferences: [
  {apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, name: %s, uid: %s}]}, spec: {storageClassName: hostpath}}`,
		ns, name, name, dv.Metadata.UID))
	switch {
	case f.DiskEvent != "":
		c.event(ns, "PersistentVolumeClaim", name, f.DiskEvent, f.DiskMessage)
		c.Merge(path, `status: {phase: Pending, conditions: [{type: Bound, status: "False", reason: Pending}]}`)
	case f.DiskError != "":
		c.Merge(path, fmt.Sprintf(`status: {phase: %s, restartCount: 1, conditions: [{type: Running, status: "False",
  reason: Error, message: %q, lastTransitionTime: %q}]}`, f.DiskPhase, f.DiskError, moment))
	case f.DiskPhase != "":
		c.Merge(path, "status: {phase: "+f.DiskPhase+"}")
	default:
		c.Merge(path, `status: {phase: Succeeded, conditions: [{type: Ready, status: "True"}]}`)
	}
}

// probe has a kubelet run the pod that connects to the guest.
func (c *Cluster) probe(path string, f Faults) {
	if f.ProbeStuck != "" {
		c.Merge(path, fmt.Sprintf(`status: {phase: Pending, containerStatuses: [{name: probe, state: {waiting:
  {reason: CreateContainerError, message: %q}}}]}`, f.ProbeStuck))
		return
	}
	args := fmt.Sprint(c.Get(path)["spec"])
	here := sourceAddress
	moved, _ := c.Get(strings.TrimSuffix(path, "proof-probe") + "virt-launcher-proof-b")["status"].(map[string]any)
	if moved["podIP"] != nil {
		here = targetAddress // nobody answers at the other one any more
	}
	code, said := f.ProbeCode, here+" port 22 says SSH-2.0-OpenSSH_9.9"
	if code == 0 && (!strings.Contains(args, here) || !strings.Contains(args, "172.30.0.77")) {
		code = 3
	}
	if code != 0 {
		said = here + " port 22: Connection refused"
	}
	c.end(path, code, said)
}

// end has the container of a pod end.
func (c *Cluster) end(path string, code int, said string) {
	c.Merge(path, fmt.Sprintf(`status: {containerStatuses: [{name: probe, state: {terminated: {exitCode: %d,
  reason: Completed, message: %q}}}]}`, code, said))
}
