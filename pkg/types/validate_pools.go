package types

import (
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

// maxReplicas is far above what Kubernetes supports. It keeps a slip of the
// finger from planning machines until memory is full.
const maxReplicas = 20_000

func validatePools(c *InstallConfig, r *report.Report) {
	at := report.NewPath("controlPlane")
	if c.ControlPlane.Name != MasterPool {
		r.Unsupported(at.Child("name"), c.ControlPlane.Name, MasterPool)
	}
	validatePool(c, c.ControlPlane, at, r)
	if !r.Broken(at.Child("replicas")) {
		switch n := *c.ControlPlane.Replicas; {
		case n < 1:
			r.Invalid(at.Child("replicas"), n, "there must be at least one")
		case n == 2 && c.Arbiter == nil && c.ControlPlane.Fencing == nil:
			r.Invalid(at.Child("replicas"), n, "two members of etcd survive no failure; use 1 or 3 to 5, or add arbiter.replicas: 1")
		case n > 5 && n <= maxReplicas:
			r.Warn(at.Child("replicas"), n, "etcd becomes slower, not safer, with more than 5 members")
		}
	}
	validateFencing(c, at.Child("fencing"), r)
	validateArbiter(c, r)
	at = report.NewPath("compute")
	seen := map[string]bool{}
	for i := range c.Compute {
		p, at := &c.Compute[i], at.Index(i)
		switch {
		case p.Name == "":
			r.Required(at.Child("name"), "write name: %s", WorkerPool)
		case p.Name != WorkerPool:
			r.Unsupported(at.Child("name"), p.Name, WorkerPool)
		case seen[p.Name]:
			r.Duplicate(at.Child("name"), p.Name, "another pool has this name")
		}
		seen[p.Name] = true
		validatePool(c, p, at, r)
		validateFollower(c, p, at, r)
	}
}

// validatePool checks what all pools have in common.
func validatePool(c *InstallConfig, p *MachinePool, at report.Path, r *report.Report) {
	switch n := *p.Replicas; {
	case n < 0 && p != c.ControlPlane: // which has a message of its own
		r.Invalid(at.Child("replicas"), n, "must not be negative")
	case n > maxReplicas:
		r.Invalid(at.Child("replicas"), n, "must be at most %d", maxReplicas)
	}
	if c.Platform.Ovirt != nil && p.Architecture != archAMD64 {
		// The engine hands Ignition only to VMs of type rhcos_x64.
		r.Unsupported(at.Child("architecture"), p.Architecture, archAMD64)
	}
	if p.Platform.Ovirt != nil && c.Platform.Ovirt == nil {
		otherPlatform(c, PlatformOvirt, at, r)
	}
	if p.Platform.BareMetal != nil && c.Platform.BareMetal == nil {
		otherPlatform(c, PlatformBareMetal, at, r)
	}
	if len(p.DiskSetup) > 0 {
		r.Forbidden(at.Child("diskSetup"), "no platform of this installer has it; set up disks with a MachineConfig")
	}
	if p.OSImageStream != "" {
		r.Forbidden(at.Child("osImageStream"), "OKD has one operating system for all machines; remove it")
	}
}

func otherPlatform(c *InstallConfig, name string, at report.Path, r *report.Report) {
	if c.Platform.Name() != "" { // otherwise that is the finding
		r.Invalid(at.Child("platform", name), name, "the cluster's platform is %s; remove it", c.Platform.Name())
	}
}

// validateFollower checks a pool against the control plane.
func validateFollower(c *InstallConfig, p *MachinePool, at report.Path, r *report.Report) {
	arch := report.NewPath("controlPlane", "architecture")
	if p.Architecture != c.ControlPlane.Architecture && c.Platform.Ovirt == nil && !r.Broken(arch) {
		r.Invalid(at.Child("architecture"), p.Architecture, "must be that of the control plane, %s", c.ControlPlane.Architecture)
	}
	if p.Fencing != nil {
		r.Invalid(at.Child("fencing"), nil, "is for controlPlane only")
	}
}

func validateArbiter(c *InstallConfig, r *report.Report) {
	p := c.Arbiter
	if p == nil {
		return
	}
	at := report.NewPath("arbiter")
	if name := c.Platform.Name(); name != "" && name != PlatformBareMetal {
		r.Unsupported(at.Child("platform"), name, PlatformBareMetal)
	}
	if p.Name != ArbiterPool {
		r.Unsupported(at.Child("name"), p.Name, ArbiterPool)
	}
	validatePool(c, p, at, r)
	validateFollower(c, p, at, r)
	if n := *p.Replicas; n == 0 {
		r.Invalid(at.Child("replicas"), n, "there must be at least one")
	} else if m := c.Masters(); m < 2 && !r.Broken(report.NewPath("controlPlane", "replicas")) {
		r.Invalid(at.Child("replicas"), m, "an arbiter needs at least 2 control-plane machines")
	}
}

// validateFencing checks the controllers with which two control-plane machines
// switch each other off.
func validateFencing(c *InstallConfig, at report.Path, r *report.Report) {
	f := c.ControlPlane.Fencing
	if f == nil {
		return
	}
	if c.Platform.Ovirt != nil {
		r.Forbidden(at, "is for platforms %s, %s and %s", PlatformBareMetal, PlatformExternal, PlatformNone)
		return
	}
	at = at.Child("credentials")
	n := len(f.Credentials)
	switch {
	case r.Broken(at) || r.Broken(report.NewPath("controlPlane", "replicas")):
	case c.Masters() != 2 || c.Arbiters() > 0:
		if n > 0 {
			r.Forbidden(at, "are for exactly 2 control-plane machines without arbiter")
		}
	case n != 2:
		r.Forbidden(at, "there must be exactly 2, one for each control-plane machine")
	}
	names, macs, addresses := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, cred := range f.Credentials {
		at := at.Index(i)
		if cred.HostName == "" && cred.MACAddress == "" {
			r.Required(at, "write hostName, the name of the machine, or macAddress")
		}
		if cred.HostName != "" {
			unique(r, at.Child("hostName"), cred.HostName, cred.HostName, names, "")
		}
		if cred.MACAddress != "" && checkMAC(r, at.Child("macAddress"), cred.MACAddress) {
			unique(r, at.Child("macAddress"), cred.MACAddress, plainMAC(cred.MACAddress), macs, "")
		}
		if cred.Username == "" {
			r.Required(at.Child("username"), "the user to log in to the management controller as")
		}
		if cred.Password.IsZero() {
			r.Required(at.Child("password"), "the user's password")
		}
		// All virtual media goes over Redfish, whatever the vendor calls it.
		scheme, _, _ := strings.Cut(strings.ToLower(cred.Address), ":")
		redfish := strings.Contains(scheme, "redfish") || strings.Contains(scheme, "virtualmedia")
		if checkBMCAddress(r, at.Child("address"), at.Child("address"), cred.Address, addresses) != nil && !redfish {
			r.Invalid(at.Child("address"), cred.Address, "fencing needs Redfish, like redfish+https://192.168.1.10/redfish/v1/Systems/1")
		}
	}
}

// unique refuses an empty value and one that another item has. The key is what
// is compared.
func unique(r *report.Report, at report.Path, value, key string, seen map[string]bool, what string) {
	switch {
	case value == "":
		r.Required(at, "%s", what)
	case seen[key]:
		r.Duplicate(at, value, "another one has it")
	}
	seen[key] = true
}
