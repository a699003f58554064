// Package external is the platform external: machines that the user makes on a
// platform, and whose integration with the cluster the user adds.
package external

import (
	"cmp"
	"context"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Name is the key of the platform.
const Name = "external"

// Kind is the platform, as readers of an install-config know it.
func Kind() types.PlatformKind {
	return types.PlatformKind{
		Name: Name, New: func() types.PlatformSettings { return &Platform{} },
		Help:    "is machines that you make on a platform whose integration you add.",
		Fencing: true, InPlace: true, Agent: true,
	}
}

// Platform is machines on a platform of which only the name is known.
type Platform struct {
	// PlatformName is the name of the platform, for people to read. Default:
	// Unknown.
	PlatformName string `json:"platformName,omitempty" default:"Unknown"`
	// CloudControllerManager says whether you add a cloud controller manager, which
	// the nodes then wait for. Default: none. External, or empty.
	CloudControllerManager string `json:"cloudControllerManager,omitempty" enum:"External" orempty:"true"`
}

// CloudControllerExternal is the cloud controller manager that the user adds.
const CloudControllerExternal = "External"

const unknownName = "Unknown"

// oracleCloud is the platformName of Oracle's cloud, which works only with a cloud controller.
const oracleCloud = "oci"

// Kind implements types.PlatformSettings.
func (*Platform) Kind() types.PlatformKind { return Kind() }

// Of returns the settings of a config, nil if it is for another platform.
func Of(c *types.InstallConfig) *Platform {
	p, _ := c.Platform.Settings.(*Platform)
	return p
}

// SetDefaults implements types.Defaulter.
func (p *Platform) SetDefaults(*types.InstallConfig, types.Options) {
	p.PlatformName = cmp.Or(p.PlatformName, unknownName)
}

// Validate implements types.Validator. Inside, a cluster on oVirt is one on bare
// metal, so only this platform counts as a cloud.
func (p *Platform) Validate(k types.Check) {
	k.RequireCapability(configv1.ClusterVersionCapabilityCloudCredential, "platform external needs it")
	if p.CloudControllerManager == CloudControllerExternal {
		k.RequireCapability(configv1.ClusterVersionCapabilityCloudControllerManager,
			"platform.external.cloudControllerManager is External")
	}
	if at := k.Child("cloudControllerManager"); k.Options.Agent && p.PlatformName == oracleCloud &&
		p.CloudControllerManager != CloudControllerExternal && !at.Broken() {
		at.Invalid(p.CloudControllerManager, "must be %s on platform %s", CloudControllerExternal, oracleCloud)
	}
}

// Assets is what is generated for clusters on such a platform.
func Assets() assets.Platform {
	return assets.Platform{
		Kind: Kind(), Cluster: cluster,
		Agent: &assets.AgentPlatform{
			Type:      configv1.ExternalPlatformType,
			Overrides: func(c *types.InstallConfig, _ bool) any { return Of(c) },
		},
	}
}

func cluster(c *types.InstallConfig) manifests.Platform {
	p := Of(c)
	status := &configv1.ExternalPlatformStatus{}
	status.CloudControllerManager.State = configv1.CloudControllerManagerNone
	if p.CloudControllerManager == CloudControllerExternal {
		// Nodes stay tainted until the user's cloud controller is there.
		status.CloudControllerManager.State = configv1.CloudControllerManagerExternal
	}
	return manifests.Platform{
		Spec: configv1.PlatformSpec{
			Type: configv1.ExternalPlatformType, External: &configv1.ExternalPlatformSpec{PlatformName: p.PlatformName},
		},
		Status: configv1.PlatformStatus{Type: configv1.ExternalPlatformType, External: status},
		Config: c.Platform,
	}
}

// Machines are the user's.
func Machines() machines.Platform { return upi.OwnMachines(Name) }

// Wizard asks for the name of the platform.
func Wizard() wizard.Platform {
	return wizard.Platform{Kind: Kind(), What: "as none, on a platform with components of its own", Ask: ask}
}

func ask(ctx context.Context, s *wizard.Session) error {
	p := &Platform{}
	s.Draft.Platform.Settings = p
	return s.Text(ctx, wizard.Question{Message: "Platform Name",
		Help: "The name of the platform, as its components know it."},
		unknownName, wizard.Into(&p.PlatformName), report.NewPath("platform", Name, "platformName"))
}
