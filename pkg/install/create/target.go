package create

import (
	"context"
	"errors"
	"time"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/install/steps"
	deploying "github.com/okd-install/okd-install/pkg/install/virtualization"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
)

// target is the cluster that a command is about, as it was when the run began.
type target struct {
	assets.Cluster
	platform  machines.Platform
	providers steps.Providers
	api       *kube.Client
	evidence  handoff.Evidence
	verdict   handoff.Verdict   // whether the masters have taken over
	image     assets.AgentImage // of machines that install themselves
	// What costs time is computed when it is first needed.
	release steps.Lazy[*release.Release]
	plan    steps.Lazy[plan.Plan]
}

func (t target) nodes() (names []string) {
	for _, m := range t.Machines {
		names = append(names, m.Name)
	}
	return names
}

// started are the machines that install themselves, with the roles that they get.
func started(p machines.Platform, cfg *types.InstallConfig) (list []types.Machine) {
	roles := p.Roles(cfg)
	for _, m := range cfg.NamedMachines() {
		if role, is := roles[m.Name]; is {
			m.Role = role
			list = append(list, m)
		}
	}
	return list
}

// generator makes what a command needs.
type generator struct {
	cluster func(context.Context) (assets.Cluster, error)
	image   func(context.Context) (assets.AgentImage, error) // where machines install themselves
}

// target connects to the platform and generates what a command needs, unless refuse has a reason not to.
func (c command) target(
	ctx context.Context, inst Assets, login []byte,
	refuse func(*types.InstallConfig, machines.Platform) error, generate generator,
) (target, error) {
	var t target
	cfg, err := inst.Config(ctx)
	if err != nil {
		return t, c.Explain(err)
	}
	if t.platform, err = c.Platforms.Find(cfg.Platform.Name()); err != nil {
		return t, err
	}
	if err := refuse(cfg, t.platform); err != nil {
		return t, err
	}
	c.Hide(cfg.Secrets()...)
	if err := releases.Pin(ctx, c.Env, c.Release, inst, true); err != nil {
		return t, err
	}
	if t.platform.SelfInstalling {
		inst.RegisterHosts(t.platform.Roles(cfg))
	}
	access := c.Access()
	access.Login, access.Config = login, cfg
	if meta, err := c.Metadata(); err == nil {
		access.Metadata = meta.PlatformData
	}
	access.Media, access.TakeRunning, access.Parallel = c.Media, c.TakeRunning, c.Parallel
	connected, err := t.platform.Connect(ctx, access)
	if err != nil {
		return t, err
	}
	provider := connected(c.Sink, nil)
	drawn, evidence, err := c.claim(ctx, inst, cfg, t.platform, provider)
	if err != nil {
		return t, err
	}
	if t.platform.SelfInstalling { // what it lacks is told before a file is written
		if _, err = inst.PlanAgentImage(ctx); err != nil {
			return t, c.Explain(err)
		}
	}
	if t.Cluster, err = generate.cluster(ctx); err != nil {
		return t, c.Explain(err)
	}
	c.Hide(t.KubeadminPassword)
	if t.platform.SelfInstalling {
		if t.image, err = generate.image(ctx); err != nil {
			return t, c.Explain(err)
		}
		c.Hide(t.image.Access.Token)
	}
	if t.api, err = kube.Dial(t.Kubeconfig); err != nil {
		return t, err
	}
	if t.evidence = evidence; t.InfraID != drawn && !t.platform.ByHand && !t.platform.SelfInstalling {
		t.evidence = look(ctx, c.Sink, provider, t.InfraID, inst.Past())
	}
	if t.platform.SelfInstalling {
		t.verdict, err = c.decideSelfInstalling(ctx, t, inst.Past())
	} else {
		t.verdict, err = c.decide(ctx, t)
	}
	if err != nil {
		return t, err
	}
	return c.lazily(t, connected), nil
}

// lazily adds what is computed when it is first needed: the release, the image that machines start from, and the plan.
func (c command) lazily(t target, connected machines.Connection) target {
	t.release = steps.Once(func(ctx context.Context, sink event.Sink) (*release.Release, error) {
		return c.readRelease(ctx, sink, t.Cluster)
	})
	image := steps.Once(func(ctx context.Context, sink event.Sink) (osImage, error) {
		return c.chooseImage(ctx, sink, t.platform.Stream, t.release)
	})
	t.plan = steps.Once(func(ctx context.Context, sink event.Sink) (plan.Plan, error) {
		chosen, err := image(ctx, sink)
		if err != nil {
			return plan.Plan{}, err
		}
		return t.platform.Plan(t.Cluster, chosen.Image)
	})
	made := steps.Once(func(ctx context.Context, sink event.Sink) (string, error) {
		return agent.ISO{Program: c.AgentBinary, InMemory: true}.Make(ctx, c.Env, sink, t.image)
	})
	t.providers = func(sink event.Sink) machines.Provider {
		if t.platform.SelfInstalling {
			return connected(sink, func(ctx context.Context, image plan.Image) (out plan.Image, err error) {
				image.Path, err = made(ctx, sink)
				return image, err
			})
		}
		return connected(sink, c.fetch(sink, t.Config, image))
	}
	return t
}

// decide finds out, before the run changes anything, whether there is a cluster that it could harm.
func (c command) decide(ctx context.Context, t target) (handoff.Verdict, error) {
	if t.platform.ByHand {
		return handoff.Verdict{}, nil // nothing is made there
	}
	v, err := c.watcher(t.api).Decide(ctx, t.evidence, nil, c.HandedOver)
	if err == nil && v.Answer == handoff.Unknown {
		err = handoff.Unproved(t.InfraID, v.Why)
	}
	return v, err
}

// refuse is why create cluster cannot create the machines of a cluster.
func (c command) refuse(cfg *types.InstallConfig, p machines.Platform) error {
	switch {
	case cfg.BootstrapInPlace != nil:
		return exit.New(c.Typed("create single-node-ignition-config")+", and boot the machine with it; "+
			"docs/user/upi.md has the whole way",
			"create cluster cannot install in place (bootstrapInPlace): the one machine is yours to boot")
	case p.SelfInstalling && len(started(p, cfg)) < cfg.Masters()+cfg.Arbiters()+cfg.Workers():
		return exit.New("add hosts with their BMCs to platform."+p.Name+".hosts, or boot the hosts yourself: "+
			c.Typed("agent create image")+" makes an image for that",
			"create cluster starts all hosts through their BMCs: %d are needed, and install-config.yaml names %d for "+
				"their roles", cfg.Masters()+cfg.Arbiters()+cfg.Workers(), len(started(p, cfg)))
	case p.Refusal.Text != "":
		return exit.With(exit.Other, p.Refusal.Next.In(c.Typed), errors.New(p.Refusal.Text))
	}
	return nil
}

// lookBudget bounds the look at the platform after an interruption: the user waits for the prompt.
const lookBudget = 15 * time.Second

// existing names what there is of the cluster on its platform.
func (t target) existing(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookBudget)
	defer cancel()
	p, err := t.plan(ctx, event.Discard)
	if err != nil {
		return nil // without a plan nothing was made
	}
	diff, err := t.providers(event.Discard).Diff(ctx, p)
	if err != nil {
		return []string{"unknown: the platform does not say"}
	}
	var out []string
	add := func(kind plan.Kind, name string) { out = append(out, string(kind)+" "+name) }
	for _, o := range diff.Match {
		if !o.Existing && o.Until == "" && o.Kind != plan.KindMedium { // temporary objects may be gone already
			add(o.Kind, o.Name)
		}
	}
	for _, o := range diff.Differ {
		add(o.Object.Kind, o.Object.Name)
	}
	for _, o := range diff.Destroy {
		add(o.Kind, o.Name)
	}
	return out
}

// Assets are what an installation is generated from and kept in, as *assets.Installer.
type Assets interface {
	releases.Assets
	Config(ctx context.Context) (*types.InstallConfig, error)
	// DrawnInfraID is the infrastructure ID that an earlier run has drawn, or empty.
	DrawnInfraID() (string, error)
	Past() assets.Past
	// Cluster generates what a cluster is created with. Plan does so and writes nothing but the state.
	Cluster(ctx context.Context) (assets.Cluster, error)
	Plan(ctx context.Context) (assets.Cluster, error)
	// Virtualization is what is deployed to run VMs, as the files say now.
	deploying.Assets
	// RegisterHosts makes hosts register themselves, those that have a role. AgentImage and PlanAgentImage are what they
	// boot, as with Cluster and Plan.
	RegisterHosts(roles map[string]string)
	AgentImage(ctx context.Context) (assets.AgentImage, error)
	PlanAgentImage(ctx context.Context) (assets.AgentImage, error)
	// KnowMachines keeps the IDs of machines by their names.
	KnowMachines(ctx context.Context, ids map[string]string) error
	// KeepDisks keeps which disks machines are installed to, by their names.
	KeepDisks(disks map[string]hosts.DiskID) error
	// LeftOut are the names of the machines that the installation has gone on without; KeepLeftOut keeps them.
	LeftOut() ([]string, error)
	KeepLeftOut(names []string) error
	MarkStarted() error
	// MarkBegun keeps that machines have begun to install themselves.
	MarkBegun() error
	MarkHandedOver() error
	Close() error
}
