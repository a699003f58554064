package types

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

const maxPriority = 5

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
	validateVIPs(c, at, "api_vips", p.APIVIPs, "ingress_vips", p.IngressVIPs, p.LoadBalancer, r)
	validateAffinityGroups(p, at.Child("affinityGroups"), r)
	if p.DefaultMachinePlatform != nil {
		validateOvirtPool(p, p.DefaultMachinePlatform, at.Child("defaultMachinePlatform"), false, r)
	}
	validateOvirtPool(p, c.ControlPlane.Platform.Ovirt, report.NewPath("controlPlane", "platform", PlatformOvirt), true, r)
	for i := range c.Compute {
		validateOvirtPool(p, c.Compute[i].Platform.Ovirt, report.NewPath("compute").Index(i).Child("platform", PlatformOvirt), true, r)
	}
}

func validateUUID(value string, at report.Path, r *report.Report) {
	if value != "" && !uuidForm.MatchString(value) {
		r.Invalid(at, value, "must be a UUID")
	}
}

func validateAffinityGroups(p *OvirtPlatform, at report.Path, r *report.Report) {
	seen := map[string]bool{}
	for i, g := range p.AffinityGroups {
		switch {
		case g.Name == "":
			r.Required(at.Index(i).Child("name"), "the group needs a name")
		case seen[g.Name]:
			r.Duplicate(at.Index(i).Child("name"), g.Name, "another group has this name")
		}
		seen[g.Name] = true
		if g.Priority < 0 || g.Priority > maxPriority {
			r.Invalid(at.Index(i).Child("priority"), g.Priority, "must be between 0 and %d", maxPriority)
		}
	}
}

// validateOvirtPool checks a pool with what it inherited, or the incomplete
// defaultMachinePlatform. What a pool inherited is reported only where it comes
// from.
func validateOvirtPool(platform *OvirtPlatform, p *OvirtMachinePool, at report.Path, complete bool, r *report.Report) {
	base := platform.DefaultMachinePlatform
	inherits := complete && base != nil
	validateUUIDUnless(inherits && p.InstanceTypeID == base.InstanceTypeID, p.InstanceTypeID, at.Child("instanceTypeID"), r)
	if cpu := p.CPU; cpu != nil && (!inherits || base.CPU == nil || base.CPU.Cores != cpu.Cores) {
		for _, f := range []struct {
			name  string
			value int32
			least int32
		}{{"cores", cpu.Cores, 1}, {"sockets", cpu.Sockets, 0}, {"threads", cpu.Threads, 0}} {
			if f.value < f.least || f.value > 1024 {
				r.Invalid(at.Child("cpu", f.name), f.value, "must be between 1 and 1024")
			}
		}
	}
	if p.MemoryMB < 0 {
		r.Invalid(at.Child("memoryMB"), p.MemoryMB, "must be positive")
	}
	if d := p.OSDisk; d != nil && d.SizeGB <= 0 && (!inherits || base.OSDisk != d) {
		r.Invalid(at.Child("osDisk", "sizeGB"), d.SizeGB, "must be positive")
	}
	oneOf := func(name, value, inherited string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) && (!inherits || value != inherited) {
			r.Unsupported(at.Child(name), value, allowed...)
		}
	}
	if base == nil {
		base = &OvirtMachinePool{}
	}
	oneOf("vmType", p.VMType, base.VMType, VMTypeServer, VMTypeDesktop, VMTypeHighPerformance)
	oneOf("autoPinningPolicy", p.AutoPinningPolicy, base.AutoPinningPolicy, "none", "resize_and_pin")
	oneOf("format", p.Format, base.Format, "raw", "cow")
	if h := p.Hugepages; h != 0 && h != 2048 && h != 1048576 && (!inherits || h != base.Hugepages) {
		r.Unsupported(at.Child("hugepages"), h, "2048", "1048576")
	}
	for i, name := range p.AffinityGroupsNames {
		if inherits && slices.Equal(p.AffinityGroupsNames, base.AffinityGroupsNames) {
			break
		}
		if !slices.ContainsFunc(platform.AffinityGroups, func(g OvirtAffinityGroup) bool { return g.Name == name }) {
			r.NotFound(at.Child("affinityGroupsNames").Index(i), name, "platform.ovirt.affinityGroups has no group of this name")
		}
	}
}

func validateUUIDUnless(skip bool, value string, at report.Path, r *report.Report) {
	if !skip {
		validateUUID(value, at, r)
	}
}
