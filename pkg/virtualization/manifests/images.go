package manifests

import (
	"cmp"
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

// CommonImages are the images that HyperConverged imports by itself.
func CommonImages() []GoldenImage { return slices.Clone(pairings().GoldenImages) }

// goldenImages says which images are imported. A template with the name of one of the operator's
// takes its place; with an annotation it takes it away.
func (r *renderer) goldenImages(t tree, g virtualization.GoldenImages) {
	enabled := is(g.Enabled, true)
	if at, ok := r.Setting("enableCommonBootImageImport"); ok && !enabled {
		t.set(false, at...)
	}
	namespace := ""
	if g.Namespace != "" && g.Namespace != ImagesNamespace {
		namespace = g.Namespace
		t.set(namespace, "commonBootImageNamespace")
		r.userNamespace(StepHyperConverged, namespace)
	}
	var templates []any
	for _, i := range CommonImages() {
		replaced := slices.ContainsFunc(g.Sources, func(s virtualization.ImageSource) bool { return s.Name == i.Name })
		image := r.mirrored(i.Image)
		switch {
		case !enabled || replaced:
		case slices.Contains(g.Disable, i.Name), is(g.Disconnected, false) && image == i.Image:
			templates = append(templates, object{"metadata": object{
				"name": i.Name + cronSuffix, "annotations": object{enableCron: "false"},
			}})
		case is(g.Disconnected, false):
			s := virtualization.ImageSource{Name: i.Name, Image: i.Image, Size: i.Size, PullMethod: "node"}
			templates = append(templates, r.template(i.Name+cronSuffix, namespace, s))
		}
	}
	for _, s := range g.Sources {
		name := s.Name + cronSuffix
		if !enabled && slices.ContainsFunc(CommonImages(), func(i GoldenImage) bool { return i.Name == s.Name }) {
			name = s.Name + "-own" + cronSuffix // with the operator's name it would be left out with the operator's
		}
		if s.PullMethod == "" && is(g.Disconnected, false) {
			s.PullMethod = "node"
		}
		templates = append(templates, r.template(name, namespace, s))
	}
	if templates != nil {
		t.set(templates, "dataImportCronTemplates")
	}
}

func (r *renderer) template(name, namespace string, s virtualization.ImageSource) object {
	registry := tree{object{"url": "docker://" + r.mirrored(s.Image)}}
	if s.PullMethod == "node" {
		registry.text(s.PullMethod, "pullMethod")
	}
	registry.text(s.SecretName, "secretRef")
	registry.text(s.CertConfigMap, "certConfigMap")
	storage := tree{object{}}
	storage.set(cmp.Or(s.Size, "10Gi"), "resources", "requests", "storage")
	storage.text(s.StorageClass, "storageClassName")
	meta := tree{object{"name": name, "annotations": object{bindNow: "true"}}}
	meta.text(namespace, "namespace")
	meta.text(s.Instancetype, "labels", defaultType)
	meta.text(s.Preference, "labels", defaultPrefs)
	spec := tree{object{
		"managedDataSource": s.Name, "garbageCollect": "Outdated", "schedule": cmp.Or(s.Schedule, "0 */12 * * *"),
		"template": object{"spec": object{"source": object{"registry": registry.root}, "storage": storage.root}},
	}}
	r.number(spec, s.Keep, 3, "importsToKeep")
	return object{"metadata": meta.root, "spec": spec.root}
}
