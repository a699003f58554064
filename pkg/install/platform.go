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
	"github.com/okd-install/okd-install/pkg/machines/upi"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	metalconfig "github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/platforms/external"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/secret"
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
	// stream names the CoreOS artifact that its machines start from; empty where
	// the installer brings no image.
	stream string
	// byHand says that the machines are the user's.
	byHand bool
}

// connect picks the platform and logs in to it.
func (a *App) connect(ctx context.Context, name string) (platform, error) {
	switch name {
	case ovirtconfig.Name:
		return a.connectOvirt(ctx)
	case none.Name, external.Name, metalconfig.Name:
		return a.byHand(), nil
	case "":
		return platform{}, errors.New("the platform is not known")
	}
	return platform{}, fmt.Errorf("platform %s is none that this installer knows", name)
}

// refusal says why create cluster cannot make the machines of a cluster; nil if
// it can.
func (a *App) refusal(cfg *types.InstallConfig) error {
	name := cfg.Platform.Name()
	because := func(next, format string, args ...any) error {
		return &Failure{Code: ExitOther, Next: next, Err: fmt.Errorf(format, args...)}
	}
	const guide = "; docs/user/upi.md has the whole way"
	switch {
	case cfg.BootstrapInPlace != nil:
		return because(a.command("create single-node-ignition-config")+", and boot the machine with it"+guide,
			"create cluster cannot install in place (bootstrapInPlace): the one machine is yours to boot")
	case name == none.Name, name == external.Name:
		return because(a.command("create ignition-configs")+", boot your machines with them, and "+a.self()+" wait-for bootstrap-complete"+guide,
			"create cluster cannot make machines on platform %s: they are yours", name)
	case name == metalconfig.Name:
		return because("boot the hosts yourself with the files of `"+a.command("create ignition-configs")+"`"+guide,
			"create cluster cannot provision bare-metal hosts yet: that comes with a later version of this installer; nothing was created")
	}
	return nil
}

// platformOf says where a cluster is. A cluster on oVirt can be known by its
// infrastructure id alone. One whose metadata names no platform is on none or
// external, as metadata.json has no key for them.
func platformOf(meta assets.Metadata) string {
	switch {
	case meta.Platform != "":
		return meta.Platform
	case meta.ClusterID == "" && meta.ClusterName == "":
		return ovirtconfig.Name
	}
	return none.Name
}

// byHand is the platform on which the user makes the machines.
func (a *App) byHand() platform {
	return platform{
		byHand: true,
		plan: func(c assets.Cluster, _ plan.Image) (plan.Plan, error) {
			return upi.Plan(c.Config, c.InfraID, upi.Ignitions{Bootstrap: c.Bootstrap, Master: c.Master, Worker: c.Worker}), nil
		},
		provider: func(event.Sink, fetch) machines.Provider { return upi.Provider{Lookup: lookUp} },
	}
}

func (a *App) connectOvirt(ctx context.Context) (platform, error) {
	cfg, err := a.engineLogin()
	if err != nil {
		return platform{}, &Failure{Code: ExitOther, Next: "write the login of the engine to that file, or name another one with OVIRT_CONFIG; docs/user/ovirt-ipi.md shows one", Err: err}
	}
	a.Hide(cfg.Password)
	log := slog.New(event.Handler(a.Sink))
	a.Hide(secret.InURL(cfg.URL)...)
	where := secret.URL(cfg.URL)
	event.ProgressOf(a.Sink, "logging in to the engine at "+where) // tried for seconds if nothing answers
	engine, err := ovirt.Dial(ctx, cfg, ovirt.Options{Clock: a.Clock, Log: log, Poll: pollEvery})
	if err != nil {
		return platform{}, unconnected(where, err)
	}
	return platform{
		plan: func(c assets.Cluster, image plan.Image) (plan.Plan, error) {
			bootstrap, err := c.ProvisionedBootstrap()
			if err != nil {
				return plan.Plan{}, err
			}
			ign := machinesovirt.Ignitions{machinesovirt.BootstrapName(c.InfraID): bootstrap}
			for _, m := range c.Machines {
				ign[m.Name] = m.Ignition
			}
			p, err := machinesovirt.Plan(c.Config, c.InfraID, image, ign)
			p.Provide = upi.Records(c.Config)
			return p, err
		},
		provider: func(sink event.Sink, get fetch) machines.Provider {
			return machinesovirt.New(machinesovirt.Deps{Engine: engine, Clock: a.Clock, Events: sink, Log: log, Fetch: get, Poll: pollEvery,
				DeleteForeignDisks: a.Options.DeleteForeignDisks})
		},
		stream: "openstack",
	}, nil
}

// engineLogin is the login that was just asked for, or the one that is kept.
func (a *App) engineLogin() (ovirt.Config, error) {
	if a.entered != nil {
		return ovirt.ParseConfig(a.entered)
	}
	return ovirt.LoadConfig(ovirt.ConfigPath(a.Getenv))
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
func (c *creation) osImage(ctx context.Context) (plan.Image, osimage.Artifact, error) {
	named := c.app.Getenv(envOSImage)
	c.app.Hide(secret.InURL(named)...)
	override, err := osimage.ParseOverride(named)
	if err != nil {
		return plan.Image{}, osimage.Artifact{}, err
	}
	if override.Template != "" {
		return plan.Image{Template: override.Template}, osimage.Artifact{}, nil
	}
	artifact := override.Artifact
	if override.IsZero() {
		if _, err := c.inspect(ctx, c.app.Sink); err != nil {
			return plan.Image{}, osimage.Artifact{}, err
		}
		if artifact, err = c.streamArtifact(); err != nil {
			return plan.Image{}, artifact, err
		}
	}
	if err := artifact.Vouched(c.app.unverifiedImages()); err != nil {
		failure := &Failure{Code: ExitOther, Err: err}
		if unverified := (*osimage.UnverifiedError)(nil); errors.As(err, &unverified) {
			failure.Next = unverified.Next()
		}
		return plan.Image{}, artifact, failure
	}
	image := plan.Image{URL: artifact.Where(), SHA256: artifact.SHA256, Format: "qcow2"}
	if override.IsZero() {
		image.CPULevel = cpuLevel(artifact.Release, c.releaseRead.Version)
	}
	return image, artifact, nil
}

// cpuLevel tells what a system needs of its processor: CentOS Stream CoreOS 10,
// which releases have from 4.20 on, is built for x86-64-v3. The version of the
// boot image counts where it is known (10.0.20251103-0); a boot image of version
// 9 is replaced by the release's own system on first boot.
func cpuLevel(bootImage, release string) string {
	var major, minor int
	newer := false
	if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n == 2 {
		newer = major > 4 || major == 4 && minor >= 20
	}
	if newer || strings.HasPrefix(bootImage, "10.") {
		return machinesovirt.LevelV3
	}
	return ""
}

// unverifiedImages are the places from which the user takes an image although
// nothing vouches for it.
func (a *App) unverifiedImages() []string { return osimage.ParseAllowed(a.Getenv(osimage.AllowVar)) }

// osTemplate is the template that the user wants machines to start from.
func (a *App) osTemplate() string {
	override, err := osimage.ParseOverride(a.Getenv(envOSImage))
	if err != nil {
		return ""
	}
	return override.Template
}
