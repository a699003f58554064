package hco

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

const (
	immediateBinding = "cdi.kubevirt.io/storage.bind.immediate.requested"
	dictArchs        = "ssp.kubevirt.io/dict.architectures"
	dictEnable       = "dataimportcrontemplate.kubevirt.io/enable"
)

// common are the sources of golden images that come with the operator.
var common = []struct{ name, image, size, archs string }{
	{"centos-stream10", "quay.io/containerdisks/centos-stream:10", "10Gi", "amd64,arm64,s390x"},
	{"centos-stream9", "quay.io/containerdisks/centos-stream:9", "10Gi", "amd64,arm64,s390x"},
	{"fedora", "quay.io/containerdisks/fedora:latest", "5Gi", "arm64,s390x,amd64"},
}

// commonTemplate is one of them as a template; the schedule is the cluster's own.
func commonTemplate(i int, schedule string) object.Object {
	c := common[i]
	spec := object.Object{
		"garbageCollect": "Outdated", "managedDataSource": c.name, "schedule": cmp.Or(schedule, "0 */12 * * *"),
	}
	object.Set(spec, "template.spec.source.registry.url", "docker://"+c.image)
	object.Set(spec, "template.spec.storage.resources.requests.storage", c.size)
	return object.Object{
		"metadata": object.Object{
			"name":        c.name + "-image-cron",
			"annotations": object.Object{immediateBinding: "true", dictArchs: c.archs},
		},
		"spec": spec,
	}
}

// cronTemplates are the templates that are in use, as the status shows them, by name.
func (r Release) cronTemplates(hc object.Object, c Cluster) ([]object.Object, error) {
	in := object.Map(hc, "spec")
	own := map[string]object.Object{}
	for _, v := range object.List(in, "dataImportCronTemplates") {
		t, _ := v.(map[string]any)
		name := object.String(t, "metadata.name")
		if own[name] != nil {
			return nil, fmt.Errorf("%s DataImportCronTable is already defined", name)
		}
		own[name] = t
	}
	var out []object.Object
	known := map[string]bool{}
	multi := object.Bool(in, "featureGates.enableMultiArchBootImageImport", false)
	for i := range common {
		t := commonTemplate(i, object.String(hc, "status.dataImportSchedule"))
		name := object.String(t, "metadata.name")
		known[name] = true
		if !object.Bool(in, "enableCommonBootImageImport", true) {
			continue
		}
		status := object.Object{"commonTemplate": true}
		switch mine := own[name]; {
		case mine == nil:
			if ns := object.String(in, "commonBootImageNamespace"); ns != "" {
				object.Set(t, "metadata.namespace", ns)
			}
		case !inUse(mine):
			continue
		default:
			customize(t, mine, multi)
			status["modified"] = true
		}
		t["status"] = status
		out = append(out, t)
	}
	for name, mine := range own {
		if !known[name] && inUse(mine) {
			t, _ := object.Plain(mine).(map[string]any)
			t["status"] = object.Object{}
			out = append(out, t)
		}
	}
	if multi {
		for _, t := range out {
			architecturesOf(t, c.WorkerArchs)
		}
	}
	slices.SortFunc(out, func(a, b object.Object) int {
		return strings.Compare(object.String(a, "metadata.name"), object.String(b, "metadata.name"))
	})
	return out, nil
}

func inUse(t object.Object) bool {
	v, ok := object.Map(t, "metadata.annotations")[dictEnable].(string)
	return !ok || strings.EqualFold(v, "true")
}

// customize puts the user's form of a common template in its place.
func customize(t, mine object.Object, multi bool) {
	schedule := object.String(t, "spec.schedule")
	changed := object.Map(mine, "spec.template.spec.source.registry") != nil &&
		object.String(mine, "spec.template.spec.source.registry.url") !=
			object.String(t, "spec.template.spec.source.registry.url")
	annotations := object.Map(t, "metadata.annotations")
	standard := annotations[dictArchs]
	maps.Copy(annotations, object.Map(mine, "metadata.annotations"))
	if multi {
		if changed {
			if _, ok := object.Map(mine, "metadata.annotations")[dictArchs]; !ok {
				delete(annotations, dictArchs)
			}
		} else {
			annotations[dictArchs] = standard
		}
	}
	t["spec"] = object.Plain(object.Map(mine, "spec"))
	if object.String(t, "spec.schedule") == "" {
		object.Set(t, "spec.schedule", schedule)
	}
	object.Remove(t, "metadata.namespace")
	object.Copy(mine, "metadata.namespace", t, "metadata.namespace")
}

// architecturesOf leaves the architectures that the cluster has.
func architecturesOf(t object.Object, have []string) {
	annotations := object.Map(t, "metadata.annotations")
	all, ok := annotations[dictArchs].(string)
	if !ok {
		return
	}
	var left []string
	for _, a := range strings.Split(all, ",") {
		if slices.Contains(have, a) {
			left = append(left, a)
		}
	}
	annotations[dictArchs] = strings.Join(left, ",")
	object.Set(t, "status.originalSupportedArchitectures", all)
	if len(left) == 0 {
		object.Set(t, "status.conditions", []any{object.Object{
			"type": "Deployed", "status": "False", "reason": "UnsupportedArchitectures",
			"message": "DataImportCronTemplate has no supported architectures for the current cluster",
		}})
	}
}

// sspTemplates are the templates as SSP takes them: without status, bound at once.
func sspTemplates(hc object.Object, templates []object.Object) []any {
	multi := object.Bool(hc, "spec.featureGates.enableMultiArchBootImageImport", false)
	var out []any
	for _, t := range templates {
		if multi && len(object.List(t, "status.conditions")) > 0 {
			continue
		}
		n, _ := object.Plain(t).(map[string]any)
		delete(n, "status")
		if n["spec"] == nil {
			n["spec"] = object.Object{}
		}
		annotations := object.Map(n, "metadata.annotations")
		if annotations == nil {
			annotations = object.Object{}
			object.Set(n, "metadata.annotations", annotations)
		}
		if _, ok := annotations[immediateBinding]; !ok {
			annotations[immediateBinding] = "true"
		}
		if !multi {
			delete(annotations, dictArchs)
		}
		out = append(out, n)
	}
	return out
}
