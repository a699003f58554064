package hco

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// Annotations of a HyperConverged.
const (
	tuningAnnotation = "hco.kubevirt.io/tuningPolicy"
	passtAnnotation  = "hco.kubevirt.io/deployPasstNetworkBinding"
	ovsAnnotation    = "deployOVS"
	// evenParity is KubeVirt's, for the gate alignCPUs.
	evenParity = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity"
)

// row is a field of HyperConverged's spec that a child has elsewhere.
type row struct{ from, to string }

// kubevirtRows are the fields that KubeVirt has as they are.
var kubevirtRows = []row{
	{"uninstallStrategy", "uninstallStrategy"},
	{"certConfig.ca.duration", "certificateRotateStrategy.selfSigned.ca.duration"},
	{"certConfig.ca.renewBefore", "certificateRotateStrategy.selfSigned.ca.renewBefore"},
	{"certConfig.server.duration", "certificateRotateStrategy.selfSigned.server.duration"},
	{"certConfig.server.renewBefore", "certificateRotateStrategy.selfSigned.server.renewBefore"},
	{"workloadUpdateStrategy.workloadUpdateMethods", "workloadUpdateStrategy.workloadUpdateMethods"},
	{"workloadUpdateStrategy.batchEvictionSize", "workloadUpdateStrategy.batchEvictionSize"},
	{"workloadUpdateStrategy.batchEvictionInterval", "workloadUpdateStrategy.batchEvictionInterval"},

	{"higherWorkloadDensity.memoryOvercommitPercentage", "configuration.developerConfiguration.memoryOvercommit"},
	{"logVerbosityConfig.kubevirt", "configuration.developerConfiguration.logVerbosity"},
	{"resourceRequirements.vmiCPUAllocationRatio", "configuration.developerConfiguration.cpuAllocationRatio"},
	{"resourceRequirements.autoCPULimitNamespaceLabelSelector", "configuration.autoCPULimitNamespaceLabelSelector"},

	{"liveMigrationConfig.completionTimeoutPerGiB", "configuration.migrations.completionTimeoutPerGiB"},
	{"liveMigrationConfig.parallelOutboundMigrationsPerNode",
		"configuration.migrations.parallelOutboundMigrationsPerNode"},
	{"liveMigrationConfig.parallelMigrationsPerCluster", "configuration.migrations.parallelMigrationsPerCluster"},
	{"liveMigrationConfig.progressTimeout", "configuration.migrations.progressTimeout"},
	{"liveMigrationConfig.network", "configuration.migrations.network"},
	{"liveMigrationConfig.allowAutoConverge", "configuration.migrations.allowAutoConverge"},
	{"liveMigrationConfig.allowPostCopy", "configuration.migrations.allowPostCopy"},

	{"evictionStrategy", "configuration.evictionStrategy"},
	{"ksmConfiguration", "configuration.ksmConfiguration"},
	{"liveUpdateConfiguration", "configuration.liveUpdateConfiguration"},
	{"defaultCPUModel", "configuration.cpuModel"},
	{"defaultRuntimeClass", "configuration.defaultRuntimeClass"},
	{"vmStateStorageClass", "configuration.vmStateStorageClass"},
	{"instancetypeConfig", "configuration.instancetype"},
	{"CommonInstancetypesDeployment", "configuration.commonInstancetypesDeployment"},
	{"networkBinding", "configuration.network.binding"},
}

func copyRows(rows []row, from, to object.Object) {
	for _, r := range rows {
		object.Copy(from, r.from, to, r.to)
	}
}

// KubeVirtFor is the KubeVirt that a HyperConverged asks for.
func (r Release) KubeVirtFor(hc object.Object, c Cluster) (object.Object, error) {
	in := object.Map(hc, "spec")
	spec := object.Object{}
	copyRows(kubevirtRows, in, spec)
	set := func(path string, v any) { object.Set(spec, path, v) }

	set("productName", "hyperconverged-cluster")
	set("productVersion", r.Version)
	set("productComponent", "compute")
	set("serviceMonitorNamespace", Namespace)
	set("infra", components(object.Map(in, "infra.nodePlacement"), c, true))
	set("workloads", components(object.Map(in, "workloads.nodePlacement"), c, false))

	set("configuration.developerConfiguration.diskVerification.memoryLimit", "2G")
	set("configuration.developerConfiguration.featureGates", r.kubevirtGates(hc, c))
	if c.Emulation {
		set("configuration.developerConfiguration.useEmulation", true)
	}
	set("configuration.network.defaultNetworkInterface", "masquerade")
	set("configuration.network.binding.l2bridge", object.Object{
		"domainAttachmentType": "managedTap", "migration": object.Object{},
	})
	set("configuration.seccompConfiguration.virtualMachineInstanceProfile.customProfile.localhostProfile",
		"kubevirt/kubevirt.json")
	set("configuration.vmRolloutStrategy", "LiveUpdate")
	set("configuration.obsoleteCPUModels", obsolete(in))
	set("configuration.architectureConfiguration", architectures())
	set("configuration.smbios", object.Object{"family": "KubeVirt", "manufacturer": "KubeVirt", "product": "None"})

	for field, name := range map[string]string{
		"disableFreePageReporting": "disableFreePageReporting", "disableSerialConsoleLog": "disableSerialConsoleLog",
	} {
		if object.Bool(in, "virtualMachineOptions."+field, false) {
			set("configuration.virtualMachineOptions."+name, object.Object{})
		}
	}
	if b := object.String(in, "liveMigrationConfig.bandwidthPerMigration"); b != "" {
		q, err := resource.ParseQuantity(b)
		if err != nil {
			return nil, fmt.Errorf("failed to parse the LiveMigrationConfig.bandwidthPerMigration field; %w", err)
		}
		set("configuration.migrations.bandwidthPerMigration", q.String())
	}
	set("configuration.permittedHostDevices", hostDevices(object.Map(in, "permittedHostDevices")))
	if m := r.mediated(in); m != nil {
		set("configuration.mediatedDevicesConfiguration", m)
	}
	limits, err := rateLimits(hc)
	if err != nil {
		return nil, err
	}
	if limits != nil {
		for _, part := range []string{"api", "webhook", "controller", "handler"} {
			set("configuration."+part+"Configuration", object.Plain(limits))
		}
	}
	p, err := profile(hc, c)
	if err != nil {
		return nil, err
	}
	set("configuration.tlsConfiguration", kubevirtTLS(p))

	kv := r.child(KubeVirts, Namespace, "kubevirt-"+Name, "compute", spec)
	if object.Bool(in, "featureGates.alignCPUs", false) {
		object.Set(kv, "metadata.annotations", object.Object{evenParity: ""})
	}
	return patched(hc, "kubevirt.kubevirt.io/jsonpatch", kv)
}

// components says where components run and how many. Without a choice and with a control plane that survives
// the loss of a node, KubeVirt decides.
func components(placement object.Object, c Cluster, infra bool) any {
	high := !infra || c.ControlPlaneHigh()
	exists := !infra || c.ControlPlanes > 0
	if placement == nil && high {
		return nil
	}
	out := object.Object{}
	if placement == nil && !exists {
		out["nodePlacement"] = object.Object{}
		if !c.InfrastructureHigh() {
			out["replicas"] = int64(1)
		}
		return out
	}
	if !high {
		out["replicas"] = int64(1)
	}
	if placement != nil {
		out["nodePlacement"] = object.Plain(placement)
	}
	return out
}

// kubevirtGates are KubeVirt's feature gates.
func (r Release) kubevirtGates(hc object.Object, c Cluster) []any {
	names := slices.Clone(r.always)
	if !c.Emulation {
		names = append(names, "WithHostModelCPU", "HypervStrictCheck")
	}
	on := object.Map(hc, "spec.featureGates")
	for _, g := range r.gates {
		if object.Bool(on, g.name, g.enabled) {
			names = append(names, g.kubevirt...)
		}
	}
	if object.Bool(on, "alignCPUs", false) {
		names = append(names, "AlignCPUs")
	}
	if object.Bool(on, "declarativeHotplugVolumes", false) {
		names = append(names, "DeclarativeHotplugVolumes")
	} else {
		names = append(names, "HotplugVolumes")
	}
	if annotation(hc, passtAnnotation) == "true" {
		names = append(names, "PasstIPStackMigration")
	}
	if slices.Contains(c.WorkerArchs, "s390x") {
		names = append(names, "SecureExecution")
	}
	var out []any
	for _, n := range names {
		out = append(out, n)
	}
	return out
}

// obsoleteModels are those that the operator never offers.
var obsoleteModels = []string{
	"486", "pentium", "pentium2", "pentium3", "pentiumpro", "coreduo", "n270", "core2duo", "Conroe", "athlon",
	"phenom", "qemu64", "qemu32", "kvm64", "kvm32", "Opteron_G1", "Opteron_G2",
}

func obsolete(in object.Object) object.Object {
	out := object.Object{}
	for _, m := range obsoleteModels {
		out[m], out[m+"-v1"] = true, true
	}
	for _, m := range object.List(in, "obsoleteCPUs.cpuModels") {
		if s, ok := m.(string); ok {
			out[s] = true
		}
	}
	return out
}

// architectures are the machine types of the bundle.
func architectures() object.Object {
	return object.Object{
		"amd64": object.Object{
			"machineType": "q35", "ovmfPath": "/usr/share/OVMF", "emulatedMachines": []any{"q35*", "pc-q35*"},
		},
		"arm64": object.Object{
			"machineType": "virt", "ovmfPath": "/usr/share/AAVMF", "emulatedMachines": []any{"virt*"},
		},
		"s390x": object.Object{"machineType": "s390-ccw-virtio", "emulatedMachines": []any{"s390-ccw-virtio*"}},
	}
}

// hostDevices leaves out the disabled ones.
func hostDevices(in object.Object) any {
	if in == nil {
		return nil
	}
	out := object.Object{}
	for _, group := range []struct{ from, to string }{
		{"pciHostDevices", "pciHostDevices"}, {"usbHostDevices", "usb"}, {"mediatedDevices", "mediatedDevices"},
	} {
		var list []any
		for _, v := range object.List(in, group.from) {
			d, _ := v.(map[string]any)
			if object.Bool(d, "disabled", false) {
				continue
			}
			n, _ := object.Plain(d).(map[string]any)
			delete(n, "disabled")
			if s, ok := n["pciDeviceSelector"]; ok {
				n["pciVendorSelector"] = s
				delete(n, "pciDeviceSelector")
			}
			list = append(list, n)
		}
		if len(list) > 0 {
			out[group.to] = list
		}
	}
	return out
}

// mediated takes the old name of a field for the new one.
func (r Release) mediated(in object.Object) object.Object {
	from := object.Map(in, "mediatedDevicesConfiguration")
	off := r.mdevField && object.Bool(in, "featureGates.disableMDevConfiguration", false)
	if from == nil && !off {
		return nil
	}
	out := object.Object{}
	types := func(from, to object.Object) {
		for _, name := range []string{"mediatedDevicesTypes", "mediatedDeviceTypes"} { // the second one counts
			if l := object.List(from, name); len(l) > 0 {
				to["mediatedDeviceTypes"] = object.Plain(l)
			}
		}
	}
	types(from, out)
	var nodes []any
	for _, v := range object.List(from, "nodeMediatedDeviceTypes") {
		n, _ := v.(map[string]any)
		to := object.Object{}
		object.Copy(n, "nodeSelector", to, "nodeSelector")
		types(n, to)
		nodes = append(nodes, to)
	}
	if len(nodes) > 0 {
		out["nodeMediatedDeviceTypes"] = nodes
	}
	if off {
		out["enabled"] = false
	}
	return out
}

// rateLimits are those of KubeVirt's components towards the API server.
func rateLimits(hc object.Object) (object.Object, error) {
	text := annotation(hc, tuningAnnotation)
	var qps float64
	var burst int64
	switch object.String(hc, "spec.tuningPolicy") {
	case "":
		return nil, nil
	case "highBurst":
		if text != "" {
			return nil, errors.New("highBurst profile is enabled and the annotation " + tuningAnnotation + " is present")
		}
		qps, burst = 200, 400
	default:
		if text == "" {
			return nil, errors.New("tuning policy set but annotation not present or wrong")
		}
		var rates struct {
			QPS   float64 `json:"qps"`
			Burst int64   `json:"burst"`
		}
		if err := json.Unmarshal([]byte(text), &rates); err != nil {
			return nil, err
		}
		if rates.QPS <= 0 {
			return nil, errors.New("qps parameter not found in annotation")
		}
		if rates.Burst <= 0 {
			return nil, errors.New("burst parameter not found in annotation")
		}
		qps, burst = rates.QPS, rates.Burst
	}
	out := object.Object{}
	object.Set(out, "restClient.rateLimiter.tokenBucketRateLimiter", object.Object{"qps": qps, "burst": burst})
	return out, nil
}

func annotation(o object.Object, name string) string {
	s, _ := object.Map(o, "metadata.annotations")[name].(string)
	return s
}
