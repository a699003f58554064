// Package config is platform.ovirt of an install-config: its fields, defaults and
// rules, and those of what pools say about VMs.
package config

import (
	"net/netip"

	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Name is the key of the platform.
const Name = "ovirt"

// Kind is the platform, as readers of an install-config know it.
func Kind() types.PlatformKind {
	return types.PlatformKind{
		Name: Name, New: func() types.PlatformSettings { return &Platform{} }, NewPool: func() any { return &MachinePool{} },
		Help:     "is an oVirt cluster, in which the installer makes VMs.",
		PoolHelp: "is the hardware of the pool's VMs. Default: platform.ovirt.defaultMachinePlatform.",
		Virtual:  true, NoKVM: noKVM,
		// The engine hands Ignition only to VMs of type rhcos_x64.
		Architectures: []string{"amd64"},
		Defaults: map[string]any{
			"platform.ovirt.affinityGroups":                   defaultGroups(),
			"controlPlane.platform.ovirt.vmType":              VMTypeHighPerformance,
			"controlPlane.platform.ovirt.affinityGroupsNames": []string{controlPlaneGroup},
			"compute[].platform.ovirt.vmType":                 VMTypeServer,
			"compute[].platform.ovirt.affinityGroupsNames":    []string{computeGroup},
		},
	}
}

// noKVM: the engine gives a VM the processor of its host only in one type. The models that others get do not say that
// they can virtualize.
func noKVM(pool *types.MachinePool) string {
	p := PoolOf(pool)
	if p == nil || p.VMType == "" || p.VMType == VMTypeHighPerformance {
		return ""
	}
	return "vmType " + p.VMType + " hands the VM no VT-x or AMD-V of its host's processor; " + VMTypeHighPerformance +
		" does"
}

// Kind implements types.PlatformSettings.
func (*Platform) Kind() types.PlatformKind { return Kind() }

// Of returns the settings of a config, nil if it is for another platform.
func Of(c *types.InstallConfig) *Platform {
	p, _ := c.Platform.Settings.(*Platform)
	return p
}

// PoolOf returns the hardware of a pool's VMs, nil if nothing is said of it.
func PoolOf(pool *types.MachinePool) *MachinePool {
	p, _ := pool.Platform.Get(Name).(*MachinePool)
	return p
}

// Platform is an oVirt cluster. How to log in to its engine is not part of
// install-config.yaml but of ovirt-config.yaml.
type Platform struct {
	// ClusterID is the oVirt cluster that runs the VMs. A UUID.
	ClusterID string `json:"ovirt_cluster_id" required:"true" pattern:"uuid"`
	// StorageDomainID is the storage domain that has the VMs' disks. A UUID.
	StorageDomainID string `json:"ovirt_storage_domain_id" required:"true" pattern:"uuid"`
	// NetworkName is the network that the VMs are in. Default: ovirtmgmt.
	NetworkName string `json:"ovirt_network_name,omitempty" default:"ovirtmgmt"`
	// VNICProfileID is the vNIC profile of the VMs. Default: the network's only
	// one. A UUID; needed if the network has several.
	VNICProfileID string `json:"vnicProfileID,omitempty" pattern:"uuid"`
	// APIVIPs are the virtual addresses of the API. One, or for dual stack one per
	// IP family; free addresses in machineNetwork, outside of any DHCP range.
	APIVIPs []netip.Addr `json:"api_vips,omitempty" required:"true" maxitems:"2"`
	// IngressVIPs are the virtual addresses of routes. As api_vips, and different
	// from them.
	IngressVIPs []netip.Addr `json:"ingress_vips,omitempty" required:"true" maxitems:"2"`
	// LegacyAPIVIP is the old form of api_vips, with one address.
	LegacyAPIVIP netip.Addr `json:"api_vip,omitzero" renamed:"api_vips"`
	// LegacyIngressVIP is the old form of ingress_vips, with one address.
	LegacyIngressVIP netip.Addr `json:"ingress_vip,omitzero" renamed:"ingress_vips"`
	// LegacyDNSVIP is an address that releases before 4.6 needed. It means nothing
	// any more.
	LegacyDNSVIP netip.Addr `json:"dns_vip,omitzero" renamed:""`
	// AffinityGroups are the affinity groups that are created. Default: compute
	// with priority 3 and controlplane with priority 5, both enforcing. An empty
	// list creates none.
	AffinityGroups []AffinityGroup `json:"affinityGroups,omitempty"`
	// DefaultMachinePlatform is the hardware of VMs of pools that do not say
	// otherwise. Default: none.
	DefaultMachinePlatform *MachinePool `json:"defaultMachinePlatform,omitempty"`
	// LoadBalancer says who balances API and routes. Default: the nodes do.
	LoadBalancer *vips.LoadBalancer `json:"loadBalancer,omitempty"`

	written []AffinityGroup // the groups as the file has them
}

// AffinityGroup keeps VMs of a pool on different hosts. Its name in the
// engine is <infraID>-<name>.
type AffinityGroup struct {
	// Name is the name that pools use in affinityGroupsNames.
	Name string `json:"name" required:"true"`
	// Priority is the weight among affinity groups that contradict each other.
	// Default: 0. From 0 to 5, higher wins.
	Priority int `json:"priority" min:"0" max:"5"`
	// Description is for people to read. Default: none.
	Description string `json:"description,omitempty"`
	// Enforcing says whether a VM stays off if there is no other host left for it.
	// Default: false.
	Enforcing bool `json:"enforcing"`
}

// MachinePool is the hardware of VMs. A pool takes what it leaves open
// from defaultMachinePlatform, then from the built-in defaults.
type MachinePool struct {
	// InstanceTypeID is an instance type of the engine that says how many CPUs and
	// how much memory a VM has. Default: none. A UUID; excludes cpu and memoryMB.
	InstanceTypeID string `json:"instanceTypeID,omitempty" pattern:"uuid"`
	// CPU is the virtual CPUs. Default: 4 cores in 1 socket.
	CPU *CPU `json:"cpu,omitempty"`
	// MemoryMB is the memory in MiB. Default: 16348.
	MemoryMB int32 `json:"memoryMB,omitempty" min:"1" default:"16348"`
	// OSDisk is the disk with the operating system. Default: 120 GiB.
	OSDisk *Disk `json:"osDisk,omitempty"`
	// VMType is what the engine optimizes the VM for. Default: high_performance for
	// the control plane, server for compute. One of desktop, server,
	// high_performance.
	VMType string `json:"vmType,omitempty" enum:"desktop,server,high_performance" refuse:"Invalid"`
	// AffinityGroupsNames are the affinity groups that the VMs are in. Default:
	// controlplane or compute, if affinityGroups has it. Names of affinityGroups.
	AffinityGroupsNames []string `json:"affinityGroupsNames,omitempty"`
	// AutoPinningPolicy says whether CPUs and NUMA nodes are pinned to the host's.
	// Default: none. One of none, resize_and_pin.
	AutoPinningPolicy string `json:"autoPinningPolicy,omitempty" enum:"none,resize_and_pin"`
	// Hugepages is the size of the memory pages in KiB. Default: the host's own.
	// One of 2048, 1048576.
	Hugepages int32 `json:"hugepages,omitempty" enum:"2048,1048576"`
	// Clone says whether a disk is a full copy of the template's. Default: true,
	// for vmType desktop false.
	Clone *bool `json:"clone,omitempty" default:"true"`
	// Sparse says whether a disk takes only the space that is used. Default: as the
	// template.
	Sparse *bool `json:"sparse,omitempty"`
	// Format is the format of the disks. Default: as the template. One of raw, cow.
	Format string `json:"format,omitempty" enum:"raw,cow"`

	own *MachinePool // what the file says of a pool, without what it inherits
}

// CPU is a CPU topology. A VM has sockets × cores × threads CPUs.
type CPU struct {
	// Sockets is the number of sockets. Default: 1.
	Sockets int32 `json:"sockets" min:"1" default:"1"`
	// Cores is the number of cores in each socket. Default: 4.
	Cores int32 `json:"cores" required:"true" min:"1"`
	// Threads is the number of threads of each core. Default: 1.
	Threads int32 `json:"threads,omitempty" min:"1" default:"1"`
}

// Disk is the boot disk of a VM.
type Disk struct {
	// SizeGB is the size in GiB. Default: 120.
	SizeGB int64 `json:"sizeGB" required:"true" min:"1"`
}

// Types of oVirt VMs.
const (
	VMTypeServer          = "server"
	VMTypeDesktop         = "desktop"
	VMTypeHighPerformance = "high_performance"
)
