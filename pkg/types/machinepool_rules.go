package types

import (
	"cmp"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// maxReplicas is far above what Kubernetes supports. It keeps a typing error from filling
// the memory with planned machines.
const maxReplicas = 20_000

// SetDefaults implements Defaulter.
func (p *MachinePool) SetDefaults(c *InstallConfig, _ Options) {
	replicas := int64(3)
	switch p {
	case c.ControlPlane:
		p.Name = cmp.Or(p.Name, MasterPool)
	case c.Arbiter:
		p.Name = cmp.Or(p.Name, ArbiterPool)
		replicas = 1
	}
	if p.Replicas == nil {
		p.Replicas = &replicas
	}
	p.Hyperthreading = cmp.Or(p.Hyperthreading, "Enabled")
	p.Architecture = cmp.Or(p.Architecture, "amd64")
}

// SetDefaults implements Defaulter.
func (f *FencingCredential) SetDefaults(*InstallConfig, Options) {
	f.CertificateVerification = cmp.Or(f.CertificateVerification, "Enabled")
}

// Validate implements Validator.
func (p *MachinePool) Validate(k Check) {
	if p.Count() > maxReplicas {
		k.Child("replicas").Invalid(p.Count(), "must be at most %d", maxReplicas)
	}
	if known := k.Config.Platform.Kind().Architectures; known != nil && !slices.Contains(known, p.Architecture) {
		k.Child("architecture").Unsupported(p.Architecture, known...)
	}
	if len(p.DiskSetup) > 0 {
		k.Child("diskSetup").Forbidden("no platform of this installer has it; set up disks with a MachineConfig")
	}
	if p.OSImageStream != "" {
		k.Child("osImageStream").Forbidden("OKD has one operating system for all machines; remove it")
	}
	switch p {
	case k.Config.ControlPlane:
		p.checkControlPlane(k)
	case k.Config.Arbiter:
		p.checkArbiter(k)
	default:
		p.checkCompute(k)
	}
}

func (p *MachinePool) checkControlPlane(k Check) {
	if p.Name != MasterPool {
		k.Child("name").Unsupported(p.Name, MasterPool)
	}
	at := k.Child("replicas")
	switch n := p.Count(); {
	case at.Broken():
	case n < 1:
		at.Invalid(n, "there must be at least one")
	case n == 2 && k.Config.Arbiter == nil && p.Fencing == nil:
		at.Invalid(n, "two members of etcd survive no failure; use 1 or 3 to 5, or add arbiter.replicas: 1")
	case n > 5 && n <= maxReplicas && !k.Options.Agent:
		at.Warn(n, "etcd becomes slower, not safer, with more than 5 members")
	}
}

func (p *MachinePool) checkCompute(k Check) {
	at := k.Child("name")
	first := slices.IndexFunc(k.Config.Compute, func(other MachinePool) bool { return other.Name == p.Name })
	switch {
	case p.Name == "":
		at.Required("write name: %s", WorkerPool)
	case p.Name != WorkerPool:
		at.Unsupported(p.Name, WorkerPool)
	case &k.Config.Compute[first] != p:
		at.Duplicate(p.Name, "another pool has this name")
	}
	p.checkFollower(k)
}

func (p *MachinePool) checkArbiter(k Check) {
	if kind := k.Config.Platform.Kind(); kind.Name != "" && !kind.Arbiters {
		able := Names(k.Options.Platforms, func(kind PlatformKind) bool { return kind.Arbiters })
		k.Child("platform").Unsupported(kind.Name, able...)
	}
	if p.Name != ArbiterPool {
		k.Child("name").Unsupported(p.Name, ArbiterPool)
	}
	p.checkFollower(k)
	at := k.Child("replicas")
	if n := p.Count(); n == 0 {
		at.Invalid(n, "there must be at least one")
	} else if m := k.Config.Masters(); m < 2 && !k.Root("controlPlane", "replicas").Broken() {
		at.Invalid(m, "an arbiter needs at least 2 control-plane machines")
	}
}

// checkFollower compares a pool with the control plane.
func (p *MachinePool) checkFollower(k Check) {
	if p.Count() < 0 {
		k.Child("replicas").Invalid(p.Count(), "must not be negative")
	}
	first := k.Config.ControlPlane.Architecture
	one := len(k.Config.Platform.Kind().Architectures) == 1 // then another one is a finding already
	if p.Architecture != first && !one && !k.Root("controlPlane", "architecture").Broken() {
		k.Child("architecture").Invalid(p.Architecture, "must be that of the control plane, %s", first)
	}
	if p.Fencing != nil {
		k.Child("fencing").Invalid(nil, "is for controlPlane only")
	}
}

// Validate implements Validator. Fencing is how two control-plane machines switch
// each other off, through their management controllers.
func (f *Fencing) Validate(k Check) {
	if k.Config.ControlPlane.Fencing != f {
		return // of a pool that must not have it
	}
	if kind := k.Config.Platform.Kind(); kind.Name != "" && !kind.Fencing {
		able := Names(k.Options.Platforms, func(kind PlatformKind) bool { return kind.Fencing })
		k.Forbidden("is for platforms %s", JoinAnd(able))
		return
	}
	at, n := k.Child("credentials"), len(f.Credentials)
	switch {
	case at.Broken() || k.Root("controlPlane", "replicas").Broken():
	case k.Config.Masters() != 2 || k.Config.Arbiters() > 0:
		if n > 0 {
			at.Forbidden("are for exactly 2 control-plane machines without arbiter")
		}
	case n != 2:
		at.Forbidden("there must be exactly 2, one for each control-plane machine")
	}
	names, macs, addresses := values.Unique{}, values.Unique{}, values.Unique{}
	for i := range f.Credentials {
		f.Credentials[i].check(at.Index(i), names, macs, addresses)
	}
}

func (f *FencingCredential) check(at report.Field, names, macs, addresses values.Unique) {
	if f.HostName == "" && f.MACAddress == "" {
		at.Required("write hostName, the name of the machine, or macAddress")
	}
	if f.HostName != "" {
		names.Add(at.Child("hostName"), f.HostName, f.HostName)
	}
	if f.MACAddress != "" && values.MAC(at.Child("macAddress"), f.MACAddress) {
		macs.Add(at.Child("macAddress"), f.MACAddress, values.PlainMAC(f.MACAddress))
	}
	if f.Username == "" {
		at.Child("username").Required("the user to log in to the management controller as")
	}
	if f.Password.IsZero() {
		at.Child("password").Required("the user's password")
	}
	// All virtual media goes over Redfish, whatever the vendor calls it.
	scheme, _, _ := strings.Cut(strings.ToLower(f.Address), ":")
	redfish := strings.Contains(scheme, "redfish") || strings.Contains(scheme, "virtualmedia")
	here := at.Child("address")
	if values.BMCAddress(here, here, f.Address, addresses) != nil && !redfish {
		here.Invalid(f.Address, "fencing needs Redfish, like redfish+https://192.168.1.10/redfish/v1/Systems/1")
	}
}
