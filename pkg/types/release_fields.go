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

// fieldsSince are in the order of docs/dev/install-config.md.
var fieldsSince = []sinceField{
	{Number{4, 22}, Number{}, when("osImageStream", func(c *InstallConfig) bool { return c.OSImageStream != "" }), "remove it, which means the same"},
	{Number{4, 22}, Number{}, when("featureSet", func(c *InstallConfig) bool { return c.FeatureSet == "OKD" }), "remove it, which means the same"},
	{Number{5, 0}, Number{}, fencedByMAC, "write hostName"},
	{Number{5, 0}, Number{4, 22}, whenMetal("provisioningNetworkGateway", func(p *BareMetalPlatform) bool { return p.ProvisioningNetworkGateway.IsValid() }),
		"have the router announced by a DHCP server of your own, with provisioningNetwork: Unmanaged"},
	{Number{4, 22}, Number{4, 21}, whenMetal("dnsRecordsType", func(p *BareMetalPlatform) bool { return p.DNSRecordsType != "" }), "remove it"},
	{Number{5, 0}, Number{}, components(capabilityClusterAPI, capabilityCompatibility), "remove it"},
}

// deprecatedField is a field that should no longer be used.
type deprecatedField struct {
	since   Number
	used    func(c *InstallConfig) []report.Path
	instead string
}

var deprecatedSince = []deprecatedField{
	{Number{5, 0}, whenMetal("bootstrapOSImage", func(p *BareMetalPlatform) bool { return p.BootstrapOSImage != "" }), "remove it, and the release's own image is taken"},
	{Number{5, 0}, whenMetal("clusterOSImage", func(p *BareMetalPlatform) bool { return p.ClusterOSImage != "" }), "remove it, and the release's own image is taken"},
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
	{gateDNSRecords, whenMetal("dnsRecordsType", func(p *BareMetalPlatform) bool { return p.DNSRecordsType == DNSRecordsExternal })},
	{gateClusterAPI, components(capabilityClusterAPI)},
	{gateCompatibility, components(capabilityCompatibility)},
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
