package manifests

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// ImagesNamespace is where golden images are by default.
const ImagesNamespace = "kubevirt-os-images"

// Settings of a template for golden images.
const (
	cronSuffix   = "-image-cron"
	enableCron   = "dataimportcrontemplate.kubevirt.io/enable"
	bindNow      = "cdi.kubevirt.io/storage.bind.immediate.requested"
	defaultType  = "instancetype.kubevirt.io/default-instancetype"
	defaultPrefs = "instancetype.kubevirt.io/default-preference"
)

// goldenImages says which images are imported. A template with the name of one of the operator's
// takes its place; with an annotation it takes it away.
func (r *renderer) goldenImages(t tree, g virtualization.GoldenImages) {
	enabled := is(g.Enabled, true)
	if at, ok := r.Setting("enableCommonBootImageImport"); ok && !enabled {
		t.set(false, at...)
	}
	namespace := ""
	if g.Namespace != ImagesNamespace {
		namespace = g.Namespace
		t.text(namespace, "commonBootImageNamespace")
		r.userNamespace(StepHyperConverged, namespace)
	}
	var templates []any
	for _, name := range g.Disable {
		if enabled {
			templates = append(templates, object{"metadata": object{
				"name": name + cronSuffix, "annotations": object{enableCron: "false"},
			}})
		}
	}
	for _, s := range g.Sources {
		name := s.Name + cronSuffix
		if !enabled && slices.ContainsFunc(virtualization.CommonImages(), func(i virtualization.CommonImage) bool {
			return i.Name == s.Name
		}) {
			name = s.Name + "-own" + cronSuffix // with the operator's name it would be left out with the operator's
		}
		templates = append(templates, r.template(name, namespace, s))
	}
	if templates != nil {
		t.set(templates, "dataImportCronTemplates")
	}
}

func (r *renderer) template(name, namespace string, s virtualization.ImageSource) object {
	registry := tree{object{"url": "docker://" + s.Image}}
	if s.PullMethod == "node" {
		registry.text(s.PullMethod, "pullMethod")
	}
	registry.text(s.SecretName, "secretRef")
	registry.text(s.CertConfigMap, "certConfigMap")
	storage := tree{object{}}
	storage.set(s.Size, "resources", "requests", "storage")
	storage.text(s.StorageClass, "storageClassName")
	meta := tree{object{"name": name, "annotations": object{bindNow: "true"}}}
	meta.text(namespace, "namespace")
	meta.text(s.Instancetype, "labels", defaultType)
	meta.text(s.Preference, "labels", defaultPrefs)
	spec := tree{object{
		"managedDataSource": s.Name, "garbageCollect": "Outdated", "schedule": s.Schedule,
		"template": object{"spec": object{"source": object{"registry": registry.root}, "storage": storage.root}},
	}}
	r.number(spec, s.Keep, 3, "importsToKeep")
	return object{"metadata": meta.root, "spec": spec.root}
}
