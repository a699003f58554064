package create

import (
	"cmp"
	"context"

	"github.com/okd-install/okd-install/pkg/bootstrap"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// hosts are the sources of host addresses. The API is not one: it comes and goes while the masters take over.
func (c command) hosts(t target) diagnose.Hosts {
	h := diagnose.Hosts{
		Named: c.Getenv(install.EnvBootstrapIP), Config: t.Config,
		Machines: func(ctx context.Context) ([]machines.Machine, error) {
			return t.providers(event.Discard).Machines(ctx, t.InfraID)
		},
	}
	if t.platform.SelfInstalling {
		h.Named = cmp.Or(h.Named, t.image.Rendezvous.String()) // it bootstraps the cluster
		for _, m := range started(t.platform, t.Config) {
			if m.Role == types.MasterPool {
				h.Planned = append(h.Planned, m.Name)
			}
		}
		return h
	}
	for _, m := range t.Machines {
		if m.Role == types.MasterPool {
			h.Planned = append(h.Planned, m.Name)
		}
	}
	return h
}

// watch tells what the bootstrap host is doing.
func (c command) watch(t target) steps.Watch {
	hosts := c.hosts(t)
	return func(ctx context.Context, sink event.Sink) {
		w := &bootstrap.Watcher{
			SSH: diagnose.BootstrapLogin(t.SSH), Clock: c.Clock, Sink: sink,
			Hosts: func(ctx context.Context) ([]string, error) {
				found := hosts.Find(ctx)
				if len(found.Bootstrap) > 0 {
					return found.Bootstrap, nil
				}
				return nil, found.Platform
			},
		}
		w.Run(ctx)
	}
}

// bundle is what a log bundle of the cluster is gathered from.
func (c command) bundle(ctx context.Context, t target) diagnose.Bundle {
	return diagnose.Bundle{
		Found: c.hosts(t).Find(ctx), API: t.api, Keys: t.SSH, SSHKey: t.Config.SSHKey,
		Secrets: []secret.String{t.KubeadminPassword},
	}
}
