package proof_test

import (
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/virtualization/proof"
	"github.com/okd-install/okd-install/pkg/virtualization/proof/kubevirttest"
)

const (
	inKubeVirt = "/namespaces/kubevirt-hyperconverged/"
	hcPath     = "/apis/hco.kubevirt.io/v1beta1" + inKubeVirt + "hyperconvergeds/kubevirt-hyperconverged"
	kvPath     = "/apis/kubevirt.io/v1" + inKubeVirt + "kubevirts/kubevirt-kubevirt-hyperconverged"
	handler1   = "/api/v1" + inKubeVirt + "pods/virt-handler-worker-1"
	node0      = "/api/v1/nodes/worker-0"
	node1      = "/api/v1/nodes/worker-1"
	classPath  = "/apis/storage.k8s.io/v1/storageclasses/hostpath"
	profile    = "/apis/cdi.kubevirt.io/v1beta1/storageprofiles/hostpath"
	fedora     = "/apis/cdi.kubevirt.io/v1beta1" + inKubeVirt + "datasources/fedora"
)

func TestStaticChecks(t *testing.T) {
	const no, out = proof.Failed, proof.Skipped
	emulation := func(w *world) {
		w.Merge(kvPath, "spec: {configuration: {developerConfiguration: {useEmulation: true}}}")
	}
	noKVM := func(w *world) {
		for _, n := range []string{node0, node1} {
			w.Merge(n, `status: {allocatable: {devices.kubevirt.io/kvm: "0", devices.kubevirt.io/vhost-net: "0"}}`)
		}
	}
	for name, tt := range map[string]struct {
		change func(*world)
		check  string
		status proof.Status
		says   string // reason, cause and next step
		skips  string // another check, which is skipped then
	}{
		"HyperConverged degraded": {
			func(w *world) {
				w.Merge(hcPath, `status: {conditions: [{type: Degraded, status: "True", reason: SSPDegraded, message: boom,
  lastTransitionTime: "2026-02-02T00:00:00Z"}]}`)
			}, proof.HyperConverged, no, "Degraded is True: SSPDegraded: boom (since 2026-02-02T00:00:00Z)", "",
		},
		"no HyperConverged": {
			func(w *world) { w.Remove(hcPath) }, proof.HyperConverged, out, "there is no HyperConverged", "",
		},
		"no KubeVirt": {
			func(w *world) { w.Remove(kvPath) }, proof.KubeVirt, no, "not deployed: the cluster has no", proof.Running,
		},
		"KubeVirt deploying": {
			func(w *world) { w.Merge(kvPath, "status: {phase: Deploying}") }, proof.KubeVirt, no, "phase is Deploying", "",
		},
		"a handler that crashes": {
			func(w *world) {
				w.Merge(handler1, `status: {conditions: [{type: Ready, status: "False"}], containerStatuses: [{name: virt-handler,
  state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2, reason: Error}}}]}`)
			}, proof.Handlers, no, "1 of 2 nodes: pod virt-handler-worker-1 on node worker-1: pod kubevirt-hyperconverged/" +
				"virt-handler-worker-1: container virt-handler waits: CrashLoopBackOff: ; it ended with code 2 Error", "",
		},
		"a handler that is missing": {
			func(w *world) { w.Remove(handler1) }, proof.Handlers, no, "1 of 2 nodes: pods are missing", "",
		},
		"a node that takes no VMs": {
			func(w *world) { w.Merge(node1, `metadata: {labels: {kubevirt.io/schedulable: "false"}}`) }, proof.Nodes, no,
			`node worker-1 has label kubevirt.io/schedulable="false"; virt-handler reported last at "2026-01-01T00:00:00Z"`,
			proof.Migration,
		},
		"cordoned": {
			func(w *world) { w.Merge(node1, "spec: {unschedulable: true}") }, proof.Nodes, proof.Passed,
			"on worker-0; worker-1 is cordoned", proof.Migration,
		},
		"tainted": {
			func(w *world) { w.Merge(node1, "spec: {taints: [{key: node-role, effect: NoSchedule}]}") }, proof.Nodes,
			proof.Passed, "on worker-0; worker-1 has taint node-role:NoSchedule", proof.Migration,
		},
		"all cordoned": {
			func(w *world) {
				w.Merge(node0, "spec: {unschedulable: true}")
				w.Merge(node1, "spec: {unschedulable: true}")
			}, proof.Nodes, no, "worker-0 is cordoned, worker-1 is cordoned", proof.Running,
		},
		"no KVM on one": {
			func(w *world) { w.Merge(node1, "status: {allocatable: {devices.kubevirt.io/kvm: null}}") }, proof.Devices, no,
			"node worker-1 offers no devices.kubevirt.io/kvm", proof.Migration,
		},
		"no KVM, and why not": {
			func(w *world) {
				noKVM(w)
				w.Change(kubevirttest.Faults{Host: "kvm=0 extension=0 guest=1 model=QEMU Virtual CPU version 2.5+"})
			}, proof.Hosts, no, "worker-0, worker-1 cannot run VMs in hardware: node worker-0: it is a VM, and its hypervisor " +
				"hands no VT-x or AMD-V through (QEMU Virtual CPU version 2.5+)", proof.Running,
		},
		"no KVM on one, which has it": {
			func(w *world) { w.Merge(node1, "status: {allocatable: {devices.kubevirt.io/kvm: null}}") }, proof.Hosts, no,
			"worker-1 cannot run VMs in hardware: node worker-1: its kernel has KVM, but virt-handler does not", "",
		},
		"no KVM, and no sense": {
			func(w *world) { noKVM(w); w.Change(kubevirttest.Faults{Host: "bash: not found"}) }, proof.Hosts, no,
			`"bash: not found" is not what the pod writes`, "",
		},
		"no KVM": {noKVM, proof.Devices, no, "nested virtualization", proof.Running},
		"no KVM, emulated": {
			func(w *world) { noKVM(w); emulation(w) }, proof.Devices, proof.Passed, "as allowed, on worker-0, worker-1", "",
		},
		"no tun, emulated": {
			func(w *world) {
				emulation(w)
				w.Merge(node1, "status: {allocatable: {devices.kubevirt.io/tun: null}}")
			}, proof.Devices, no, "node worker-1 offers no devices.kubevirt.io/tun", "",
		},
		"an obsolete processor": {
			func(w *world) {
				w.Merge(node1, `metadata: {labels: {node-labeller.kubevirt.io/obsolete-host-model: "true"}}`)
			},
			proof.CPU, no, "do not start on worker-1", "",
		},
		"an unknown processor": {
			func(w *world) {
				w.Merge(node1, "metadata: {labels: {host-model-cpu.node.kubevirt.io/Skylake-Client: null}}")
			},
			proof.CPU, no, "the processor of worker-1 is not known", "",
		},
		"different processors": {
			func(w *world) {
				w.Merge(node1, `metadata: {labels: {host-model-cpu.node.kubevirt.io/Skylake-Client: null,
  host-model-cpu.node.kubevirt.io/EPYC: "true"}}`)
			}, proof.CPU, proof.Passed, "EPYC on worker-1; Skylake-Client on worker-0; VMs with CPU model host-model " +
				"migrate", "",
		},
		"no default class": {
			func(w *world) { w.Merge(classPath, "metadata: {annotations: null}") }, proof.StorageProfiles, no,
			"no StorageClass is the default", "",
		},
		"no default class for the disk": {
			func(w *world) { w.Merge(classPath, "metadata: {annotations: null}") }, proof.Volume, no,
			"is-default-virt-class", "",
		},
		"an unknown driver": {
			func(w *world) { w.Merge(profile, "status: {claimPropertySets: null}") }, proof.StorageProfiles, no,
			"no status.claimPropertySets; its provisioner is \"kubevirt.io.hostpath-provisioner\"", "",
		},
		"no golden image": {
			func(w *world) {
				w.Merge(fedora, `status: {conditions: [{type: Ready, status: "False", reason: NoPVC, message: no PVC}]}`)
			}, proof.DataSources, no, "DataSource kubevirt-hyperconverged/fedora: condition Ready is False: NoPVC", "",
		},
		"a golden image that is being imported": {
			func(w *world) {
				w.importing(`status: {phase: ImportInProgress, conditions: [{type: Running, status: "True"}]}`)
			}, proof.DataSources, out, "still being imported: fedora", "",
		},
		"a golden image that cannot be imported": {
			func(w *world) {
				w.importing(`status: {phase: ImportInProgress, restartCount: 1, conditions: [{type: Running, status: "False",
  reason: Error, message: "Unable to connect to registry: no such host"}]}`)
			}, proof.DataSources, no, "Running is False: Error: Unable to connect to registry: no such host", "",
		},
		"no golden images": {
			func(w *world) { w.Remove(fedora) }, proof.DataSources, out, "no golden images", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kubevirttest.Faults{})
			tt.change(w)
			r := w.Run(t.Context())
			got := find(t, r, tt.check)
			if got.Status != tt.status || !strings.Contains(got.Reason+": "+got.Cause+": "+got.Next, tt.says) {
				t.Errorf("%+v\nwant %s, %q", got, tt.status, tt.says)
			}
			if tt.skips != "" && find(t, r, tt.skips).Status != out {
				t.Errorf("%+v", find(t, r, tt.skips))
			}
			if left := w.namespaces(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// importing is a DataImportCron whose disk is not filled yet.
func (w *world) importing(disk string) {
	w.Merge(fedora, `status: {conditions: [{type: Ready, status: "False", reason: NoPVC, message: no PVC}]}`)
	w.Merge("/apis/cdi.kubevirt.io/v1beta1/namespaces/kubevirt-hyperconverged/dataimportcrons/fedora-image-cron",
		`status: {conditions: [{type: Progressing, status: "True"}]}`)
	w.Merge(w.Put(`{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, metadata: {name: fedora-1,
  namespace: kubevirt-hyperconverged, labels: {cdi.kubevirt.io/dataImportCron: fedora-image-cron}}}`), disk)
}

// What is not well at once may be well in a moment.
func TestStaticChecksSettle(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{})
	w.Merge(kvPath, "status: {phase: Deploying}")
	w.Clock.(*jumping).at(5*time.Second, func() { w.Merge(kvPath, "status: {phase: Deployed}") })
	r := w.Run(t.Context())
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestLeaveOut(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{})
	w.Options.Skip = proof.Optional()
	r := w.Run(t.Context())
	if r.Err() != nil || r.Count(proof.Skipped) != len(proof.Optional()) {
		t.Errorf("%v, %+v", r.Err(), r.Results)
	}
}

func TestHosts(t *testing.T) {
	w := newWorld(t, kubevirttest.Faults{Host: "kvm=0 extension=1 guest=0 model=A CPU"})
	hosts, err := w.Hosts(t.Context(), kubevirttest.Workers(), "")
	if err != nil || len(hosts) != 2 || hosts[1].Node != "worker-1" || !strings.Contains(hosts[1].Why(), "kvm_intel") {
		t.Errorf("%+v, %v", hosts, err)
	}
	if left := w.namespaces(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	w.Change(kubevirttest.Faults{Host: "kvm=maybe"})
	if _, err := w.Hosts(t.Context(), kubevirttest.Workers(), "quay.io/x"); err == nil || exit.Next(err) == "" {
		t.Errorf("nonsense: %v", err)
	}
	if left := w.namespaces(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Nodes are asked before there is KubeVirt, and only those for VMs.
func TestHardware(t *testing.T) {
	without := kubevirttest.Faults{Host: "kvm=0 extension=0 guest=1 model=A CPU"}
	for name, tt := range map[string]struct {
		faults  kubevirttest.Faults
		there   bool // KubeVirt is
		labels  string
		warning string
		err     string
	}{
		"KVM":             {faults: kubevirttest.Faults{Host: "kvm=1 extension=1 guest=0 model=A CPU"}},
		"no KVM":          {faults: without, err: "node worker-0: it is a VM"},
		"KubeVirt":        {faults: without, there: true},
		"no such node":    {faults: without, labels: "other"},
		"nodes say what?": {faults: kubevirttest.Faults{Host: "nonsense"}, warning: "not asked whether they have /dev/kvm"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.faults)
			if !tt.there {
				w.Remove(kvPath)
			}
			for _, n := range kubevirttest.Workers() {
				w.Merge("/api/v1/nodes/"+n, `metadata: {labels: {node-role.kubernetes.io/worker: "", for: vms}}`)
			}
			if tt.labels == "" {
				tt.labels = "vms"
			}
			warning, err := w.Hardware(t.Context(), map[string]string{"for": tt.labels})
			if !strings.Contains(warning, tt.warning) || (warning == "") != (tt.warning == "") {
				t.Errorf("warning %q", warning)
			}
			if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) ||
				exit.Code(err) != exit.Install || exit.Next(err) == "") {
				t.Errorf("error %v", err)
			}
			if left := w.namespaces(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}
