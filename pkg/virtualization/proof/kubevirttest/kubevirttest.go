// Package kubevirttest is a cluster with KubeVirt and CDI for tests: an API whose controllers act at once, with the
// objects, conditions and reasons of the real ones.
package kubevirttest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/kube/kubetest"
)

// Faults are what goes wrong in the cluster. The zero value is one that works.
type Faults struct {
	Unschedulable string // the scheduler's message about pods of VMs
	PullError     string // the kubelet's message about container disks
	NoInstance    string // why virt-controller cannot make an instance
	SyncError     string // why virt-handler cannot start the guest
	Ends          bool   // the guest ends at once

	Mute        bool // the guest writes nothing to the console
	Boot        string
	BusyConsole int // so many connections are closed at once
	NoAgent     bool

	DiskPhase   string // at which a DataVolume stays
	DiskError   string // of the importer
	DiskEvent   string // reason of an event of the claim
	DiskMessage string

	NotMigratable    string // reason of condition LiveMigratable
	MigrationRefused string // by the webhook
	MigrationPhase   string // at which a migration stays, or Failed
	MigrationReason  string
	TargetPod        string // the scheduler's message about the pod on the target

	NoAddress   bool
	LateAddress bool // after a migration, an instance keeps the address of the pod which it has left, until Arrive
	ProbeCode   int
	ProbeStuck  string // why the container cannot be started
	Host        string // what nodes say of their hardware
	Finalizer   string // of VM instances, which nobody removes
	QuotaPolicy string // the message with which namespaces are refused
}

// Cluster is the cluster.
type Cluster struct {
	*kubetest.Cluster
	t testing.TB

	mu     sync.Mutex
	faults Faults
	conns  int
}

// Workers are the nodes that have virt-handler.
func Workers() []string { return []string{"worker-0", "worker-1"} }

// New starts a cluster with two workers, KubeVirt and CDI.
func New(t testing.TB, f Faults) *Cluster {
	t.Helper()
	c := &Cluster{Cluster: kubetest.NewCluster(t), t: t, faults: f}
	for _, k := range [][2]string{
		{"kubevirt.io/v1", "VirtualMachine"}, {"kubevirt.io/v1", "VirtualMachineInstance"},
		{"kubevirt.io/v1", "VirtualMachineInstanceMigration"}, {"kubevirt.io/v1", "KubeVirt"},
		{"cdi.kubevirt.io/v1beta1", "DataVolume"}, {"cdi.kubevirt.io/v1beta1", "DataSource"},
		{"cdi.kubevirt.io/v1beta1", "DataImportCron"}, {"hco.kubevirt.io/v1beta1", "HyperConverged"},
		{"apps/v1", "DaemonSet"}, {"image.openshift.io/v1", "ImageStream"},
	} {
		c.Serve(k[0], k[1], true)
	}
	c.Serve("cdi.kubevirt.io/v1beta1", "StorageProfile", false)
	c.Serve("storage.k8s.io/v1", "StorageClass", false)
	all := deployed
	for _, n := range Workers() {
		all += "\n---\n" + strings.ReplaceAll(worker, "NAME", n)
	}
	for text := range strings.SplitSeq(all, "\n---\n") {
		c.Put(text)
	}
	c.Admit(c.webhook)
	c.React(c.controllers)
	c.Upgrade("/console", "plain.kubevirt.io", c.console)
	return c
}

// Change changes what goes wrong from now on.
func (c *Cluster) Change(f Faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
}

func (c *Cluster) wrong() Faults {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faults
}

// deployed is what the operators have made.
const deployed = `{apiVersion: v1, kind: Namespace, metadata: {name: kubevirt-hyperconverged}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: openshift}}
---
apiVersion: image.openshift.io/v1
kind: ImageStream
metadata: {name: cli, namespace: openshift}
status: {tags: [{tag: latest, items: [{dockerImageReference: "quay.io/okd/scos-content@sha256:1"}]}]}
---
apiVersion: hco.kubevirt.io/v1beta1
kind: HyperConverged
metadata: {name: kubevirt-hyperconverged, namespace: kubevirt-hyperconverged}
status:
  versions: [{name: operator, version: 1.16.0}]
  conditions:
  - {type: Available, status: "True", reason: ReconcileCompleted, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: ReconcileComplete, status: "True", reason: ReconcileCompleted, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Progressing, status: "False", reason: ReconcileCompleted, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Degraded, status: "False", reason: ReconcileCompleted, lastTransitionTime: "2026-01-01T00:00:00Z"}
---
apiVersion: kubevirt.io/v1
kind: KubeVirt
metadata: {name: kubevirt-kubevirt-hyperconverged, namespace: kubevirt-hyperconverged}
status:
  phase: Deployed
  observedKubeVirtVersion: v1.6.0
  conditions:
  - {type: Available, status: "True", reason: AllComponentsReady, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Progressing, status: "False", reason: AllComponentsReady, lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Degraded, status: "False", reason: AllComponentsReady, lastTransitionTime: "2026-01-01T00:00:00Z"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: virt-handler, namespace: kubevirt-hyperconverged}
status: {desiredNumberScheduled: 2, numberReady: 2}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: hostpath, annotations: {storageclass.kubevirt.io/is-default-virt-class: "true"}}
provisioner: kubevirt.io.hostpath-provisioner
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: StorageProfile
metadata: {name: hostpath}
status:
  provisioner: kubevirt.io.hostpath-provisioner
  storageClass: hostpath
  claimPropertySets: [{accessModes: [ReadWriteOnce], volumeMode: Filesystem}]
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataSource
metadata:
  {name: fedora, namespace: kubevirt-hyperconverged, labels: {cdi.kubevirt.io/dataImportCron: fedora-image-cron}}
status: {conditions: [{type: Ready, status: "True", reason: Ready}]}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataImportCron
metadata: {name: fedora-image-cron, namespace: kubevirt-hyperconverged}
status: {conditions: [{type: Progressing, status: "False"}, {type: UpToDate, status: "True"}]}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataSource
metadata:
  {name: dropped, namespace: kubevirt-hyperconverged, labels: {cdi.kubevirt.io/dataImportCron: dropped-image-cron}}
status: {conditions: [{type: Ready, status: "False", reason: NoSource}]}
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataSource
metadata: {name: win11, namespace: kubevirt-hyperconverged}
status: {conditions: [{type: Ready, status: "False", reason: NoSource}]}`

const worker = `apiVersion: v1
kind: Node
metadata:
  name: NAME
  labels: {kubevirt.io/schedulable: "true", host-model-cpu.node.kubevirt.io/Skylake-Client: "true"}
  annotations: {kubevirt.io/heartbeat: "2026-01-01T00:00:00Z"}
status:
  allocatable: {devices.kubevirt.io/kvm: 1k, devices.kubevirt.io/tun: 1k, devices.kubevirt.io/vhost-net: 1k}
  conditions: [{type: Ready, status: "True"}]
---
apiVersion: v1
kind: Pod
metadata: {name: virt-handler-NAME, namespace: kubevirt-hyperconverged, labels: {kubevirt.io: virt-handler}}
spec: {nodeName: NAME, initContainers: [{name: virt-launcher, image: "quay.io/kubevirt/virt-launcher:v1.6.0"}]}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}`

// webhook refuses what KubeVirt's and the cluster's webhooks would.
func (c *Cluster) webhook(r kubetest.Request) *metav1.Status {
	f := c.wrong()
	deny := func(text string) *metav1.Status {
		return &metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden,
			Message: "admission webhook denied the request: " + text}
	}
	switch {
	case r.Method != http.MethodPost:
	case f.MigrationRefused != "" && strings.Contains(r.Path, "/virtualmachineinstancemigrations"):
		return deny(f.MigrationRefused)
	case f.QuotaPolicy != "" && strings.HasPrefix(r.Path, "/api/v1/namespaces/okd-install") &&
		strings.Count(r.Path, "/") == 4:
		return deny(f.QuotaPolicy)
	}
	return nil
}

// meta is what controllers read of an object.
type meta struct {
	Kind     string
	Metadata struct {
		Name, Namespace, UID string
		Labels               map[string]string
	}
	Spec struct {
		VMIName  string
		Template struct {
			Metadata struct{ Labels map[string]string }
		}
		Containers []struct{ Name, Image string }
	}
}

func (c *Cluster) controllers(path string) {
	raw, err := json.Marshal(c.Get(path))
	if err != nil {
		c.t.Error(err)
		return
	}
	var o meta
	if err := json.Unmarshal(raw, &o); err != nil {
		c.t.Error(err)
		return
	}
	f := c.wrong()
	switch {
	case o.Kind == "VirtualMachine":
		c.start(path, o, f)
	case o.Kind == "VirtualMachineInstanceMigration":
		c.migrate(path, o, f)
	case o.Kind == "DataVolume":
		c.fill(path, o, f)
	case o.Kind == "Service":
		c.Merge(path, "spec: {clusterIP: 172.30.0.77}")
	case o.Kind == "Pod" && strings.HasPrefix(o.Metadata.Name, "host-"):
		c.end(path, 0, cmp.Or(f.Host, "kvm=1 extension=1 guest=0 model=A CPU"))
	case o.Kind == "Pod" && o.Metadata.Name == "proof-probe":
		c.probe(path, f)
	}
}

func labelsOf(m map[string]string, more ...string) string {
	all := map[string]string{}
	for k, v := range m {
		all[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	raw, _ := yaml.Marshal(all)
	text, _ := yaml.YAMLToJSON(raw)
	return string(text)
}

// console is a guest behind virt-api.
func (c *Cluster) console(_ string, conn *websocket.Conn) {
	f := c.wrong()
	c.mu.Lock()
	c.conns++
	busy := c.conns <= f.BusyConsole
	c.mu.Unlock()
	if busy {
		return
	}
	if !f.Mute {
		text := f.Boot
		if text == "" {
			text = "SeaBIOS (version 1.16)\r\nBooting from Hard Disk...\r\n\x1b[2Jlogin: "
		}
		_ = conn.WriteMessage(websocket.BinaryMessage, []byte(text))
	}
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

// event stores a warning.
func (c *Cluster) event(namespace, kind, name, reason, message string) {
	c.Put(fmt.Sprintf(`{apiVersion: v1, kind: Event, metadata: {namespace: %s, name: %s.%s}, type: Warning, reason: %s,
  message: %q, involvedObject: {kind: %s, name: %s}, lastTimestamp: "2026-01-01T00:00:00Z"}`, namespace, name,
		strings.ToLower(reason), reason, message, kind, name))
}
