package virtualization

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	kjson "sigs.k8s.io/json"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

func (h *HyperConverged) check(k report.Field) {
	m := k.Child("liveMigration")
	if l := h.LiveMigration; l.ParallelPerCluster > 0 && l.ParallelOutboundPerNode > l.ParallelPerCluster {
		m.Child("parallelOutboundPerNode").Invalid(l.ParallelOutboundPerNode,
			"must not be larger than parallelPerCluster, %d", l.ParallelPerCluster)
	}
	update := k.Child("workloadUpdate")
	checkDuration(update.Child("batchInterval"), h.WorkloadUpdate.BatchInterval, time.Second, time.Hour)
	for i, method := range h.WorkloadUpdate.Methods {
		if slices.Index(h.WorkloadUpdate.Methods, method) < i {
			update.Child("methods").Index(i).Duplicate(method, "is there twice")
		}
	}
	h.Infra.check(k.Child("infra"))
	h.Workloads.check(k.Child("workloads"))
	for _, name := range slices.Sorted(maps.Keys(h.FeatureGates)) {
		checkGate(k.Child("featureGates").Child(name), name)
	}
	devices := values.Unique{}
	for i, d := range h.HostDevices {
		devices.Add(k.Child("hostDevices").Index(i).Child("pciVendorSelector"), d.PCIVendorSelector,
			strings.ToLower(d.PCIVendorSelector))
	}
}

func (p *NodePlacement) check(k report.Field) {
	for i, t := range p.Tolerations {
		t.check(k.Child("tolerations").Index(i))
	}
	if len(p.Affinity) == 0 {
		return
	}
	at := k.Child("affinity")
	text, err := json.Marshal(p.Affinity)
	if err != nil {
		at.Invalid("...", "%v", err)
		return
	}
	strict, err := kjson.UnmarshalStrict(text, &corev1.Affinity{})
	if err != nil {
		strict = append(strict, err)
	}
	for _, err := range strict {
		at.Invalid("...", "must be affinities as pods have them: %s",
			strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "json: ")), " "))
	}
}

func (t *Toleration) check(k report.Field) {
	exists := t.Operator == string(corev1.TolerationOpExists)
	if t.Key == "" && !exists {
		k.Child("key").Required("the key of the taint; with operator: Exists and no key, all taints are tolerated")
	} else if t.Key != "" && len(validation.IsQualifiedName(t.Key)) > 0 {
		k.Child("key").Invalid(t.Key, "must be the key of a taint, like node-role.kubernetes.io/master")
	}
	switch {
	case t.Value != "" && exists:
		k.Child("value").Forbidden("is compared with operator Equal only")
	case len(validation.IsValidLabelValue(t.Value)) > 0:
		k.Child("value").Invalid(t.Value, "must be at most 63 letters, digits, '-', '_' and '.'")
	}
	if t.Seconds != nil && t.Effect != string(corev1.TaintEffectNoExecute) {
		k.Child("tolerationSeconds").Forbidden("is for effect NoExecute")
	}
}

func checkGate(at report.Field, name string) {
	if i := slices.IndexFunc(gates, func(g gate) bool { return g.name == name }); i >= 0 {
		return
	}
	if instead, old := oldGates[name]; old {
		at.Invalid(name, "the operator ignores it; %s", instead)
		return
	}
	var known []string
	for _, g := range gates {
		known = append(known, g.name)
	}
	if near := report.Closest(name, known); near != "" {
		at.Invalid(name, "unknown feature gate; did you mean %q?", near)
		return
	}
	at.Invalid(name, "unknown feature gate; there are %s", strings.Join(known, ", "))
}
