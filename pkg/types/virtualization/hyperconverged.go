package virtualization

// HyperConverged is the settings of the virtualization itself, most of them of the object HyperConverged.
type HyperConverged struct {
	// EvictionStrategy is what happens to the VMs of a node that is drained. Default: LiveMigrate with several nodes for
	// VMs, LiveMigrateIfPossible if their storage cannot follow them, None with one node. One of None, LiveMigrate,
	// LiveMigrateIfPossible, External.
	EvictionStrategy string `json:"evictionStrategy,omitempty" enum:"None,LiveMigrate,LiveMigrateIfPossible,External"`
	// LiveMigration is how running VMs move to other nodes.
	LiveMigration LiveMigration `json:"liveMigration,omitzero"`
	// WorkloadUpdate is how running VMs get a new version of KubeVirt.
	WorkloadUpdate WorkloadUpdate `json:"workloadUpdate,omitzero"`
	// DefaultCPUModel is the CPU model of VMs that name none, like Skylake-Server, host-model or host-passthrough.
	// Default: that of KubeVirt, host-model.
	DefaultCPUModel string `json:"defaultCPUModel,omitempty" pattern:"cpu-model"`
	// MemoryOvercommitPercentage is how much memory VMs get, in percent of what they request of the node. Default: 100.
	MemoryOvercommitPercentage int `json:"memoryOvercommitPercentage,omitempty" default:"100" min:"10"`
	// CPUAllocationRatio is how many virtual CPUs share one of a node. Default: 10.
	CPUAllocationRatio int `json:"cpuAllocationRatio,omitempty" default:"10" min:"1"`
	// FeatureGates switches features of the operator on or off, by their names. Default: those of the operator.
	FeatureGates map[string]bool `json:"featureGates,omitempty"`
	// Infra is where the operators and controllers run. Default: anywhere.
	Infra NodePlacement `json:"infra,omitzero"`
	// Workloads is where VMs can run. Default: the workers, or the masters if there are none.
	Workloads NodePlacement `json:"workloads,omitzero"`
	// HostDevices are PCI devices of the nodes that VMs may use. Default: none.
	HostDevices []HostDevice `json:"hostDevices,omitempty"`
	// UninstallStrategy is what happens to VMs when HyperConverged is deleted. Default:
	// BlockUninstallIfWorkloadsExist. One of BlockUninstallIfWorkloadsExist, RemoveWorkloads.
	UninstallStrategy string `json:"uninstallStrategy,omitempty" enum:"BlockUninstallIfWorkloadsExist,RemoveWorkloads"`
}

// LiveMigration is the limits of live migrations.
type LiveMigration struct {
	// Network is the NetworkAttachmentDefinition in namespace kubevirt-hyperconverged that migrations use. Default:
	// the pod network. A network of networks with macvlan is made for this.
	Network string `json:"network,omitempty" pattern:"object-name"`
	// ParallelPerCluster is how many migrations may run at the same time. Default: 5.
	ParallelPerCluster int `json:"parallelPerCluster,omitempty" default:"5" min:"1"`
	// ParallelOutboundPerNode is how many migrations may leave a node at the same time. Default: 2.
	ParallelOutboundPerNode int `json:"parallelOutboundPerNode,omitempty" default:"2" min:"1"`
	// BandwidthPerMigration is the limit of one migration in bytes per second, like 64Mi. Default: none.
	BandwidthPerMigration string `json:"bandwidthPerMigration,omitempty" pattern:"quantity"`
	// CompletionTimeoutPerGiB is how many seconds a migration may take for each GiB of memory. Default: 150.
	CompletionTimeoutPerGiB int `json:"completionTimeoutPerGiB,omitempty" default:"150" min:"1"`
	// ProgressTimeout is after how many seconds without progress a migration is given up. Default: 150.
	ProgressTimeout int `json:"progressTimeout,omitempty" default:"150" min:"1"`
	// AllowAutoConverge slows VMs down that write memory faster than it is copied. Default: false.
	AllowAutoConverge bool `json:"allowAutoConverge,omitempty"`
	// AllowPostCopy starts the VM on the new node before all of its memory is there. Default: false. A VM is lost if
	// the network fails in between.
	AllowPostCopy bool `json:"allowPostCopy,omitempty"`
}

// WorkloadUpdate is how running VMs get a new version of KubeVirt.
type WorkloadUpdate struct {
	// Methods are how VMs are updated, the first that is possible. Default: LiveMigrate with several nodes for VMs,
	// none with one node, where VMs are updated when they are restarted. One of LiveMigrate, Evict.
	Methods []string `json:"methods,omitempty" enum:"LiveMigrate,Evict"`
	// BatchSize is how many VMs are evicted at a time. Default: 10.
	BatchSize int `json:"batchSize,omitempty" default:"10" min:"1"`
	// BatchInterval is the time between two batches. Default: 1m.
	BatchInterval Duration `json:"batchInterval,omitzero" default:"1m"`
}

// NodePlacement is the nodes for pods.
type NodePlacement struct {
	// NodeSelector is labels that the nodes have.
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Tolerations are the taints of nodes that do not matter.
	Tolerations []Toleration `json:"tolerations,omitempty"`
	// Affinity is affinities in the format of pods.
	Affinity map[string]any `json:"affinity,omitempty"`
}

// Toleration is a taint that does not matter.
type Toleration struct {
	// Key is the taint's key. Default: any, with operator Exists.
	Key string `json:"key,omitempty"`
	// Operator compares the value. Default: Equal. One of Equal, Exists.
	Operator string `json:"operator,omitempty" enum:"Equal,Exists"`
	// Value is the taint's value, with operator Equal.
	Value string `json:"value,omitempty"`
	// Effect is the taint's effect. Default: any. One of NoSchedule, PreferNoSchedule, NoExecute.
	Effect string `json:"effect,omitempty" enum:"NoSchedule,PreferNoSchedule,NoExecute"`
	// Seconds is how long the pods stay on a node with the taint. Default: as long as they run. Only for NoExecute.
	Seconds *int64 `json:"tolerationSeconds,omitempty"`
}

// HostDevice is a kind of PCI device.
type HostDevice struct {
	// ResourceName is what VMs request, like nvidia.com/GA102GL_A10.
	ResourceName string `json:"resourceName" required:"true" pattern:"resource-name"`
	// PCIVendorSelector is vendor and device id, like 10DE:2236.
	PCIVendorSelector string `json:"pciVendorSelector" required:"true" pattern:"pci-ids"`
	// ExternalResourceProvider says that a device plugin of the vendor manages the devices. Default: false.
	ExternalResourceProvider bool `json:"externalResourceProvider,omitempty"`
}
