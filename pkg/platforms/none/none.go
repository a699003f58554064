// Package none is the platform none, on which the user makes everything.
package none

import (
	"context"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/wizard"
)

// Name is the key of the platform.
const Name = "none"

// Kind is the platform, as readers of an install-config know it.
func Kind() types.PlatformKind {
	return types.PlatformKind{
		Name: Name, New: func() types.PlatformSettings { return &Platform{} },
		Help:    "is machines, DNS and load balancers that you make. It has no settings: write none: {}.",
		Fencing: true, InPlace: true, Agent: true,
	}
}

// Platform has no settings.
type Platform struct{}

// Kind implements types.PlatformSettings.
func (*Platform) Kind() types.PlatformKind { return Kind() }

// Assets is what is generated for clusters without a platform.
func Assets() assets.Platform {
	return assets.Platform{Kind: Kind(), Cluster: cluster, Agent: &assets.AgentPlatform{Type: configv1.NonePlatformType}}
}

func cluster(c *types.InstallConfig) manifests.Platform {
	return manifests.Platform{
		Spec:   configv1.PlatformSpec{Type: configv1.NonePlatformType},
		Status: configv1.PlatformStatus{Type: configv1.NonePlatformType},
		Config: c.Platform,
		// A single node is its own load balancer. It stays that when workers are added,
		// so the routers must not move to them.
		RoutersOnControlPlane: c.Masters() == 1,
	}
}

// Machines are the user's.
func Machines() machines.Platform { return upi.OwnMachines(Name) }

// Wizard asks nothing: there are no settings.
func Wizard() wizard.Platform {
	return wizard.Platform{Kind: Kind(), What: "machines that you make, with your load balancer and DNS",
		Ask: func(_ context.Context, s *wizard.Session) error {
			s.Draft.Platform.Settings = &Platform{}
			return nil
		}}
}
