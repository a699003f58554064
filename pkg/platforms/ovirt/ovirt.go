// Package ovirt is the platform ovirt, on which the installer makes VMs.
package ovirt

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/assets/manifests"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/machines"
	provider "github.com/okd-install/okd-install/pkg/machines/ovirt"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
	"github.com/okd-install/okd-install/pkg/types/agent"
)

// Assets is what is generated for clusters on oVirt.
func Assets() assets.Platform {
	return assets.Platform{
		Kind: config.Kind(),
		// From 4.14 on no component serves oVirt any more, and its image registry would
		// wait forever for a storage class. BareMetal without a Provisioning object gives
		// what the nodes need: virtual addresses, load balancing and DNS.
		Cluster:      manifests.OnPrem,
		Metadata:     metadata,
		VirtualNodes: true,
	}
}

// metadataOf is the reference's.
type metadataOf struct {
	ClusterID      string `json:"cluster_id"`
	RemoveTemplate bool   `json:"remove_template"`
}

func metadata(c *types.InstallConfig, m assets.MetadataInputs) any {
	return metadataOf{ClusterID: config.Of(c).ClusterID, RemoveTemplate: !m.KeepOSTemplate}
}

// poll is how often commands look at what the engine does.
const poll = time.Second

// Machines are virtual machines that the installer makes.
func Machines() machines.Platform {
	return machines.Platform{
		Name: config.Name, VirtualAddresses: true, Stream: "openstack",
		Permissions: "docs/user/ovirt-ipi.md lists the roles that the engine's user needs",
		Plan:        planOf, Connect: connect, Joins: join(),
	}
}

func planOf(c assets.Cluster, image plan.Image) (plan.Plan, error) {
	bootstrap, err := c.ProvisionedBootstrap()
	if err != nil {
		return plan.Plan{}, err
	}
	ign := provider.Ignitions{provider.BootstrapName(c.InfraID): bootstrap}
	for _, m := range c.Machines {
		ign[m.Name] = m.Ignition
	}
	p, err := provider.Plan(c.Config, c.InfraID, image, ign)
	p.Provide = machines.Names(c.Config)
	return p, err
}

func connect(ctx context.Context, a machines.Access) (machines.Connection, error) {
	deps, err := dial(ctx, a)
	if err != nil {
		return nil, err
	}
	return func(sink event.Sink, fetch machines.Fetch) machines.Provider {
		return provider.New(deps(sink, fetch))
	}, nil
}

// join makes machines that join a cluster on any platform.
func join() *machines.Joins {
	return &machines.Joins{
		Takes: func(h agent.NodeHost) bool { return h.OVirt != nil }, ByUUID: true,
		Plan: provider.JoinPlan,
		Connect: func(ctx context.Context, a machines.Access, j machines.Joining) (machines.JoiningConnection, error) {
			deps, err := dial(ctx, a)
			if err != nil {
				return nil, err
			}
			joiner := provider.Joiners(j)
			return func(sink event.Sink, fetch machines.Fetch) machines.Joiner { return joiner(deps(sink, fetch)) }, nil
		},
	}
}

// dial logs in.
func dial(ctx context.Context, a machines.Access) (func(event.Sink, machines.Fetch) provider.Deps, error) {
	cfg, err := login(a)
	if err != nil {
		return nil, exit.With(exit.Other, "write the login of the engine to that file, or name another one with "+
			"OVIRT_CONFIG; docs/user/ovirt-ipi.md shows one", err)
	}
	a.Hide(cfg.Password)
	a.Hide(secret.InURL(cfg.URL)...)
	log := slog.New(event.Handler(a.Sink))
	where := secret.URL(cfg.URL)
	event.ProgressOf(a.Sink, "logging in to the engine at "+where) // tried for seconds if nothing answers
	engine, err := api.Dial(ctx, cfg, api.Options{Clock: a.Clock, Log: log, Poll: poll})
	if err != nil {
		return nil, unconnected(where, err)
	}
	return func(sink event.Sink, fetch machines.Fetch) provider.Deps {
		return provider.Deps{
			Engine: engine, Clock: a.Clock, Events: sink, Log: log, Fetch: fetch, Poll: poll,
			DeleteForeignDisks: a.DeleteForeignDisks, TakeRunning: a.TakeRunning,
		}
	}, nil
}

// login is the one that was just asked for, or the one that is kept.
func login(a machines.Access) (api.Config, error) {
	if a.Login != nil {
		return api.ParseConfig(a.Login)
	}
	return api.LoadConfig(api.ConfigPath(a.Getenv))
}

// unconnected says which engine it was.
func unconnected(where string, err error) error {
	next := cmp.Or(exit.Next(err), "check ovirt_url in ovirt-config.yaml")
	return exit.New(next, "engine %s: %w", where, err)
}
