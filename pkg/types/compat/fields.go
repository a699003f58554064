package compat

import (
	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// Field is a field of an install-config that depends on the release.
type Field struct {
	At   report.Path
	Used bool // the config has it, or a value of it that the rest is about

	// Since is the release since which the field is known, zero for all. Partly is
	// an older one of which only some builds know it.
	Since, Partly versions.Minor
	// Deprecated is the release since which the field should not be used, zero if it
	// may be.
	Deprecated versions.Minor
	// Instead is what to do about an unknown or deprecated field.
	Instead string
	// Gate is the feature gate that switches the field; none without a name.
	Gate Gate
}

// Platform is implemented by settings of a platform that depend on the release.
type Platform interface {
	ReleaseFields(at report.Path) []Field
}

// Gate is a feature gate, with the releases since which it is on in the previews,
// is on for all, and is deleted because the feature has become part of all. They
// are asked only where the release does not say what its gates are.
type Gate struct {
	Name                       string
	Preview, Standard, Deleted versions.Minor
}

// Feature gates that fields depend on.
var (
	Arbiter = Gate{Name: "HighlyAvailableArbiter",
		Preview: minor(4, 19), Standard: minor(4, 20), Deleted: minor(4, 22)}
	Fencing       = Gate{Name: "DualReplica", Preview: minor(4, 19), Standard: minor(4, 22)}
	DNSRecords    = Gate{Name: "OnPremDNSRecords", Preview: minor(4, 21)}
	ClusterAPI    = Gate{Name: "ClusterAPIMachineManagement", Preview: minor(5, 0)}
	Compatibility = Gate{Name: "CRDCompatibilityRequirementOperator", Preview: minor(5, 0)}
)

func minor(major, minor int64) versions.Minor { return versions.Minor{Major: major, Minor: minor} }

// meansTheSame is what to do about fields that say what holds without them.
const meansTheSame = "remove it, which means the same"

// fieldsOf are the fields of a config that depend on the release.
func fieldsOf(c *types.InstallConfig) []Field {
	root := report.Path{}
	fields := []Field{
		{At: root.Child("osImageStream"), Used: c.OSImageStream != "", Since: minor(4, 22), Instead: meansTheSame},
		{At: root.Child("featureSet"), Used: c.FeatureSet == "OKD", Since: minor(4, 22), Instead: meansTheSame},
		{At: root.Child("arbiter"), Used: c.Arbiter != nil, Gate: Arbiter},
	}
	if c.ControlPlane != nil && c.ControlPlane.Fencing != nil {
		at := root.Child("controlPlane", "fencing")
		fields = append(fields, Field{At: at, Used: true, Gate: Fencing})
		for i, cred := range c.ControlPlane.Fencing.Credentials {
			fields = append(fields, Field{At: at.Child("credentials").Index(i).Child("macAddress"),
				Used: cred.MACAddress != "", Since: minor(5, 0), Instead: "write hostName"})
		}
	}
	if c.Capabilities != nil {
		at := root.Child("capabilities", types.AdditionalCapabilities)
		gates := map[string]Gate{types.CapabilityClusterAPI: ClusterAPI, types.CapabilityCompatibility: Compatibility}
		for i, name := range c.Capabilities.AdditionalEnabledCapabilities {
			gate, used := gates[name]
			fields = append(fields, Field{At: at.Index(i), Used: used, Gate: gate, Since: minor(5, 0), Instead: "remove it"})
		}
	}
	if p, ok := c.Platform.Settings.(Platform); ok {
		fields = append(fields, p.ReleaseFields(root.Child("platform", c.Platform.Name()))...)
	}
	return fields
}
