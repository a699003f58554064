package hco

import (
	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"
)

// Spec is what a HyperConverged of version v1beta1 may hold. The operator works on the JSON; the type is what the
// schema is made of, so that fields that do not exist are pruned and wrong ones refused.
type Spec struct {
	LocalStorageClassName string `json:"localStorageClassName,omitempty"`
	TuningPolicy          string `json:"tuningPolicy,omitempty" enum:"annotation,highBurst"`

	Infra     Placement `json:"infra,omitempty"`
	Workloads Placement `json:"workloads,omitempty"`

	FeatureGates        FeatureGates  `json:"featureGates,omitempty"`
	LiveMigrationConfig LiveMigration `json:"liveMigrationConfig,omitempty" default:"{\"completionTimeoutPerGiB\":150,\"parallelMigrationsPerCluster\":5,\"parallelOutboundMigrationsPerNode\":2,\"progressTimeout\":150,\"allowAutoConverge\":false,\"allowPostCopy\":false}"` //nolint:lll // a default is one line

	PermittedHostDevices         *PermittedHostDevices `json:"permittedHostDevices,omitempty"`
	MediatedDevicesConfiguration *MediatedDevices      `json:"mediatedDevicesConfiguration,omitempty" rule:"(has(self.mediatedDeviceTypes) && size(self.mediatedDeviceTypes)>0) || (has(self.mediatedDevicesTypes) && size(self.mediatedDevicesTypes)>0)" message:"for mediatedDevicesConfiguration a non-empty mediatedDeviceTypes or mediatedDevicesTypes(deprecated) is required"` //nolint:lll // a rule is one line

	CertConfig           CertConfig            `json:"certConfig,omitempty" default:"{\"ca\":{\"duration\":\"48h0m0s\",\"renewBefore\":\"24h0m0s\"},\"server\":{\"duration\":\"24h0m0s\",\"renewBefore\":\"12h0m0s\"}}"`                                         //nolint:lll // a default is one line
	ResourceRequirements *ResourceRequirements `json:"resourceRequirements,omitempty" default:"{\"vmiCPUAllocationRatio\":10}" rule:"!has(self.vmiCPUAllocationRatio) || self.vmiCPUAllocationRatio > 0" message:"vmiCPUAllocationRatio must be greater than 0"` //nolint:lll // a rule is one line

	ScratchSpaceStorageClass *string        `json:"scratchSpaceStorageClass,omitempty"`
	VddkInitImage            *string        `json:"vddkInitImage,omitempty"`
	DefaultCPUModel          *string        `json:"defaultCPUModel,omitempty"`
	DefaultRuntimeClass      *string        `json:"defaultRuntimeClass,omitempty"`
	ObsoleteCPUs             *ObsoleteCPUs  `json:"obsoleteCPUs,omitempty"`
	CommonTemplatesNamespace *string        `json:"commonTemplatesNamespace,omitempty"`
	StorageImport            *StorageImport `json:"storageImport,omitempty"`

	WorkloadUpdateStrategy WorkloadUpdate `json:"workloadUpdateStrategy,omitempty" default:"{\"workloadUpdateMethods\":[\"LiveMigrate\"],\"batchEvictionSize\":10,\"batchEvictionInterval\":\"1m0s\"}"` //nolint:lll // a default is one line

	DataImportCronTemplates      []CronTemplate               `json:"dataImportCronTemplates,omitempty"`
	FilesystemOverhead           *Overhead                    `json:"filesystemOverhead,omitempty"`
	UninstallStrategy            string                       `json:"uninstallStrategy,omitempty" enum:"RemoveWorkloads,BlockUninstallIfWorkloadsExist" default:"\"BlockUninstallIfWorkloadsExist\""` //nolint:lll // a default is one line
	LogVerbosityConfig           *LogVerbosity                `json:"logVerbosityConfig,omitempty"`
	TLSSecurityProfile           *configv1.TLSSecurityProfile `json:"tlsSecurityProfile,omitempty"`
	TektonPipelinesNamespace     *string                      `json:"tektonPipelinesNamespace,omitempty"`
	TektonTasksNamespace         *string                      `json:"tektonTasksNamespace,omitempty"`
	KubeSecondaryDNSNameServerIP *string                      `json:"kubeSecondaryDNSNameServerIP,omitempty"`
	KubeMacPoolConfiguration     *MacPool                     `json:"kubeMacPoolConfiguration,omitempty" rule:"(has(self.rangeStart) && has(self.rangeEnd)) || (!has(self.rangeStart) && !has(self.rangeEnd))" message:"both rangeStart and rangeEnd must be configured together, or both omitted"` //nolint:lll // a rule is one line

	EvictionStrategy *string `json:"evictionStrategy,omitempty" enum:"None,LiveMigrate,LiveMigrateIfPossible,External"`

	VMStateStorageClass      *string         `json:"vmStateStorageClass,omitempty"`
	VirtualMachineOptions    *MachineOptions `json:"virtualMachineOptions,omitempty" default:"{\"disableFreePageReporting\":false,\"disableSerialConsoleLog\":false}"` //nolint:lll // a default is one line
	CommonBootImageNamespace *string         `json:"commonBootImageNamespace,omitempty"`

	KSMConfiguration       *kubevirtv1.KSMConfiguration                 `json:"ksmConfiguration,omitempty"`
	NetworkBinding         map[string]kubevirtv1.InterfaceBindingPlugin `json:"networkBinding,omitempty"`
	ApplicationAwareConfig *QuotaConfig                                 `json:"applicationAwareConfig,omitempty"`
	HigherWorkloadDensity  *Density                                     `json:"higherWorkloadDensity,omitempty" default:"{\"memoryOvercommitPercentage\":100}"` //nolint:lll // a default is one line

	EnableCommonBootImageImport *bool `json:"enableCommonBootImageImport,omitempty" default:"true"`
	DeployVMConsoleProxy        *bool `json:"deployVmConsoleProxy,omitempty" default:"false"`
	EnableApplicationAwareQuota *bool `json:"enableApplicationAwareQuota,omitempty" default:"false"`

	CommonInstancetypesDeployment *kubevirtv1.CommonInstancetypesDeployment `json:"CommonInstancetypesDeployment,omitempty"` //nolint:lll // a tag is one line

	InstancetypeConfig      *kubevirtv1.InstancetypeConfiguration `json:"instancetypeConfig,omitempty"`
	LiveUpdateConfiguration *kubevirtv1.LiveUpdateConfiguration   `json:"liveUpdateConfiguration,omitempty"`
}

// FeatureGates are those that v1beta1 still knows but ignores, and alignCPUs; the others come with the release.
type FeatureGates struct {
	WithHostPassthroughCPU           *bool `json:"withHostPassthroughCPU,omitempty"`
	EnableCommonBootImageImport      *bool `json:"enableCommonBootImageImport,omitempty"`
	DeployTektonTaskResources        *bool `json:"deployTektonTaskResources,omitempty"`
	DeployVMConsoleProxy             *bool `json:"deployVmConsoleProxy,omitempty"`
	DeployKubevirtIpamController     *bool `json:"deployKubevirtIpamController,omitempty"`
	NonRoot                          *bool `json:"nonRoot,omitempty"`
	EnableManagedTenantQuota         *bool `json:"enableManagedTenantQuota,omitempty"`
	AutoResourceLimits               *bool `json:"autoResourceLimits,omitempty"`
	AlignCPUs                        *bool `json:"alignCPUs,omitempty" default:"false"`
	EnableApplicationAwareQuota      *bool `json:"enableApplicationAwareQuota,omitempty"`
	PrimaryUserDefinedNetworkBinding *bool `json:"primaryUserDefinedNetworkBinding,omitempty"`
}

// Placement says on which nodes components run.
type Placement struct {
	NodePlacement *sdk.NodePlacement `json:"nodePlacement,omitempty"`
}

// LiveMigration are limits of live migrations.
type LiveMigration struct {
	ParallelMigrationsPerCluster      *uint32 `json:"parallelMigrationsPerCluster,omitempty" default:"5"`
	ParallelOutboundMigrationsPerNode *uint32 `json:"parallelOutboundMigrationsPerNode,omitempty" default:"2"`
	BandwidthPerMigration             *string `json:"bandwidthPerMigration,omitempty" pattern:"^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$"` //nolint:lll // a pattern is one line
	CompletionTimeoutPerGiB           *int64  `json:"completionTimeoutPerGiB,omitempty" default:"150"`
	ProgressTimeout                   *int64  `json:"progressTimeout,omitempty" default:"150"`
	Network                           *string `json:"network,omitempty"`
	AllowAutoConverge                 *bool   `json:"allowAutoConverge,omitempty" default:"false"`
	AllowPostCopy                     *bool   `json:"allowPostCopy,omitempty" default:"false"`
}

// PermittedHostDevices may be passed to VMs.
type PermittedHostDevices struct {
	PciHostDevices  []PCIDevice      `json:"pciHostDevices,omitempty"`
	USBHostDevices  []USBDevice      `json:"usbHostDevices,omitempty"`
	MediatedDevices []MediatedDevice `json:"mediatedDevices,omitempty"`
}

// PCIDevice is a kind of PCI devices.
type PCIDevice struct {
	PCIDeviceSelector        string `json:"pciDeviceSelector"`
	ResourceName             string `json:"resourceName"`
	ExternalResourceProvider bool   `json:"externalResourceProvider,omitempty"`
	Disabled                 bool   `json:"disabled,omitempty"`
}

// USBDevice is a kind of USB devices.
type USBDevice struct {
	ResourceName             string        `json:"resourceName"`
	Selectors                []USBSelector `json:"selectors,omitempty"`
	ExternalResourceProvider bool          `json:"externalResourceProvider,omitempty"`
	Disabled                 bool          `json:"disabled,omitempty"`
}

// USBSelector names USB devices.
type USBSelector struct {
	Vendor  string `json:"vendor"`
	Product string `json:"product"`
}

// MediatedDevice is a kind of mediated devices.
type MediatedDevice struct {
	MDEVNameSelector         string `json:"mdevNameSelector"`
	ResourceName             string `json:"resourceName"`
	ExternalResourceProvider bool   `json:"externalResourceProvider,omitempty"`
	Disabled                 bool   `json:"disabled,omitempty"`
}

// MediatedDevices are made on nodes.
type MediatedDevices struct {
	MediatedDeviceTypes     []string              `json:"mediatedDeviceTypes,omitempty"`
	MediatedDevicesTypes    []string              `json:"mediatedDevicesTypes,omitempty"`
	NodeMediatedDeviceTypes []NodeMediatedDevices `json:"nodeMediatedDeviceTypes,omitempty"`
}

// NodeMediatedDevices are made on some nodes.
type NodeMediatedDevices struct {
	NodeSelector         map[string]string `json:"nodeSelector"`
	MediatedDeviceTypes  []string          `json:"mediatedDeviceTypes,omitempty"`
	MediatedDevicesTypes []string          `json:"mediatedDevicesTypes,omitempty"`
}

// CertConfig says when certificates are renewed.
type CertConfig struct {
	CA     RotationCA     `json:"ca,omitempty" default:"{\"duration\":\"48h0m0s\",\"renewBefore\":\"24h0m0s\"}"`
	Server RotationServer `json:"server,omitempty" default:"{\"duration\":\"24h0m0s\",\"renewBefore\":\"12h0m0s\"}"`
}

// RotationCA is how long certificates of authorities live.
type RotationCA struct {
	Duration    *metav1.Duration `json:"duration,omitempty" default:"\"48h0m0s\""`
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty" default:"\"24h0m0s\""`
}

// RotationServer is how long certificates of servers live.
type RotationServer struct {
	Duration    *metav1.Duration `json:"duration,omitempty" default:"\"24h0m0s\""`
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty" default:"\"12h0m0s\""`
}

// ResourceRequirements are those of pods for VMs and their storage.
type ResourceRequirements struct {
	StorageWorkloads *corev1.ResourceRequirements `json:"storageWorkloads,omitempty"`

	VmiCPUAllocationRatio *int `json:"vmiCPUAllocationRatio,omitempty" default:"10" minimum:"1"`

	AutoCPULimitNamespaceLabelSelector *metav1.LabelSelector `json:"autoCPULimitNamespaceLabelSelector,omitempty"`
}

// ObsoleteCPUs are models that nodes do not offer.
type ObsoleteCPUs struct {
	MinCPUModel string   `json:"minCPUModel,omitempty"`
	CPUModels   []string `json:"cpuModels,omitempty"`
}

// StorageImport is about where images come from.
type StorageImport struct {
	InsecureRegistries []string `json:"insecureRegistries,omitempty"`
}

// WorkloadUpdate says how running VMs get a new KubeVirt.
type WorkloadUpdate struct {
	WorkloadUpdateMethods []string         `json:"workloadUpdateMethods" default:"[\"LiveMigrate\"]"`
	BatchEvictionSize     *int             `json:"batchEvictionSize,omitempty" default:"10"`
	BatchEvictionInterval *metav1.Duration `json:"batchEvictionInterval,omitempty" default:"\"1m0s\""`
}

// CronTemplate is a source of golden images.
type CronTemplate struct {
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              *cdiv1.DataImportCronSpec `json:"spec,omitempty"`
}

// Overhead is the share of a file system that is not for data.
type Overhead struct {
	Global       string            `json:"global,omitempty" pattern:"^(0(?:\\.\\d{1,3})?|1)$"`
	StorageClass map[string]string `json:"storageClass,omitempty"`
}

// LogVerbosity says how much components log.
type LogVerbosity struct {
	Kubevirt *kubevirtv1.LogVerbosity `json:"kubevirt,omitempty"`
	CDI      *int32                   `json:"cdi,omitempty"`
}

// MacPool is a range of MAC addresses.
type MacPool struct {
	RangeStart *string `json:"rangeStart,omitempty" pattern:"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"`
	RangeEnd   *string `json:"rangeEnd,omitempty" pattern:"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"`
}

// MachineOptions are defaults of VMs.
type MachineOptions struct {
	DisableFreePageReporting *bool `json:"disableFreePageReporting,omitempty" default:"false"`
	DisableSerialConsoleLog  *bool `json:"disableSerialConsoleLog,omitempty" default:"false"`
}

// QuotaConfig is about quotas that know VMs.
type QuotaConfig struct {
	VmiCalcConfigName                         string                `json:"vmiCalcConfigName,omitempty" enum:"VmiPodUsage,VirtualResources,DedicatedVirtualResources,IgnoreVmiCalculator,GuestEffectiveResources" default:"\"DedicatedVirtualResources\""` //nolint:lll // a default is one line
	NamespaceSelector                         *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	AllowApplicationAwareClusterResourceQuota bool                  `json:"allowApplicationAwareClusterResourceQuota,omitempty" default:"false"` //nolint:lll // a default is one line
}

// Density is how much memory VMs are promised.
type Density struct {
	MemoryOvercommitPercentage int `json:"memoryOvercommitPercentage,omitempty" minimum:"10" default:"100"`
}

// Status is what the operator says; the same in both versions of the API.
type Status struct {
	Conditions                    []metav1.Condition       `json:"conditions,omitempty"`
	RelatedObjects                []corev1.ObjectReference `json:"relatedObjects,omitempty"`
	Versions                      []Version                `json:"versions,omitempty"`
	ObservedGeneration            int64                    `json:"observedGeneration,omitempty"`
	DataImportSchedule            string                   `json:"dataImportSchedule,omitempty"`
	DataImportCronTemplates       []CronTemplateStatus     `json:"dataImportCronTemplates,omitempty"`
	SystemHealthStatus            string                   `json:"systemHealthStatus,omitempty"`
	InfrastructureHighlyAvailable *bool                    `json:"infrastructureHighlyAvailable,omitempty"`
	NodeInfo                      NodeInfo                 `json:"nodeInfo,omitempty"`
}

// Version is what runs of a component.
type Version struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

// CronTemplateStatus is a template that is in use.
type CronTemplateStatus struct {
	CronTemplate `json:",inline"`
	Status       CronStatus `json:"status,omitempty"`
}

// CronStatus says where a template comes from.
type CronStatus struct {
	Conditions                     []metav1.Condition `json:"conditions,omitempty"`
	CommonTemplate                 bool               `json:"commonTemplate,omitempty"`
	Modified                       bool               `json:"modified,omitempty"`
	OriginalSupportedArchitectures string             `json:"originalSupportedArchitectures,omitempty"`
}

// NodeInfo are the architectures of the cluster.
type NodeInfo struct {
	WorkloadsArchitectures    []string `json:"workloadsArchitectures,omitempty"`
	ControlPlaneArchitectures []string `json:"controlPlaneArchitectures,omitempty"`
}
