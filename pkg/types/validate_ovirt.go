package types

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

const (
	maxPriority = 5
	maxCPUs     = 1024
	maxDiskGB   = 65_536 // far above what engines allow; sizes in bytes stay in range
)

func validateOvirt(c *InstallConfig, p *OvirtPlatform, at report.Path, r *report.Report) {
	required := []struct{ name, value, what string }{
		{"ovirt_cluster_id", p.ClusterID, "the UUID of the oVirt cluster that will run the VMs"},
		{"ovirt_storage_domain_id", p.StorageDomainID, "the UUID of the storage domain for the VMs' disks"},
	}
	for _, f := range required {
		if f.value == "" {
			r.Required(at.Child(f.name), "%s", f.what)
		} else {
			validateUUID(f.value, at.Child(f.name), r)
		}
	}
	validateUUID(p.VNICProfileID, at.Child("vnicProfileID"), r)
	validateVIPs(c, vips{
		at: at, vipNames: ovirtVIPNames, api: p.APIVIPs, ingress: p.IngressVIPs, balancer: p.LoadBalancer,
		missing: "a free address in machineNetwork, outside any DHCP range",
	}, r)
}

func validateUUID(value string, at report.Path, r *report.Report) {
	if value != "" && !uuidForm.MatchString(value) {
		r.Invalid(at, value, "must be a UUID")
	}
}

// validateAffinityGroups checks the groups as the file has them. The same group
// twice is allowed.
func validateAffinityGroups(p *OvirtPlatform, at report.Path, r *report.Report) {
	seen := map[string]OvirtAffinityGroup{}
	for i, g := range p.AffinityGroups {
		first, again := seen[g.Name]
		switch {
		case g.Name == "":
			r.Required(at.Index(i).Child("name"), "the group needs a name")
		case again && g != first:
			r.Duplicate(at.Index(i).Child("name"), g.Name, "another group has this name and says something else")
		case again:
			continue
		}
		seen[g.Name] = g
		if g.Priority < 0 || g.Priority > maxPriority {
			r.Invalid(at.Index(i).Child("priority"), g.Priority, "must be between 0 and %d", maxPriority)
		}
	}
}

// validateOvirtPool checks what a pool, or defaultMachinePlatform, says itself.
// It has to run before the pools inherit, which blurs who set what.
func validateOvirtPool(platform *OvirtPlatform, p *OvirtMachinePool, at report.Path, r *report.Report) {
	if p == nil {
		return
	}
	validateUUID(p.InstanceTypeID, at.Child("instanceTypeID"), r)
	if p.InstanceTypeID != "" && p.CPU != nil {
		r.Invalid(at.Child("instanceTypeID"), p.InstanceTypeID, "already says how many CPUs there are, and so does cpu; set one of them")
	}
	if p.InstanceTypeID != "" && p.MemoryMB != 0 {
		r.Invalid(at.Child("instanceTypeID"), p.InstanceTypeID, "already says how much memory there is, and so does memoryMB; set one of them")
	}
	if cpu := p.CPU; cpu != nil {
		for _, f := range []struct {
			name         string
			value, least int32
		}{{"cores", cpu.Cores, 1}, {"sockets", cpu.Sockets, 0}, {"threads", cpu.Threads, 0}} {
			if f.value < f.least || f.value > maxCPUs {
				r.Invalid(at.Child("cpu", f.name), f.value, "must be between 1 and %d", maxCPUs)
			}
		}
	}
	if p.MemoryMB < 0 {
		r.Invalid(at.Child("memoryMB"), p.MemoryMB, "must be positive")
	}
	if d := p.OSDisk; d != nil && (d.SizeGB <= 0 || d.SizeGB > maxDiskGB) {
		r.Invalid(at.Child("osDisk", "sizeGB"), d.SizeGB, "must be between 1 and %d", maxDiskGB)
	}
	for i, name := range p.AffinityGroupsNames {
		if !slices.ContainsFunc(platform.AffinityGroups, func(g OvirtAffinityGroup) bool { return g.Name == name }) {
			r.InvalidItem(at.Child("affinityGroupsNames"), i, name, "platform.ovirt.affinityGroups has no group of this name")
		}
	}
}
