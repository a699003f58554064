package config

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/values"
	"github.com/okd-install/okd-install/pkg/types/vips"
)

// Built-in hardware of VMs. The odd memory size is what the reference has
// always used.
const (
	defaultNetwork  = "ovirtmgmt"
	defaultCores    = 4
	defaultMemoryMB = 16348
	defaultDiskGB   = 120

	computeGroup      = "compute"
	controlPlaneGroup = "controlplane"
)

const (
	maxPriority = 5
	maxCPUs     = 1024
	maxDiskGB   = 65_536 // far above what engines allow; sizes in bytes stay in range
)

// VIPs are the virtual addresses of API and routes.
func (p *Platform) VIPs() *vips.Set {
	return &vips.Set{
		API:      vips.List{Name: "api_vips", Old: "api_vip", Addrs: &p.APIVIPs, One: &p.LegacyAPIVIP},
		Ingress:  vips.List{Name: "ingress_vips", Old: "ingress_vip", Addrs: &p.IngressVIPs, One: &p.LegacyIngressVIP},
		Balancer: p.LoadBalancer,
		Missing:  "a free address in machineNetwork, outside any DHCP range",
	}
}

// Convert implements types.Converter.
func (p *Platform) Convert(at report.Field) {
	values.Drop(at.Child("dns_vip"), &p.LegacyDNSVIP)
}

// SetDefaults implements types.Defaulter.
func (p *Platform) SetDefaults(c *types.InstallConfig, _ types.Options) {
	for _, vips := range [][]netip.Addr{p.APIVIPs, p.IngressVIPs} {
		if len(vips) == 2 && vips[0].Is6() && vips[1].Is4() { // nodes are known by the first
			vips[0], vips[1] = vips[1], vips[0]
		}
	}
	p.NetworkName = cmp.Or(p.NetworkName, defaultNetwork)
	if p.AffinityGroups == nil {
		p.AffinityGroups = defaultGroups()
	}
	p.written = p.AffinityGroups
	p.AffinityGroups = withoutRepeats(p.AffinityGroups)
	p.complete(c.ControlPlane, VMTypeHighPerformance, controlPlaneGroup)
	for i := range c.Compute {
		p.complete(&c.Compute[i], VMTypeServer, computeGroup)
	}
}

func defaultGroups() []AffinityGroup {
	return []AffinityGroup{
		{Name: computeGroup, Priority: 3, Enforcing: true,
			Description: "AffinityGroup for spreading each compute machine to a different host"},
		{Name: controlPlaneGroup, Priority: 5, Enforcing: true,
			Description: "AffinityGroup for spreading each control plane machine to a different host"},
	}
}

// withoutRepeats drops the second of equal groups, which the reference accepts.
func withoutRepeats(groups []AffinityGroup) []AffinityGroup {
	out := groups[:0:0]
	for _, g := range groups {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// complete gives a pool what it leaves open: defaultMachinePlatform, then built-in
// hardware. An instance type and explicit sizes replace each other.
func (p *Platform) complete(pool *types.MachinePool, vmType, group string) {
	out := MachinePool{}
	if own := PoolOf(pool); own != nil {
		out = *own
		out.own = own
	}
	if p.DefaultMachinePlatform != nil {
		out.inherit(p.DefaultMachinePlatform)
	}
	if out.InstanceTypeID == "" {
		cpu := CPU{Cores: defaultCores}
		if out.CPU != nil {
			cpu = *out.CPU
		}
		cpu.Sockets, cpu.Threads = cmp.Or(cpu.Sockets, 1), cmp.Or(cpu.Threads, 1)
		out.CPU = &cpu
		out.MemoryMB = cmp.Or(out.MemoryMB, defaultMemoryMB)
	}
	if out.OSDisk == nil {
		out.OSDisk = &Disk{SizeGB: defaultDiskGB}
	}
	out.VMType = cmp.Or(out.VMType, vmType)
	if out.Clone == nil {
		clone := out.VMType != VMTypeDesktop
		out.Clone = &clone
	}
	if out.AffinityGroupsNames == nil && p.hasGroup(group) {
		out.AffinityGroupsNames = []string{group}
	}
	pool.Platform.Set(Name, &out)
}

// inherit takes from the base what the pool leaves open.
func (m *MachinePool) inherit(base *MachinePool) {
	sized := m.CPU != nil || m.MemoryMB != 0
	if m.InstanceTypeID == "" && !sized {
		m.InstanceTypeID = base.InstanceTypeID
	}
	if m.InstanceTypeID == "" {
		m.CPU = cmp.Or(m.CPU, base.CPU)
		m.MemoryMB = cmp.Or(m.MemoryMB, base.MemoryMB)
	}
	m.OSDisk = cmp.Or(m.OSDisk, base.OSDisk)
	m.VMType = cmp.Or(m.VMType, base.VMType)
	m.AutoPinningPolicy = cmp.Or(m.AutoPinningPolicy, base.AutoPinningPolicy)
	m.Hugepages = cmp.Or(m.Hugepages, base.Hugepages)
	m.Clone = cmp.Or(m.Clone, base.Clone)
	m.Sparse = cmp.Or(m.Sparse, base.Sparse)
	m.Format = cmp.Or(m.Format, base.Format)
	if m.AffinityGroupsNames == nil {
		m.AffinityGroupsNames = base.AffinityGroupsNames
	}
}

func (p *Platform) hasGroup(name string) bool {
	return slices.ContainsFunc(p.AffinityGroups, func(g AffinityGroup) bool { return g.Name == name })
}

// Validate implements types.Validator.
func (p *Platform) Validate(k types.Check) {
	for _, f := range []struct{ name, value, what string }{
		{"ovirt_cluster_id", p.ClusterID, "the UUID of the oVirt cluster that will run the VMs"},
		{"ovirt_storage_domain_id", p.StorageDomainID, "the UUID of the storage domain for the VMs' disks"},
	} {
		if f.value == "" {
			k.Child(f.name).Required("%s", f.what)
		}
		checkUUID(k.Child(f.name), f.value)
	}
	checkUUID(k.Child("vnicProfileID"), p.VNICProfileID)
	p.checkAffinityGroups(k.Child("affinityGroups"))
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func checkUUID(at report.Field, value string) {
	if value != "" && !uuidForm.MatchString(value) {
		at.Invalid(value, "must be a UUID")
	}
}

// checkAffinityGroups checks the groups; the same one twice is allowed.
func (p *Platform) checkAffinityGroups(list report.Field) {
	seen := map[string]AffinityGroup{}
	for i, g := range p.written {
		at := list.Index(i)
		first, again := seen[g.Name]
		switch {
		case g.Name == "":
			at.Child("name").Required("the group needs a name")
		case again && g != first:
			at.Child("name").Duplicate(g.Name, "another group has this name and says something else")
		case again:
			continue
		}
		seen[g.Name] = g
		if g.Priority < 0 || g.Priority > maxPriority {
			at.Child("priority").Invalid(g.Priority, "must be between 0 and %d", maxPriority)
		}
	}
}

// Validate implements types.Validator, for what the pool itself says.
func (m *MachinePool) Validate(k types.Check) {
	platform := Of(k.Config)
	own := m.own
	if platform != nil && m == platform.DefaultMachinePlatform {
		own = m
	}
	if platform == nil || own == nil {
		return
	}
	own.check(k.Field)
	for i, name := range own.AffinityGroupsNames {
		if !platform.hasGroup(name) {
			k.Child("affinityGroupsNames").Item(i).Invalid(name, "platform.ovirt.affinityGroups has no group of this name")
		}
	}
}

func (m *MachinePool) check(at report.Field) {
	kind := at.Child("instanceTypeID")
	checkUUID(kind, m.InstanceTypeID)
	if m.InstanceTypeID != "" && m.CPU != nil {
		kind.Invalid(m.InstanceTypeID, "already says how many CPUs there are, and so does cpu; set one of them")
	}
	if m.InstanceTypeID != "" && m.MemoryMB != 0 {
		kind.Invalid(m.InstanceTypeID, "already says how much memory there is, and so does memoryMB; set one of them")
	}
	if cpu := m.CPU; cpu != nil {
		for _, f := range []struct {
			name         string
			value, least int32
		}{{"cores", cpu.Cores, 1}, {"sockets", cpu.Sockets, 0}, {"threads", cpu.Threads, 0}} {
			if f.value < f.least || f.value > maxCPUs {
				at.Child("cpu", f.name).Invalid(f.value, "must be between 1 and %d", maxCPUs)
			}
		}
	}
	if m.MemoryMB < 0 {
		at.Child("memoryMB").Invalid(m.MemoryMB, "must be positive")
	}
	if d := m.OSDisk; d != nil && (d.SizeGB <= 0 || d.SizeGB > maxDiskGB) {
		at.Child("osDisk", "sizeGB").Invalid(d.SizeGB, "must be between 1 and %d", maxDiskGB)
	}
}
