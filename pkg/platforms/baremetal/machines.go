package baremetal

import (
	"context"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/machines/metal"
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
)

// Machines are hosts that the installer starts through their BMCs. Without hosts, the machines are the user's.
func Machines() machines.Platform {
	own := upi.OwnMachines(config.Name)
	return machines.Platform{
		Name: config.Name, SelfInstalling: true, VirtualAddresses: true, Roles: Roles, Complete: complete, Password: password,
		Joins: joins(),
		Plan: func(c assets.Cluster, image plan.Image) (plan.Plan, error) {
			if len(config.Of(c.Config).Hosts) == 0 {
				return own.Plan(c, image)
			}
			return metal.Plan(installed(c.Config), c.InfraID, image)
		},
		Connect: func(ctx context.Context, a machines.Access) (machines.Connection, error) {
			if a.Config != nil && len(config.Of(a.Config).Hosts) == 0 {
				return own.Connect(ctx, a)
			}
			if a.Config != nil {
				a.Config = installed(a.Config)
			}
			return metal.Connect(ctx, a)
		},
	}
}
