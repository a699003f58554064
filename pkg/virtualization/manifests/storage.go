package manifests

import (
	"maps"
	"slices"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Annotations that make a StorageClass a default.
const (
	DefaultForVMs     = "storageclass.kubevirt.io/is-default-virt-class"
	DefaultForCluster = "storageclass.kubernetes.io/is-default-class"
)

const (
	hostPathDriver = "kubevirt.io.hostpath-provisioner"
	lvmDriver      = "topolvm.io"
)

func (r *renderer) storage(c *virtualization.Config) {
	s := c.Storage
	switch s.Type {
	case virtualization.HostPathStorage:
		r.hostPath(s)
	case virtualization.LVMStorage:
		r.lvm(c)
	case virtualization.ExistingStorage:
		if class := storageClass(s); class["metadata"].(object)["annotations"] != nil {
			r.part(StepStorage, rankSecond, class)
		}
	}
}

// storageClass is the class for VMs with what the configuration says of it.
func storageClass(s virtualization.Storage) object {
	o := newObject("storage.k8s.io/v1", "StorageClass", "", s.Class)
	t := tree{o}
	if is(s.DefaultForVMs, true) {
		t.set("true", "metadata", "annotations", DefaultForVMs)
	}
	if is(s.DefaultForCluster, false) {
		t.set("true", "metadata", "annotations", DefaultForCluster)
	}
	return o
}

func (r *renderer) hostPath(s virtualization.Storage) {
	h := s.HostPath
	spec := tree{object{
		"imagePullPolicy": "IfNotPresent",
		"storagePools":    []any{object{"name": h.Pool, "path": h.Path}},
	}}
	selector := labels(h.NodeSelector)
	selector["kubernetes.io/os"] = "linux"
	spec.set(selector, "workload", "nodeSelector")
	o := newObject("hostpathprovisioner.kubevirt.io/v1beta1", "HostPathProvisioner", "", "hostpath-provisioner")
	o["spec"] = spec.root
	r.add(StepStorage, rankMain, o)

	class := storageClass(s)
	class["provisioner"] = hostPathDriver
	class["parameters"] = object{"storagePool": h.Pool}
	class["reclaimPolicy"] = "Delete"
	class["volumeBindingMode"] = "WaitForFirstConsumer"
	r.add(StepStorage, rankSecond, class)
}

func (r *renderer) lvm(c *virtualization.Config) {
	namespace := r.operator(StepStorage, lvms, c.Operator.AddOns, "")
	l := c.Storage.LVM
	device := tree{object{
		"name": l.DeviceClass, "default": is(c.Storage.DefaultForCluster, false),
		"fstype": l.Filesystem,
		"thinPoolConfig": object{
			"name": l.ThinPool, "sizePercent": int64(l.ThinPoolPercent),
			"overprovisionRatio": int64(l.OverprovisionRatio),
		},
	}}
	if len(l.Devices) > 0 {
		device.set(texts(l.Devices), "deviceSelector", "paths")
	}
	if len(l.OptionalDevices) > 0 {
		device.set(texts(l.OptionalDevices), "deviceSelector", "optionalPaths")
	}
	if l.WipeDevices {
		device.set(true, "deviceSelector", "forceWipeDevicesAndDestroyAllData")
	}
	if len(l.NodeSelector) > 0 {
		var all []any
		for _, key := range slices.Sorted(maps.Keys(l.NodeSelector)) {
			all = append(all, object{"key": key, "operator": "In", "values": []any{l.NodeSelector[key]}})
		}
		device.set([]any{object{"matchExpressions": all}}, "nodeSelector", "nodeSelectorTerms")
	}
	o := newObject("lvm.topolvm.io/v1alpha1", "LVMCluster", namespace, "lvmcluster")
	o["spec"] = object{"storage": object{"deviceClasses": []any{device.root}}}
	r.add(StepStorage, rankMain, o)

	class := storageClass(c.Storage) // the operator makes it
	class["provisioner"] = lvmDriver
	if class["metadata"].(object)["annotations"] != nil {
		r.part(StepStorage, rankSecond, class)
	}
}

// storageSettings are those of HyperConverged.
func (r *renderer) storageSettings(t tree, s virtualization.Storage) {
	t.text(s.VMStateClass, "vmStateStorageClass")
	t.text(s.ScratchClass, "scratchSpaceStorageClass")
	if o := s.FilesystemOverhead; r.Newer || o != "0.055" {
		t.text(o, "filesystemOverhead", "global")
	}
	if len(s.InsecureRegistries) > 0 {
		t.set(texts(s.InsecureRegistries), "storageImport", "insecureRegistries")
	}
}

// storageProfile says what the existing class can do. CDI makes the object, which HyperConverged brings.
func (r *renderer) storageProfile(s virtualization.Storage) {
	p := s.Profile
	if p == nil {
		return
	}
	spec := tree{object{"claimPropertySets": []any{object{
		"accessModes": texts(p.AccessModes), "volumeMode": p.VolumeMode,
	}}}}
	spec.text(p.CloneStrategy, "cloneStrategy")
	spec.text(p.ImageFormat, "dataImportCronSourceFormat")
	o := newObject("cdi.kubevirt.io/v1beta1", "StorageProfile", "", s.Class)
	o["spec"] = spec.root
	r.part(StepHyperConverged, rankSecond, o)
}
