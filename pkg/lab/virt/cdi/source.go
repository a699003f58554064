package cdi

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// source is the object that a claim is filled from.
type source struct {
	kind   kube.Kind
	name   string
	object any
}

// sourceOf is the source object of a DataVolume; nil if somebody else fills the claim.
func sourceOf(dv *cdiv1.DataVolume, w *world) (*source, error) {
	meta := func(prefix string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: dv.Namespace, Name: fmt.Sprintf("%s-%s", prefix, dv.UID),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(dv, volumeGVK)},
		}
	}
	types := func(kind string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: cdiv1.SchemeGroupVersion.String(), Kind: kind}
	}
	switch operationFor(dv) {
	case cloning:
		from := w.cloneSource(dv)
		if from == nil {
			return nil, nil // makeClaim says why
		}
		if from.Namespace != dv.Namespace {
			// The claim's own source must be in its namespace; this one names another.
			from = from.DeepCopy()
		}
		m := meta("volume-clone-source")
		m.Annotations = map[string]string{cloneNamespace: from.Namespace}
		o := &cdiv1.VolumeCloneSource{TypeMeta: types("VolumeCloneSource"), ObjectMeta: m,
			Spec: cdiv1.VolumeCloneSourceSpec{Source: corev1.TypedLocalObjectReference{
				Kind: "PersistentVolumeClaim", Name: from.Name,
			}}}
		return &source{cloneSources, m.Name, o}, nil
	case uploading:
		m := meta("volume-upload-source")
		o := &cdiv1.VolumeUploadSource{TypeMeta: types("VolumeUploadSource"), ObjectMeta: m,
			Spec: cdiv1.VolumeUploadSourceSpec{ContentType: dv.Spec.ContentType, Preallocation: dv.Spec.Preallocation}}
		return &source{uploadSources, m.Name, o}, nil
	}
	s := dv.Spec.Source
	if s == nil {
		return nil, errors.New("no source set for import datavolume")
	}
	in := &cdiv1.ImportSourceType{HTTP: s.HTTP, Registry: s.Registry, Blank: s.Blank}
	if s.HTTP == nil && s.Registry == nil && s.Blank == nil {
		return nil, errors.New("the lab imports from HTTP and registries, and makes blank disks; it has no other sources")
	}
	m := meta("volume-import-source")
	o := &cdiv1.VolumeImportSource{
		TypeMeta: types("VolumeImportSource"), ObjectMeta: m,
		Spec: cdiv1.VolumeImportSourceSpec{
			Source: in, ContentType: dv.Spec.ContentType, Preallocation: dv.Spec.Preallocation,
		},
	}
	return &source{importSources, m.Name, o}, nil
}

// cloneNamespace is where the claim that is cloned is.
const cloneNamespace = "cdi.kubevirt.io/dataSourceNamespace"
