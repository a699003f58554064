package hco

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// ConvertPath is where the API server has objects converted.
const ConvertPath = "/convert"

func split(path string) []string { return strings.Split(path, ".") }

// moved are the places of fields in both versions of the API; longer ones of v1 come after those that contain them.
// What is not here is v1beta1's alone: it is ignored there.
var moved = []struct{ beta, v1 string }{
	{"infra.nodePlacement", "deployment.nodePlacements.infra"},
	{"workloads.nodePlacement", "deployment.nodePlacements.workload"},
	{"uninstallStrategy", "deployment.uninstallStrategy"},
	{"logVerbosityConfig", "deployment.logVerbosityConfig"},
	{"applicationAwareConfig", "deployment.applicationAwareConfig"},
	{"deployVmConsoleProxy", "deployment.deployVmConsoleProxy"},

	{"tuningPolicy", "virtualization.tuningPolicy"},
	{"liveMigrationConfig", "virtualization.liveMigrationConfig"},
	{"permittedHostDevices", "virtualization.permittedHostDevices"},
	{"mediatedDevicesConfiguration", "virtualization.mediatedDevicesConfiguration"},
	{"workloadUpdateStrategy", "virtualization.workloadUpdateStrategy"},
	{"obsoleteCPUs.cpuModels", "virtualization.obsoleteCPUModels"},
	{"evictionStrategy", "virtualization.evictionStrategy"},
	{"virtualMachineOptions", "virtualization.virtualMachineOptions"},
	{"defaultCPUModel", "virtualization.virtualMachineOptions.defaultCPUModel"},
	{"defaultRuntimeClass", "virtualization.virtualMachineOptions.defaultRuntimeClass"},
	{"higherWorkloadDensity", "virtualization.higherWorkloadDensity"},
	{"liveUpdateConfiguration", "virtualization.liveUpdateConfiguration"},
	{"ksmConfiguration", "virtualization.ksmConfiguration"},
	{"resourceRequirements.vmiCPUAllocationRatio", "virtualization.vmiCPUAllocationRatio"},
	{"resourceRequirements.autoCPULimitNamespaceLabelSelector", "virtualization.autoCPULimitNamespaceLabelSelector"},

	{"vmStateStorageClass", "storage.vmStateStorageClass"},
	{"scratchSpaceStorageClass", "storage.scratchSpaceStorageClass"},
	{"storageImport", "storage.storageImport"},
	{"filesystemOverhead", "storage.filesystemOverhead"},
	{"resourceRequirements.storageWorkloads", "storage.workloadResourceRequirements"},

	{"kubeSecondaryDNSNameServerIP", "networking.kubeSecondaryDNSNameServerIP"},
	{"kubeMacPoolConfiguration", "networking.kubeMacPoolConfiguration"},
	{"networkBinding", "networking.networkBinding"},

	{"commonTemplatesNamespace", "workloadSources.commonTemplatesNamespace"},
	{"commonBootImageNamespace", "workloadSources.commonBootImageNamespace"},
	{"enableCommonBootImageImport", "workloadSources.enableCommonBootImageImport"},
	{"dataImportCronTemplates", "workloadSources.dataImportCronTemplates"},
	{"instancetypeConfig", "workloadSources.instancetypeConfig"},
	{"CommonInstancetypesDeployment", "workloadSources.commonInstancetypesDeployment"},

	{"certConfig", "security.certConfig"},
	{"tlsSecurityProfile", "security.tlsSecurityProfile"},
}

// Convert makes a HyperConverged one of another version.
func (r Release) Convert(o map[string]any, version string) (map[string]any, error) {
	from := object.String(o, "apiVersion")
	if from == version {
		return o, nil
	}
	out := map[string]any{}
	for k, v := range o {
		if k != "spec" {
			out[k] = runtime.DeepCopyJSONValue(v)
		}
	}
	out["apiVersion"] = version
	spec := object.Map(o, "spec")
	if spec == nil {
		return out, nil
	}
	switch group := HyperConvergeds.Group + "/"; {
	case from == group+"v1beta1" && version == group+"v1":
		out["spec"] = r.toV1(spec)
	case from == group+"v1" && version == group+"v1beta1":
		out["spec"] = r.toBeta(spec)
	default:
		return nil, fmt.Errorf("convert a HyperConverged from %s to %s: no such versions", from, version)
	}
	return out, nil
}

func (r Release) toV1(beta object.Object) object.Object {
	out := object.Object{}
	for _, m := range moved {
		object.Copy(beta, m.beta, out, m.v1)
	}
	if on := object.Get(beta, "enableApplicationAwareQuota"); on != nil {
		object.Set(out, "deployment.applicationAwareConfig.enable", on)
	}
	var gates []any
	for _, name := range slices.Sorted(maps.Keys(object.Map(beta, "featureGates"))) {
		on, ok := object.Map(beta, "featureGates")[name].(bool)
		normal, known := r.gate(name)
		if !ok || !known || on == normal {
			continue
		}
		g := object.Object{"name": name}
		if !on {
			g["state"] = "Disabled"
		}
		gates = append(gates, g)
	}
	if len(gates) > 0 {
		out["featureGates"] = gates
	}
	return out
}

func (r Release) toBeta(v1 object.Object) object.Object {
	out := object.Object{}
	for _, m := range moved {
		object.Copy(v1, m.v1, out, m.beta)
	}
	// These are in objects that are copied as a whole.
	object.Remove(out, "virtualMachineOptions.defaultCPUModel")
	object.Remove(out, "virtualMachineOptions.defaultRuntimeClass")
	if on := object.Get(v1, "deployment.applicationAwareConfig.enable"); on != nil {
		object.Set(out, "enableApplicationAwareQuota", on)
		object.Remove(out, "applicationAwareConfig.enable")
		if len(object.Map(out, "applicationAwareConfig")) == 0 {
			delete(out, "applicationAwareConfig")
		}
	}
	gates := object.Object{}
	for _, g := range r.gates {
		gates[g.name] = g.enabled
	}
	for _, v := range object.List(v1, "featureGates") {
		g, _ := v.(map[string]any)
		name := object.String(g, "name")
		if _, known := r.gate(name); known {
			gates[name] = object.String(g, "state") != "Disabled"
		}
	}
	out["featureGates"] = gates
	return out
}

// gate is the default of a feature gate; alignCPUs is in all releases.
func (r Release) gate(name string) (enabled, known bool) {
	for _, g := range r.gates {
		if g.name == name {
			return g.enabled, true
		}
	}
	return false, name == "alignCPUs"
}
