package install

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/machines"
	machinesovirt "github.com/okd-install/okd-install/pkg/machines/ovirt"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/types"
)

// fetch gets the file of an image once it is needed.
type fetch func(context.Context, plan.Image) (plan.Image, error)

// platform is what the flow needs of the place where machines are made. This
// file is the only one that knows which platforms there are.
type platform struct {
	// plan describes what the cluster needs there.
	plan func(c assets.Cluster, image plan.Image) (plan.Plan, error)
	// provider reconciles plans; its events go to the sink.
	provider func(sink event.Sink, get fetch) machines.Provider
	// stream names the CoreOS artifact that its machines start from.
	stream string
}

// connect picks the platform and logs in to it.
func (a *App) connect(ctx context.Context, name string) (platform, error) {
	switch name {
	case types.PlatformOvirt:
		return a.connectOvirt(ctx)
	case "":
		return platform{}, errors.New("the platform is not known")
	}
	return platform{}, fmt.Errorf("platform %s: this installer makes no machines there; use the Ignition configs", name)
}

func (a *App) connectOvirt(ctx context.Context) (platform, error) {
	cfg, err := ovirt.LoadConfig(ovirt.ConfigPath(a.Getenv))
	if err != nil {
		return platform{}, &Failure{Code: ExitOther, Next: "write the login of the engine to that file, or name another one with OVIRT_CONFIG; docs/user/ovirt-ipi.md shows one", Err: err}
	}
	a.Hide(cfg.Password)
	log := slog.New(event.Handler(a.Sink))
	event.ProgressOf(a.Sink, "logging in to the engine at "+cfg.URL) // tried for seconds if nothing answers
	engine, err := ovirt.Dial(ctx, cfg, ovirt.Options{Clock: a.Clock, Log: log, Poll: pollEvery})
	if err != nil {
		return platform{}, unconnected(cfg.URL, err)
	}
	return platform{
		plan: func(c assets.Cluster, image plan.Image) (plan.Plan, error) {
			ign := machinesovirt.Ignitions{machinesovirt.BootstrapName(c.InfraID): c.Bootstrap}
			for _, m := range c.Machines {
				ign[m.Name] = m.Ignition
			}
			return machinesovirt.Plan(c.Config, c.InfraID, image, ign)
		},
		provider: func(sink event.Sink, get fetch) machines.Provider {
			return machinesovirt.New(machinesovirt.Deps{Engine: engine, Clock: a.Clock, Events: sink, Log: log, Fetch: get, Poll: pollEvery})
		},
		stream: "openstack",
	}, nil
}

// unconnected says which engine it was, and puts what the client advises where
// next steps are.
func unconnected(url string, err error) error {
	failure := &Failure{Code: ExitOther, Next: "check ovirt_url in ovirt-config.yaml", Err: fmt.Errorf("engine %s: %w", url, err)}
	var refused *ovirt.Error
	if errors.As(err, &refused) && refused.Next != "" {
		plain := *refused
		plain.Next, plain.Detail = "", strings.TrimRight(refused.Detail, ". ")
		failure.Next, failure.Err = refused.Next, fmt.Errorf("engine %s: %w", url, &plain)
	}
	return failure
}

// osImage decides which image machines start from, without fetching it.
func (c *creation) osImage() (plan.Image, osimage.Artifact, error) {
	override, err := osimage.ParseOverride(c.app.Getenv(envOSImage))
	if err != nil {
		return plan.Image{}, osimage.Artifact{}, err
	}
	if override.Template != "" {
		return plan.Image{Template: override.Template}, osimage.Artifact{}, nil
	}
	artifact := override.Artifact
	if override.IsZero() {
		if artifact, err = c.streamArtifact(); err != nil {
			return plan.Image{}, artifact, err
		}
	}
	return plan.Image{URL: artifact.URL, SHA256: artifact.SHA256, Format: "qcow2"}, artifact, nil
}

// osTemplate is the template that the user wants machines to start from.
func (a *App) osTemplate() string {
	override, err := osimage.ParseOverride(a.Getenv(envOSImage))
	if err != nil {
		return ""
	}
	return override.Template
}
