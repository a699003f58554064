package types

import (
	"cmp"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
)

// Platform is where the machines are. Exactly one is set.
type Platform struct {
	// Ovirt is an oVirt cluster, in which the installer makes VMs.
	Ovirt *OvirtPlatform `json:"ovirt,omitempty"`
	// BareMetal is hosts with a management controller, which the installer starts.
	BareMetal *BareMetalPlatform `json:"baremetal,omitempty"`
	// None is machines, DNS and load balancers that you make. It has no settings:
	// write none: {}.
	None *NonePlatform `json:"none,omitempty"`
	// External is machines that you make on a platform whose integration you add.
	External *ExternalPlatform `json:"external,omitempty"`
}

// Names of the platforms, as keys of install-config.yaml.
const (
	PlatformOvirt     = "ovirt"
	PlatformBareMetal = "baremetal"
	PlatformNone      = "none"
	PlatformExternal  = "external"
)

// PlatformNames are the platforms that a cluster can be installed on.
func PlatformNames() []string {
	return []string{PlatformBareMetal, PlatformExternal, PlatformNone, PlatformOvirt}
}

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

// Validate implements Validator.
func (p *Platform) Validate(k Check) {
	var set []string
	for name, is := range map[string]bool{
		PlatformOvirt: p.Ovirt != nil, PlatformBareMetal: p.BareMetal != nil,
		PlatformNone: p.None != nil, PlatformExternal: p.External != nil,
	} {
		if is {
			set = append(set, name)
		}
	}
	switch len(set) {
	case 0:
		k.Required("set one of %s", strings.Join(PlatformNames(), ", "))
	case 1:
	default:
		k.Invalid(p.Name(), "only one platform may be set")
		k.Break() // what each of them says does not matter yet
		return
	}
	if v := k.Config.VIPs(); v != nil {
		v.check(k, k.Child(p.Name()))
	}
}

// NonePlatform is machines that the user makes.
type NonePlatform struct{}

// Kinds of cloud controller manager on platform external.
const (
	CloudControllerNone     = ""
	CloudControllerExternal = "External"
)

// ExternalPlatform is machines on a platform of which only the name is known.
type ExternalPlatform struct {
	// PlatformName is the name of the platform, for people to read. Default:
	// Unknown.
	PlatformName string `json:"platformName,omitempty" default:"Unknown"`
	// CloudControllerManager says whether you add a cloud controller manager, which
	// the nodes then wait for. Default: none. External, or empty.
	CloudControllerManager string `json:"cloudControllerManager,omitempty" enum:"External"`
}

// Kinds of load balancer.
const (
	LoadBalancerManaged     = "OpenShiftManagedDefault"
	LoadBalancerUserManaged = "UserManaged"
)

// LoadBalancer says who balances API and routes.
type LoadBalancer struct {
	// Type is the kind of load balancer: one that the nodes run, or yours. Default:
	// OpenShiftManagedDefault. One of OpenShiftManagedDefault, UserManaged; with
	// UserManaged the virtual addresses are those of your load balancer, may be
	// equal, and may be outside of machineNetwork.
	Type string `json:"type,omitempty" enum:"OpenShiftManagedDefault,UserManaged" refuse:"Invalid"`
}

// Kind is the kind of load balancer, also where the file says nothing of it.
func (l *LoadBalancer) Kind() string {
	if l == nil || l.Type == "" {
		return LoadBalancerManaged
	}
	return l.Type
}

// SetDefaults implements Defaulter.
func (p *ExternalPlatform) SetDefaults(*InstallConfig, Options) {
	p.PlatformName = cmp.Or(p.PlatformName, externalUnknown)
}

const externalUnknown = "Unknown"

// Validate implements Validator.
func (p *ExternalPlatform) Validate(k Check) {
	// Inside, a cluster on oVirt is one on bare metal, so only this platform counts
	// as a cloud.
	k.RequireCapability(configv1.ClusterVersionCapabilityCloudCredential, "platform external needs it")
	if p.CloudControllerManager == CloudControllerExternal {
		k.RequireCapability(configv1.ClusterVersionCapabilityCloudControllerManager,
			"platform.external.cloudControllerManager is External")
	}
}
