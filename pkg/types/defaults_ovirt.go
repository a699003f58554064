package types

import (
	"net/netip"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

// Built-in hardware of VMs. The odd memory size is what the reference has
// always used.
const (
	ovirtDefaultNetwork  = "ovirtmgmt"
	ovirtDefaultCores    = 4
	ovirtDefaultMemoryMB = 16348
	ovirtDefaultDiskGB   = 120

	computeGroup      = "compute"
	controlPlaneGroup = "controlplane"
)

func defaultOvirt(c *InstallConfig, p *OvirtPlatform, r *report.Report) {
	at := report.NewPath("platform", PlatformOvirt)
	for _, vips := range [][]netip.Addr{p.APIVIPs, p.IngressVIPs} {
		if len(vips) == 2 && vips[0].Is6() && vips[1].Is4() { // nodes are known by the first
			vips[0], vips[1] = vips[1], vips[0]
		}
	}
	if p.NetworkName == "" {
		p.NetworkName = ovirtDefaultNetwork
	}
	if p.AffinityGroups == nil {
		p.AffinityGroups = []OvirtAffinityGroup{
			{Name: computeGroup, Priority: 3, Description: "AffinityGroup for spreading each compute machine to a different host", Enforcing: true},
			{Name: controlPlaneGroup, Priority: 5, Description: "AffinityGroup for spreading each control plane machine to a different host", Enforcing: true},
		}
	}
	validateAffinityGroups(p, at.Child("affinityGroups"), r)
	p.AffinityGroups = withoutRepeats(p.AffinityGroups)
	validateOvirtPool(p, p.DefaultMachinePlatform, at.Child("defaultMachinePlatform"), r)
	validateOvirtPool(p, c.ControlPlane.Platform.Ovirt, report.NewPath("controlPlane", "platform", PlatformOvirt), r)
	c.ControlPlane.Platform.Ovirt = completeOvirt(c.ControlPlane.Platform.Ovirt, p, VMTypeHighPerformance, controlPlaneGroup)
	for i := range c.Compute {
		pool := &c.Compute[i]
		validateOvirtPool(p, pool.Platform.Ovirt, report.NewPath("compute").Index(i).Child("platform", PlatformOvirt), r)
		pool.Platform.Ovirt = completeOvirt(pool.Platform.Ovirt, p, VMTypeServer, computeGroup)
	}
}

// withoutRepeats is a list without items that are there a second time. The
// reference accepts those, and a group cannot be created twice.
func withoutRepeats(groups []OvirtAffinityGroup) []OvirtAffinityGroup {
	out := groups[:0:0]
	for _, g := range groups {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// completeOvirt is what a pool says, then what defaultMachinePlatform says,
// then the built-in hardware. An instance type and explicit sizes replace each
// other rather than mix.
func completeOvirt(own *OvirtMachinePool, platform *OvirtPlatform, vmType, group string) *OvirtMachinePool {
	out := OvirtMachinePool{}
	if own != nil {
		out = *own
	}
	if base := platform.DefaultMachinePlatform; base != nil {
		sized := out.CPU != nil || out.MemoryMB != 0
		if out.InstanceTypeID == "" && !sized {
			out.InstanceTypeID = base.InstanceTypeID
		}
		if out.InstanceTypeID == "" {
			out.CPU = or(out.CPU, base.CPU)
			out.MemoryMB = or(out.MemoryMB, base.MemoryMB)
		}
		out.OSDisk = or(out.OSDisk, base.OSDisk)
		out.VMType = or(out.VMType, base.VMType)
		out.AutoPinningPolicy = or(out.AutoPinningPolicy, base.AutoPinningPolicy)
		out.Hugepages = or(out.Hugepages, base.Hugepages)
		out.Clone = or(out.Clone, base.Clone)
		out.Sparse = or(out.Sparse, base.Sparse)
		out.Format = or(out.Format, base.Format)
		if out.AffinityGroupsNames == nil {
			out.AffinityGroupsNames = base.AffinityGroupsNames
		}
	}
	if out.InstanceTypeID == "" {
		cpu := OvirtCPU{Cores: ovirtDefaultCores}
		if out.CPU != nil {
			cpu = *out.CPU
		}
		cpu.Sockets, cpu.Threads = or(cpu.Sockets, 1), or(cpu.Threads, 1)
		out.CPU = &cpu
		out.MemoryMB = or(out.MemoryMB, ovirtDefaultMemoryMB)
	}
	if out.OSDisk == nil {
		out.OSDisk = &OvirtDisk{SizeGB: ovirtDefaultDiskGB}
	}
	out.VMType = or(out.VMType, vmType)
	if out.Clone == nil {
		clone := out.VMType != VMTypeDesktop
		out.Clone = &clone
	}
	if out.AffinityGroupsNames == nil {
		for _, g := range platform.AffinityGroups {
			if g.Name == group {
				out.AffinityGroupsNames = []string{group}
			}
		}
	}
	return &out
}
