package types

import (
	"slices"

	"github.com/okd-install/okd-install/pkg/report"
)

// sinceField is a field, or a value of one, that older releases do not know.
type sinceField struct {
	since Number
	// partly is the release of which only some builds know it.
	partly  Number
	used    func(c *InstallConfig) []report.Path
	instead string // what to do about it
}

// meansTheSame is what to do about fields that say what holds without them.
const meansTheSame = "remove it, which means the same"

// fieldsSince are the fields that came with releases since the oldest supported.
var fieldsSince = []sinceField{
	{since: Number{4, 22}, instead: meansTheSame,
		used: when("osImageStream", func(c *InstallConfig) bool { return c.OSImageStream != "" })},
	{since: Number{4, 22}, instead: meansTheSame,
		used: when("featureSet", func(c *InstallConfig) bool { return c.FeatureSet == "OKD" })},
	{since: Number{5, 0}, instead: "write hostName",
		used: fencedByMAC},
	{since: Number{5, 0}, partly: Number{4, 22},
		instead: "have the router announced by a DHCP server of your own, with provisioningNetwork: Unmanaged",
		used: whenMetal("provisioningNetworkGateway",
			func(p *BareMetalPlatform) bool { return p.ProvisioningNetworkGateway.IsValid() })},
	{since: Number{4, 22}, partly: Number{4, 21}, instead: "remove it",
		used: whenMetal("dnsRecordsType", func(p *BareMetalPlatform) bool { return p.DNSRecordsType != "" })},
	{since: Number{5, 0}, instead: "remove it",
		used: components(CapabilityClusterAPI, CapabilityCompatibility)},
}

// deprecatedField is a field that should no longer be used.
type deprecatedField struct {
	since   Number
	used    func(c *InstallConfig) []report.Path
	instead string
}

const ownImage = "remove it, and the release's own image is taken"

var deprecatedSince = []deprecatedField{
	{since: Number{5, 0}, instead: ownImage,
		used: whenMetal("bootstrapOSImage", func(p *BareMetalPlatform) bool { return p.BootstrapOSImage != "" })},
	{since: Number{5, 0}, instead: ownImage,
		used: whenMetal("clusterOSImage", func(p *BareMetalPlatform) bool { return p.ClusterOSImage != "" })},
}

// Feature gates that fields depend on.
const (
	gateArbiter       = "HighlyAvailableArbiter"
	gateFencing       = "DualReplica"
	gateDNSRecords    = "OnPremDNSRecords"
	gateClusterAPI    = "ClusterAPIMachineManagement"
	gateCompatibility = "CRDCompatibilityRequirementOperator"
)

// gateAges are the releases since which a feature gate is on in the previews,
// is on for all, and is deleted because the feature has become part of all.
type gateAges struct{ preview, standard, deleted Number }

// gateHistory is asked only about releases that do not say themselves what their
// gates are.
var gateHistory = map[string]gateAges{
	gateArbiter:       {Number{4, 19}, Number{4, 20}, Number{4, 22}},
	gateFencing:       {Number{4, 19}, Number{4, 22}, Number{}},
	gateDNSRecords:    {Number{4, 21}, Number{}, Number{}},
	gateClusterAPI:    {Number{5, 0}, Number{}, Number{}},
	gateCompatibility: {Number{5, 0}, Number{}, Number{}},
}

// gatedField is a field that a feature gate switches.
type gatedField struct {
	gate string
	used func(c *InstallConfig) []report.Path
}

var gatedFields = []gatedField{
	{gateArbiter, when("arbiter", func(c *InstallConfig) bool { return c.Arbiter != nil })},
	{gateFencing, func(c *InstallConfig) []report.Path {
		if c.ControlPlane == nil || c.ControlPlane.Fencing == nil {
			return nil
		}
		return []report.Path{report.NewPath("controlPlane", "fencing")}
	}},
	{gateDNSRecords, whenMetal("dnsRecordsType",
		func(p *BareMetalPlatform) bool { return p.DNSRecordsType == DNSRecordsExternal })},
	{gateClusterAPI, components(CapabilityClusterAPI)},
	{gateCompatibility, components(CapabilityCompatibility)},
}

func when(field string, used func(c *InstallConfig) bool) func(c *InstallConfig) []report.Path {
	return func(c *InstallConfig) []report.Path {
		if !used(c) {
			return nil
		}
		return []report.Path{report.NewPath(field)}
	}
}

func whenMetal(field string, used func(p *BareMetalPlatform) bool) func(c *InstallConfig) []report.Path {
	return func(c *InstallConfig) []report.Path {
		if p := c.Platform.BareMetal; p == nil || !used(p) {
			return nil
		}
		return []report.Path{report.NewPath("platform", PlatformBareMetal, field)}
	}
}

func fencedByMAC(c *InstallConfig) (paths []report.Path) {
	if c.ControlPlane == nil || c.ControlPlane.Fencing == nil {
		return nil
	}
	at := report.NewPath("controlPlane", "fencing", "credentials")
	for i, cred := range c.ControlPlane.Fencing.Credentials {
		if cred.MACAddress != "" {
			paths = append(paths, at.Index(i).Child("macAddress"))
		}
	}
	return paths
}

// components are the places where single components are named.
func components(names ...string) func(c *InstallConfig) []report.Path {
	return func(c *InstallConfig) (paths []report.Path) {
		if c.Capabilities == nil {
			return nil
		}
		at := report.NewPath("capabilities", "additionalEnabledCapabilities")
		for i, name := range c.Capabilities.AdditionalEnabledCapabilities {
			if slices.Contains(names, name) {
				paths = append(paths, at.Index(i))
			}
		}
		return paths
	}
}
