package manifests

import (
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// HyperConvergedName is the name of the HyperConverged, the only one that the operator accepts.
const HyperConvergedName = "kubevirt-hyperconverged"

// hyperConverged adds the HyperConverged. It has what differs from the operator's defaults, and what
// depends on the cluster; for releases with other defaults than those that are known, everything.
func (r *renderer) hyperConverged(c *virtualization.Config) {
	h := c.HyperConverged
	spec := tree{object{}}
	spec.text(h.EvictionStrategy, "evictionStrategy")
	r.liveMigration(spec, h.LiveMigration)
	methods := []any{}
	for _, m := range h.WorkloadUpdate.Methods {
		methods = append(methods, m)
	}
	spec.set(methods, "workloadUpdateStrategy", "workloadUpdateMethods")
	r.number(spec, h.WorkloadUpdate.BatchSize, 10, "workloadUpdateStrategy", "batchEvictionSize")
	if d := h.WorkloadUpdate.BatchInterval; d.Duration != 0 && (r.Newer || d.Minutes() != 1) {
		spec.set(d.String(), "workloadUpdateStrategy", "batchEvictionInterval")
	}
	spec.text(h.DefaultCPUModel, "defaultCPUModel")
	r.number(spec, h.MemoryOvercommitPercentage, 100, "higherWorkloadDensity", "memoryOvercommitPercentage")
	r.number(spec, h.CPUAllocationRatio, 10, "resourceRequirements", "vmiCPUAllocationRatio")
	r.gates(spec, h.FeatureGates)
	spec.placement(h.Infra, "infra", "nodePlacement")
	spec.placement(h.Workloads, "workloads", "nodePlacement")
	hostDevices(spec, h.HostDevices)
	if u := h.UninstallStrategy; r.Newer || u != "BlockUninstallIfWorkloadsExist" {
		spec.text(u, "uninstallStrategy")
	}
	r.storageSettings(spec, c.Storage)
	r.goldenImages(spec, c.GoldenImages)
	o := newObject("hco.kubevirt.io/v1beta1", "HyperConverged", virtualization.Namespace, HyperConvergedName)
	o["spec"] = spec.root
	r.add(StepHyperConverged, rankMain, o)
	r.storageProfile(c.Storage)
}

// tree is an object that is filled by paths.
type tree struct{ root object }

func (t tree) set(value any, at ...string) {
	o := t.root
	for _, key := range at[:len(at)-1] {
		next, ok := o[key].(object)
		if !ok {
			next = object{}
			o[key] = next
		}
		o = next
	}
	o[at[len(at)-1]] = value
}

func (t tree) text(value string, at ...string) {
	if value != "" {
		t.set(value, at...)
	}
}

// number sets a number that is not what the operator takes by itself.
func (r *renderer) number(t tree, value, known int, at ...string) {
	if value != 0 && (value != known || r.Newer) {
		t.set(int64(value), at...)
	}
}

func (r *renderer) liveMigration(t tree, m virtualization.LiveMigration) {
	const key = "liveMigrationConfig"
	t.text(m.Network, key, "network")
	r.number(t, m.ParallelPerCluster, 5, key, "parallelMigrationsPerCluster")
	r.number(t, m.ParallelOutboundPerNode, 2, key, "parallelOutboundMigrationsPerNode")
	t.text(m.BandwidthPerMigration, key, "bandwidthPerMigration")
	r.number(t, m.CompletionTimeoutPerGiB, 150, key, "completionTimeoutPerGiB")
	r.number(t, m.ProgressTimeout, 150, key, "progressTimeout")
	if m.AllowAutoConverge {
		t.set(true, key, "allowAutoConverge")
	}
	if m.AllowPostCopy {
		t.set(true, key, "allowPostCopy")
	}
}

// gates switches features. Some are settings of their own in some versions.
func (r *renderer) gates(t tree, gates map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		if at, has := r.Setting(name); has {
			t.set(gates[name], at...)
			continue
		}
		r.fail("hyperConverged.featureGates.%s: HyperConverged %s, which release %s gets, does not have it", name,
			r.HyperConverged, r.Release)
	}
}

func (t tree) placement(p virtualization.NodePlacement, at ...string) {
	out := object{}
	if len(p.NodeSelector) > 0 {
		out["nodeSelector"] = labels(p.NodeSelector)
	}
	var tolerations []any
	for _, x := range p.Tolerations {
		one := tree{object{}}
		one.text(x.Key, "key")
		one.text(x.Operator, "operator")
		one.text(x.Value, "value")
		one.text(x.Effect, "effect")
		if x.Seconds != nil {
			one.set(*x.Seconds, "tolerationSeconds")
		}
		tolerations = append(tolerations, one.root)
	}
	if tolerations != nil {
		out["tolerations"] = tolerations
	}
	if len(p.Affinity) > 0 {
		out["affinity"] = p.Affinity
	}
	if len(out) > 0 {
		t.set(out, at...)
	}
}

func hostDevices(t tree, devices []virtualization.HostDevice) {
	var list []any
	for _, d := range devices {
		one := object{"resourceName": d.ResourceName, "pciDeviceSelector": d.PCIVendorSelector}
		if d.ExternalResourceProvider {
			one["externalResourceProvider"] = true
		}
		list = append(list, one)
	}
	if list != nil {
		t.set(list, "permittedHostDevices", "pciHostDevices")
	}
}

// labels are labels as plain data.
func labels(of map[string]string) object {
	out := object{}
	for k, v := range of {
		out[k] = v
	}
	return out
}

// texts is a list as plain data.
func texts[T ~string](list []T) []any {
	out := make([]any, 0, len(list))
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// is the value of a switch.
func is(value *bool, otherwise bool) bool {
	if value == nil {
		return otherwise
	}
	return *value
}
