package stacktest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	images = "kubevirt-os-images"
	// class is what the operator leaves behind when it goes.
	class = "/apis/scheduling.k8s.io/v1/priorityclasses/kubevirt-cluster-critical"
)

// made are the definitions that the operators make themselves.
var made = []struct {
	group, version, kind, plural string
	namespaced                   bool
}{
	{"kubevirt.io", "v1", "VirtualMachine", "virtualmachines", true},
	{"kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances", true},
	{"cdi.kubevirt.io", "v1beta1", "DataVolume", "datavolumes", true},
	{"cdi.kubevirt.io", "v1beta1", "DataSource", "datasources", true},
	{"cdi.kubevirt.io", "v1beta1", "DataImportCron", "dataimportcrons", true},
	{"cdi.kubevirt.io", "v1beta1", "StorageProfile", "storageprofiles", false},
}

func (s *Stack) hyperConverged() {
	s.each("hco.kubevirt.io/v1beta1", "hyperconvergeds", func(o object) {
		switch {
		case o.GetDeletionTimestamp() != nil:
			s.dismantle(o)
		case len(o.GetFinalizers()) == 0:
			s.Merge(o.path, "metadata: {finalizers: [kubevirt.io/hyperconverged]}")
		case !s.turn(o, 1):
			s.Merge(o.path, "status: {conditions: ["+condition("ReconcileComplete", "False", "Init", "")+", "+
				condition("Available", "False", "Init", "Initializing HyperConverged cluster")+"]}")
		default:
			s.parts(o)
		}
	})
}

// parts makes what HyperConverged consists of.
func (s *Stack) parts(o object) {
	in := "namespace: " + o.GetNamespace()
	for _, d := range made {
		if s.Get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+d.plural+"."+d.group) == nil {
			s.define(d.group, d.version, d.kind, d.plural, d.namespaced)
		}
	}
	if s.Get(class) == nil {
		s.Put("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: kubevirt-cluster-critical, labels: " +
			"{app.kubernetes.io/managed-by: hco-operator}}, value: 1000000000}")
	}
	for _, child := range []string{
		"{apiVersion: kubevirt.io/v1, kind: KubeVirt, metadata: {name: kubevirt-kubevirt-hyperconverged, " + in + "}}",
		"{apiVersion: cdi.kubevirt.io/v1beta1, kind: CDI, metadata: {name: cdi-kubevirt-hyperconverged}}",
		"{apiVersion: networkaddonsoperator.network.kubevirt.io/v1, kind: NetworkAddonsConfig, metadata: {name: cluster}}",
		"{apiVersion: ssp.kubevirt.io/v1beta2, kind: SSP, metadata: {name: ssp-kubevirt-hyperconverged, " + in + "}}",
	} {
		s.settle(s.putNew(child))
	}
	s.nodes()
	if on, set, _ := unstructured.NestedBool(o.Object, "spec", "enableCommonBootImageImport"); on || !set {
		s.imports()
	}
	degraded := condition("Degraded", "False", "AsExpected", "")
	available := "True"
	cnao := "/apis/networkaddonsoperator.network.kubevirt.io/v1/networkaddonsconfigs/cluster"
	if s.wrong().Degraded {
		available = "False"
		degraded = condition("Degraded", "True", "NetworkAddonsConfigDegraded", "NetworkAddonsConfig is degraded")
		s.Merge(cnao, "status: {conditions: ["+
			condition("Degraded", "True", "Failing", "bridge-marker: image is missing")+", "+
			condition("Available", "False", "Failing", "")+"]}")
	}
	s.Merge(o.path, fmt.Sprintf("status: {observedGeneration: %d, systemHealthStatus: healthy, conditions: "+
		"[%s, %s, %s, %s]}", o.GetGeneration(), condition("ReconcileComplete", "True", "ReconcileCompleted", ""),
		condition("Available", available, "", ""), condition("Progressing", "False", "", ""), degraded))
}

// putNew stores an object unless it exists. It returns its path.
func (s *Stack) putNew(manifest string) string {
	if p := s.paths[manifest]; p != "" && s.Get(p) != nil {
		return p
	}
	s.paths[manifest] = s.Put(manifest)
	return s.paths[manifest]
}

func (s *Stack) nodes() {
	kvm := "'1k'"
	if s.wrong().NoKVM {
		kvm = "'0'"
	}
	s.each("v1", "nodes", func(n object) {
		s.Merge(n.path, "{metadata: {labels: {kubevirt.io/schedulable: 'true'}}, status: {allocatable: "+
			"{devices.kubevirt.io/kvm: "+kvm+", devices.kubevirt.io/tun: '1k'}}}")
	})
}

// imports makes profiles of classes, and a golden image.
func (s *Stack) imports() {
	def := ""
	s.each("storage.k8s.io/v1", "storageclasses", func(c object) {
		s.putNew("{apiVersion: cdi.kubevirt.io/v1beta1, kind: StorageProfile, metadata: {name: " + c.GetName() + "}, " +
			"status: {provisioner: " + c.text("provisioner") + ", claimPropertySets: [{accessModes: [ReadWriteOnce]}]}}")
		if c.GetAnnotations()["storageclass.kubevirt.io/is-default-virt-class"] == "true" {
			def = c.GetName()
		}
	})
	if s.Get("/api/v1/namespaces/"+images) == nil {
		s.Put("{apiVersion: v1, kind: Namespace, metadata: {name: " + images + "}}")
	}
	cron := "/apis/cdi.kubevirt.io/v1beta1/namespaces/" + images + "/dataimportcrons/fedora-image-cron"
	if s.Get(cron) == nil {
		s.Put("{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataImportCron, metadata: {name: fedora-image-cron, namespace: " +
			images + "}, status: {currentImports: [{DataVolumeName: fedora-1}], conditions: [" +
			condition("UpToDate", "False", "ImportProgressing", "Import is progressing") + "]}}")
		s.Put("{apiVersion: cdi.kubevirt.io/v1beta1, kind: DataVolume, metadata: {name: fedora-1, namespace: " + images +
			", labels: {cdi.kubevirt.io/dataImportCron: fedora-image-cron}}, status: {phase: ImportInProgress}}")
		return
	}
	dv := "/apis/cdi.kubevirt.io/v1beta1/namespaces/" + images + "/datavolumes/fedora-1"
	switch {
	case def == "":
	case s.wrong().ImportFails:
		s.Merge(dv, "status: {phase: ImportInProgress, restartCount: 3, conditions: ["+condition("Running", "False", "Error",
			"Unable to process data: docker://quay.io/containerdisks/fedora:latest: manifest unknown")+"]}")
	default:
		s.Merge(dv, "status: {phase: Succeeded, conditions: []}")
		s.Merge(cron, "status: {conditions: ["+condition("UpToDate", "True", "UpToDate", "")+"]}")
	}
}

// dismantle takes away what HyperConverged consists of, and lets it go.
func (s *Stack) dismantle(o object) {
	for _, p := range []string{
		"/apis/kubevirt.io/v1/namespaces/" + o.GetNamespace() + "/kubevirts/kubevirt-kubevirt-hyperconverged",
		"/apis/cdi.kubevirt.io/v1beta1/cdis/cdi-kubevirt-hyperconverged",
		"/apis/networkaddonsoperator.network.kubevirt.io/v1/networkaddonsconfigs/cluster",
		"/apis/ssp.kubevirt.io/v1beta2/namespaces/" + o.GetNamespace() + "/ssps/ssp-kubevirt-hyperconverged",
		"/api/v1/namespaces/" + images,
	} {
		s.Remove(p)
	}
	for _, d := range made {
		s.Remove("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + d.plural + "." + d.group)
	}
	s.Merge(o.path, "metadata: {finalizers: null}")
}
