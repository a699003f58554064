package upi

import (
	"context"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/plan"
)

// OwnMachines is a platform on which the user makes the machines.
func OwnMachines(name string) machines.Platform {
	return machines.Platform{
		Name: name, ByHand: true, Plan: plans, Connect: connect,
		Refusal: machines.Refusal{
			Text: "create cluster cannot make machines on platform " + name + ": they are yours",
			Next: phase.Hint{
				Text:     "%s, boot your machines with them, and %s; docs/user/upi.md has the whole way",
				Commands: []string{"create ignition-configs", "wait-for bootstrap-complete"},
			},
		},
	}
}

func plans(c assets.Cluster, _ plan.Image) (plan.Plan, error) {
	return Plan(c.Config, c.InfraID, Ignitions{Bootstrap: c.Bootstrap, Master: c.Master, Worker: c.Worker}), nil
}

func connect(_ context.Context, a machines.Access) (machines.Connection, error) {
	return func(event.Sink, machines.Fetch) machines.Provider { return Provider{Lookup: a.Lookup} }, nil
}
