package types

import "net/netip"

// Platform is where the machines are. Exactly one field is set.
type Platform struct {
	Ovirt     *OvirtPlatform     `json:"ovirt,omitempty"`
	BareMetal *BareMetalPlatform `json:"baremetal,omitempty"`
	None      *NonePlatform      `json:"none,omitempty"`
	External  *ExternalPlatform  `json:"external,omitempty"`
}

// Names of the platforms, as keys of install-config.yaml.
const (
	PlatformOvirt     = "ovirt"
	PlatformBareMetal = "baremetal"
	PlatformNone      = "none"
	PlatformExternal  = "external"
)

// Name is the key of the platform that is set, empty if none is.
func (p Platform) Name() string {
	switch {
	case p.Ovirt != nil:
		return PlatformOvirt
	case p.BareMetal != nil:
		return PlatformBareMetal
	case p.None != nil:
		return PlatformNone
	case p.External != nil:
		return PlatformExternal
	}
	return ""
}

// NonePlatform is machines that the user makes.
type NonePlatform struct{}

// ExternalPlatform is machines on a platform of which only the name is known.
type ExternalPlatform struct {
	PlatformName           string `json:"platformName,omitempty"`
	CloudControllerManager string `json:"cloudControllerManager,omitempty"`
}

// Kinds of load balancer.
const (
	LoadBalancerManaged     = "OpenShiftManagedDefault"
	LoadBalancerUserManaged = "UserManaged"
)

// LoadBalancer says who balances API and routes.
type LoadBalancer struct {
	Type string `json:"type,omitempty"`
}

func (l *LoadBalancer) kind() string {
	if l == nil || l.Type == "" {
		return LoadBalancerManaged
	}
	return l.Type
}

// OvirtPlatform is an oVirt cluster. How to log in to its engine is not part of
// install-config.yaml but of ovirt-config.yaml.
type OvirtPlatform struct {
	ClusterID       string       `json:"ovirt_cluster_id"`
	StorageDomainID string       `json:"ovirt_storage_domain_id"`
	NetworkName     string       `json:"ovirt_network_name,omitempty"`
	VNICProfileID   string       `json:"vnicProfileID,omitempty"`
	APIVIPs         []netip.Addr `json:"api_vips,omitempty"`
	IngressVIPs     []netip.Addr `json:"ingress_vips,omitempty"`
	// LegacyAPIVIP and LegacyIngressVIP are the singular forms; Load moves them.
	LegacyAPIVIP           netip.Addr           `json:"api_vip,omitzero"`
	LegacyIngressVIP       netip.Addr           `json:"ingress_vip,omitzero"`
	AffinityGroups         []OvirtAffinityGroup `json:"affinityGroups,omitempty"`
	DefaultMachinePlatform *OvirtMachinePool    `json:"defaultMachinePlatform,omitempty"`
	LoadBalancer           *LoadBalancer        `json:"loadBalancer,omitempty"`
}

// OvirtAffinityGroup keeps VMs of a pool on different hosts. Its name in the
// engine is <infraID>-<name>.
type OvirtAffinityGroup struct {
	Name        string `json:"name"`
	Priority    int    `json:"priority"`
	Description string `json:"description,omitempty"`
	Enforcing   bool   `json:"enforcing"`
}

// OvirtMachinePool is the hardware of VMs. A pool takes what it leaves open
// from defaultMachinePlatform, then from the built-in defaults.
type OvirtMachinePool struct {
	InstanceTypeID      string     `json:"instanceTypeID,omitempty"`
	CPU                 *OvirtCPU  `json:"cpu,omitempty"`
	MemoryMB            int32      `json:"memoryMB,omitempty"`
	OSDisk              *OvirtDisk `json:"osDisk,omitempty"`
	VMType              string     `json:"vmType,omitempty"`
	AffinityGroupsNames []string   `json:"affinityGroupsNames,omitempty"`
	AutoPinningPolicy   string     `json:"autoPinningPolicy,omitempty"`
	Hugepages           int32      `json:"hugepages,omitempty"`
	Clone               *bool      `json:"clone,omitempty"`
	Sparse              *bool      `json:"sparse,omitempty"`
	Format              string     `json:"format,omitempty"`
}

// OvirtCPU is a CPU topology.
type OvirtCPU struct {
	Sockets int32 `json:"sockets"`
	Cores   int32 `json:"cores"`
	Threads int32 `json:"threads,omitempty"`
}

// Total is the number of virtual CPUs.
func (c OvirtCPU) Total() int { return int(c.Sockets * c.Cores * c.Threads) }

// OvirtDisk is the boot disk of a VM.
type OvirtDisk struct {
	SizeGB int64 `json:"sizeGB"`
}

// Types of oVirt VMs.
const (
	VMTypeServer          = "server"
	VMTypeDesktop         = "desktop"
	VMTypeHighPerformance = "high_performance"
)
