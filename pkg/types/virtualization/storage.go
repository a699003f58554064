package virtualization

// Kinds of storage.
const (
	HostPathStorage = "hostpath"
	LVMStorage      = "lvm"
	ExistingStorage = "existing"
	NoStorage       = "none"
)

// Storage is where the disks of VMs are.
type Storage struct {
	// Type is the kind of storage. Default: lvm or hostpath if their settings are there, existing if class is set, else
	// hostpath. One of hostpath, lvm, existing, none. VMs with disks on hostpath and lvm stay on their node.
	Type string `json:"type,omitempty" enum:"hostpath,lvm,existing,none"`
	// Class is the StorageClass for VMs. Default: hostpath-csi, and lvms-<deviceClass> for lvm. Required for existing,
	// where it must be there when virtualization is deployed.
	Class string `json:"class,omitempty" pattern:"object-name"`
	// DefaultForVMs makes the class the default for VMs and golden images. Default: true.
	DefaultForVMs *bool `json:"defaultForVMs,omitempty" default:"true"`
	// DefaultForCluster makes the class the default for everything else, too. Default: true for hostpath and lvm on one
	// node, else false.
	DefaultForCluster *bool `json:"defaultForCluster,omitempty"`
	// HostPath is the settings of hostpath.
	HostPath *HostPath `json:"hostPath,omitempty"`
	// LVM is the settings of lvm.
	LVM *LVM `json:"lvm,omitempty"`
	// Profile says what the existing class can do, for drivers that CDI does not know. Default: none.
	Profile *StorageProfile `json:"profile,omitempty"`
	// VMStateClass is the StorageClass for the state of virtual TPMs and firmware. Default: the cluster's default.
	VMStateClass string `json:"vmStateClass,omitempty" pattern:"object-name"`
	// ScratchClass is the StorageClass for space that imports need for a while. Default: the cluster's default.
	ScratchClass string `json:"scratchClass,omitempty" pattern:"object-name"`
	// FilesystemOverhead is the part of a file system that is not for the disk, like 0.055. Default: 0.055.
	FilesystemOverhead string `json:"filesystemOverhead,omitempty" pattern:"part"`
	// InsecureRegistries are registries, as host:port, that disks are imported from without checking certificates.
	// Default: none.
	InsecureRegistries []string `json:"insecureRegistries,omitempty" pattern:"host-port"`
}

// HostPath is directories on the nodes.
type HostPath struct {
	// Path is the directory on every node. Default: /var/hpvolumes. Below /var, where CoreOS lets programs write.
	Path string `json:"path,omitempty" default:"/var/hpvolumes" pattern:"data-directory"`
	// Pool is the name of the storage pool. Default: local.
	Pool string `json:"pool,omitempty" default:"local" pattern:"label-name" maxlength:"50"`
	// NodeSelector is labels of the nodes that have the directory. Default: those that run VMs.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
}

// LVM is volume groups on disks of the nodes.
type LVM struct {
	// DeviceClass is the name of the device class. Default: vg1.
	DeviceClass string `json:"deviceClass,omitempty" default:"vg1" pattern:"label-name"`
	// Devices are the disks, at least one here or in optionalDevices. Every node has them. Links below
	// /dev/disk/by-path or by-id are safer than /dev/sdb.
	Devices []string `json:"devices,omitempty" pattern:"device"`
	// OptionalDevices are disks that some nodes have. Default: none.
	OptionalDevices []string `json:"optionalDevices,omitempty" pattern:"device"`
	// WipeDevices deletes whatever is on the disks. Default: false, and disks that are not empty are left alone.
	WipeDevices bool `json:"wipeDevices,omitempty"`
	// Filesystem is the file system of volumes. Default: xfs. One of xfs, ext4.
	Filesystem string `json:"filesystem,omitempty" enum:"xfs,ext4" default:"xfs"`
	// ThinPool is the name of the thin pool. Default: thin-pool-1.
	ThinPool string `json:"thinPool,omitempty" default:"thin-pool-1" pattern:"label-name"`
	// ThinPoolPercent is how much of the disks the thin pool takes, in percent. Default: 90.
	ThinPoolPercent int `json:"thinPoolPercent,omitempty" default:"90" min:"10" max:"90"`
	// OverprovisionRatio is how much larger than the thin pool all volumes may be. Default: 10.
	OverprovisionRatio int `json:"overprovisionRatio,omitempty" default:"10" min:"2" max:"100"`
	// NodeSelector is labels of the nodes that have the disks. Default: all nodes.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
}

// StorageProfile is what a class can do.
type StorageProfile struct {
	// AccessModes are the modes of volumes for VMs. Live migration needs ReadWriteMany. One of ReadWriteOnce,
	// ReadWriteMany.
	AccessModes []string `json:"accessModes" required:"true" enum:"ReadWriteOnce,ReadWriteMany"`
	// VolumeMode is whether volumes are file systems or block devices. One of Filesystem, Block.
	VolumeMode string `json:"volumeMode" required:"true" enum:"Filesystem,Block"`
	// CloneStrategy is how volumes are cloned. Default: what CDI chooses. One of snapshot, csi-clone, copy.
	CloneStrategy string `json:"cloneStrategy,omitempty" enum:"snapshot,csi-clone,copy"`
	// ImageFormat is what golden images are kept as. Default: what CDI chooses. One of pvc, snapshot.
	ImageFormat string `json:"imageFormat,omitempty" enum:"pvc,snapshot"`
}
