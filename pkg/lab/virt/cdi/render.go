package cdi

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
)

const (
	defaultClass     = "storageclass.kubernetes.io/is-default-class"
	defaultVirtClass = "storageclass.kubevirt.io/is-default-virt-class"
	// defaultOverhead is the share of a file system that is not for the disk.
	defaultOverhead = 0.06
	mib             = 1 << 20
)

// errNoClass is what a DataVolume without modes gets when there is no class to take them from.
var errNoClass = errors.New("PVC spec is missing accessMode and no storageClass to choose profile")

// world is what the controllers know when they look at their objects.
type world struct {
	classes  []storagev1.StorageClass
	profiles map[string]cdiv1.StorageProfile
	config   *cdiv1.CDIConfig
	claims   []corev1.PersistentVolumeClaim
	pods     []corev1.Pod
	volumes  []cdiv1.DataVolume
	sources  []cdiv1.DataSource
}

// class is a class by name, or the default for VMs, or the default; nil if there is none.
func (w *world) class(name *string) *storagev1.StorageClass {
	if name != nil {
		i := slices.IndexFunc(w.classes, func(c storagev1.StorageClass) bool { return c.Name == *name })
		if i < 0 {
			return nil
		}
		return &w.classes[i]
	}
	for _, annotation := range []string{defaultVirtClass, defaultClass} {
		var best *storagev1.StorageClass
		for i := range w.classes {
			c := &w.classes[i]
			if c.Annotations[annotation] == "true" && (best == nil || newer(c, best)) {
				best = c
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// newer is Kubernetes' choice among several defaults.
func newer(a, b *storagev1.StorageClass) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return b.CreationTimestamp.Before(&a.CreationTimestamp)
}

// claimSpec is the claim that a DataVolume asks for.
func (w *world) claimSpec(dv *cdiv1.DataVolume) (*corev1.PersistentVolumeClaimSpec, error) {
	if dv.Spec.PVC != nil {
		spec := dv.Spec.PVC.DeepCopy()
		if spec.StorageClassName == nil {
			if c := w.class(nil); c != nil {
				spec.StorageClassName = &c.Name
			}
		}
		return spec, nil
	}
	s := dv.Spec.Storage
	if s == nil {
		return nil, errors.New("datavolume one of {pvc, storage} field is required")
	}
	spec := &corev1.PersistentVolumeClaimSpec{
		AccessModes: slices.Clone(s.AccessModes), Selector: s.Selector, Resources: *s.Resources.DeepCopy(),
		VolumeName: s.VolumeName, StorageClassName: s.StorageClassName, VolumeMode: s.VolumeMode,
	}
	class := w.class(s.StorageClassName)
	if class == nil {
		if s.StorageClassName != nil {
			return nil, fmt.Errorf("storageclasses.storage.k8s.io %q not found", *s.StorageClassName)
		}
		if len(spec.AccessModes) == 0 {
			return nil, errNoClass
		}
	} else {
		spec.StorageClassName = &class.Name
		if err := w.modes(spec, class); err != nil {
			return nil, err
		}
	}
	return spec, w.size(dv, spec)
}

// modes takes from the class's profile what the DataVolume leaves open.
func (w *world) modes(spec *corev1.PersistentVolumeClaimSpec, class *storagev1.StorageClass) error {
	p, ok := w.profiles[class.Name]
	if !ok {
		return fmt.Errorf("cannot get StorageProfile: storageprofiles.cdi.kubevirt.io %q not found", class.Name)
	}
	sets := p.Status.ClaimPropertySets
	switch {
	case len(spec.AccessModes) == 0 && spec.VolumeMode == nil:
		if len(sets) == 0 || len(sets[0].AccessModes) == 0 {
			return fmt.Errorf("no accessMode specified in StorageProfile %s", class.Name)
		}
		spec.AccessModes, spec.VolumeMode = slices.Clone(sets[0].AccessModes), sets[0].VolumeMode
	case len(spec.AccessModes) == 0:
		i := slices.IndexFunc(sets, func(s cdiv1.ClaimPropertySet) bool {
			return s.VolumeMode != nil && *s.VolumeMode == *spec.VolumeMode && len(s.AccessModes) > 0
		})
		if i < 0 {
			return fmt.Errorf("no matching accessMode specified in StorageProfile %s", class.Name)
		}
		spec.AccessModes = slices.Clone(sets[i].AccessModes)
	case spec.VolumeMode == nil:
		i := slices.IndexFunc(sets, func(s cdiv1.ClaimPropertySet) bool {
			return slices.ContainsFunc(s.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
				return slices.Contains(spec.AccessModes, m)
			})
		})
		if i >= 0 {
			spec.VolumeMode = sets[i].VolumeMode
		}
	}
	return nil
}

// size makes room for a file system. Clones take the size of what they are of.
func (w *world) size(dv *cdiv1.DataVolume, spec *corev1.PersistentVolumeClaimSpec) error {
	size, ok := spec.Resources.Requests[corev1.ResourceStorage]
	if !ok {
		if src := w.cloneSource(dv); src != nil {
			if claim := w.claim(src.Namespace, src.Name); claim != nil {
				spec.Resources.Requests = corev1.ResourceList{
					corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage],
				}
			}
			return nil
		}
		return errors.New("PVC Spec is not valid - missing storage size")
	}
	if size.Value() < mib {
		return errors.New("PVC Spec is not valid - storage size should be at least 1MiB")
	}
	if spec.VolumeMode != nil && *spec.VolumeMode == corev1.PersistentVolumeBlock {
		return nil
	}
	spec.Resources.Requests[corev1.ResourceStorage] = inflate(size, w.overhead(spec.StorageClassName))
	return nil
}

// overhead is the share of a file system that is not for the disk.
func (w *world) overhead(class *string) float64 {
	share := ""
	if w.config != nil && w.config.Status.FilesystemOverhead != nil {
		o := w.config.Status.FilesystemOverhead
		share = string(o.Global)
		if class != nil && o.StorageClass[*class] != "" {
			share = string(o.StorageClass[*class])
		}
	}
	f, err := strconv.ParseFloat(share, 64)
	if err != nil {
		return defaultOverhead
	}
	return f
}

// inflate is the size of a volume in whose file system a disk fits, in whole MiB.
func inflate(size resource.Quantity, overhead float64) resource.Quantity {
	whole := math.Ceil(float64(size.Value())/(1-overhead)/mib) * mib
	return *resource.NewScaledQuantity(int64(whole), 0)
}

func (w *world) claim(namespace, name string) *corev1.PersistentVolumeClaim {
	for i := range w.claims {
		if c := &w.claims[i]; c.Namespace == namespace && c.Name == name {
			return c
		}
	}
	return nil
}

func (w *world) pod(namespace, name string) *corev1.Pod {
	for i := range w.pods {
		if p := &w.pods[i]; p.Namespace == namespace && p.Name == name {
			return p
		}
	}
	return nil
}

func (w *world) volume(namespace, name string) *cdiv1.DataVolume {
	for i := range w.volumes {
		if v := &w.volumes[i]; v.Namespace == namespace && v.Name == name {
			return v
		}
	}
	return nil
}

// cloneSource is the claim that a DataVolume is to be a copy of: named, or what a DataSource points to.
func (w *world) cloneSource(dv *cdiv1.DataVolume) *cdiv1.DataVolumeSourcePVC {
	var out *cdiv1.DataVolumeSourcePVC
	if dv.Spec.Source != nil && dv.Spec.Source.PVC != nil {
		out = dv.Spec.Source.PVC.DeepCopy()
	}
	if ref := dv.Spec.SourceRef; ref != nil && ref.Kind == cdiv1.DataVolumeDataSource {
		namespace := dv.Namespace
		if ref.Namespace != nil && *ref.Namespace != "" {
			namespace = *ref.Namespace
		}
		for _, s := range w.sources {
			if s.Namespace == namespace && s.Name == ref.Name && s.Spec.Source.PVC != nil {
				out = s.Spec.Source.PVC.DeepCopy()
				if out.Namespace == "" {
					out.Namespace = namespace
				}
			}
		}
	}
	if out != nil && out.Namespace == "" {
		out.Namespace = dv.Namespace
	}
	return out
}
