package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/osimage"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/rollout"
	"github.com/okd-install/okd-install/pkg/types"
)

// creation is one run of create cluster: what is to be made, and what it is
// made with.
type creation struct {
	app      *App
	cluster  assets.Cluster
	assets   *assets.Installer
	platform platform
	api      *kube.Client
	journal  *phase.Journal

	infra       *plan.Plan // made once the image is known
	artifact    osimage.Artifact
	releaseOnce sync.Mutex
	releaseRead *release.Release

	evidence handoff.Evidence // of the cluster, when the run began
	verdict  handoff.Verdict  // whether the masters have taken over

	approver  sync.Once
	approving context.Context // ends with the run
}

// CreateCluster goes from nothing, or from wherever an earlier run stopped, to
// a complete cluster.
func (a *App) CreateCluster(ctx context.Context) error {
	started := a.Clock.Now()
	a.doing = creating
	inst, err := a.openOrAsk(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	return a.journaled(func(j *phase.Journal) error {
		if err := a.createCluster(ctx, j, inst); err != nil {
			return err
		}
		a.elapsed(started)
		return nil
	})
}

func (a *App) createCluster(ctx context.Context, j *phase.Journal, inst *assets.Installer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := a.creation(ctx, inst, a.refusal, inst.Cluster)
	if err != nil {
		return err
	}
	c.journal, c.approving = j, ctx
	if err := c.keepProof(ctx); err != nil {
		return err
	}
	cluster := c.cluster
	skip := map[string]bool{}
	for _, name := range a.Options.Skip {
		skip[name] = true
	}
	event.Info(a.Sink, "Creating cluster "+cluster.Config.ClusterDomain()+" as "+cluster.InfraID)
	runner := a.runner(j)
	runner.Skip = skip
	err = runner.Run(ctx, c.steps())
	switch {
	case err == nil:
	case errors.Is(err, exit.ErrInterrupted):
		a.left = c.existing(ctx)
	default:
		c.afterFailure(ctx, err)
		if exit.Code(err) == exit.Infrastructure {
			// The words by which wrappers of the reference know this kind.
			err = fmt.Errorf("failed to create cluster: %w", err)
		}
	}
	return err
}

// creation generates what is needed, or finds it generated, and connects to the
// platform, unless the install-config is one to be refused.
func (a *App) creation(ctx context.Context, inst *assets.Installer, refuse func(*types.InstallConfig) error, generate func(context.Context) (assets.Cluster, error)) (*creation, error) {
	cfg, err := inst.Config(ctx)
	if err != nil {
		return nil, a.classify(err)
	}
	if err := refuse(cfg); err != nil {
		return nil, err
	}
	a.Hide(cfg.Secrets()...)
	if err := a.pinRelease(ctx, inst, true); err != nil {
		return nil, err
	}
	p, err := a.connect(ctx, cfg.Platform.Name())
	if err != nil {
		return nil, err
	}
	drawn, evidence, err := a.claim(ctx, inst, cfg, p)
	if err != nil {
		return nil, err
	}
	cluster, err := generate(ctx)
	if err != nil {
		return nil, a.classify(err)
	}
	a.Hide(cluster.KubeadminPassword)
	api, err := kube.Dial(cluster.Kubeconfig)
	if err != nil {
		return nil, err
	}
	c := &creation{app: a, assets: inst, cluster: cluster, platform: p, api: api, evidence: evidence}
	if cluster.InfraID != drawn && !p.byHand {
		c.evidence = a.evidence(ctx, c.provider(a.Sink), cluster.InfraID, inst.Past())
	}
	return c, c.decide(ctx)
}

func (c *creation) provider(sink event.Sink) machines.Provider {
	return c.platform.provider(sink, c.fetchImage(sink))
}

// machinesExist says whether an earlier run has created machines: then the
// checks that need an empty place make no sense any more.
func (c *creation) machinesExist(context.Context) (bool, error) {
	return len(c.evidence.Machines) > 0, nil
}

func (c *creation) handoff(sink event.Sink) *handoff.Watcher {
	return &handoff.Watcher{API: c.api, Clock: c.app.Clock, Sink: sink, Every: pollEvery}
}

func (c *creation) rollout(sink event.Sink) *rollout.Watcher {
	return &rollout.Watcher{API: c.api, Clock: c.app.Clock, Sink: sink, Every: pollEvery, Settle: rollout.DefaultSettle}
}

func (c *creation) apiAnswers(ctx context.Context, sink event.Sink) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over, _ := c.handedOver(ctx)
	if !over {
		c.watchBootstrap(ctx, sink)
	}
	version, err := c.handoff(sink).Answers(ctx)
	switch {
	case err != nil && over:
		// No failed bootstrap, after which people destroy and start over.
		return stopped("look why "+c.api.URL()+" cannot be reached from here, and run the same command again",
			"the masters of cluster %s have taken over, but its API does not answer: %w", c.cluster.InfraID, err)
	case err != nil:
		return err
	}
	event.Info(sink, "API "+version+" up")
	return nil
}

func (c *creation) bootstrapComplete(ctx context.Context, sink event.Sink) error {
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	c.watchBootstrap(ctx, sink)
	w := c.handoff(sink)
	background.Go(func() {
		w.Members(ctx, c.noteMember)
	})
	if err := w.BootstrapComplete(ctx); err != nil {
		return err
	}
	c.approve()
	if err := w.EtcdMoved(ctx); err != nil {
		return err
	}
	return c.handOver(ctx)
}

// noteMember keeps in the journal what happened to an etcd member, once: a run
// that goes on where another stopped sees the cluster's events again.
func (c *creation) noteMember(at time.Time, text string) bool {
	note := phase.Note{Time: at, Phase: phases.BootstrapComplete.Name, Message: text}
	if c.journal.Noted(note) {
		return false
	}
	c.journal.Note(note)
	return true
}

func (c *creation) destroyBootstrap(ctx context.Context, sink event.Sink) error {
	if proved, _ := c.provedHandedOver(ctx); !proved { // the phase that does was left out
		if err := c.prove(ctx, sink); err != nil {
			return err
		}
	}
	if err := c.gatherOnRequest(ctx); err != nil {
		return err
	}
	left, err := c.provider(sink).Destroy(ctx, c.cluster.InfraID, plan.StageBootstrap)
	return remaining(left, err)
}

// prove asks the cluster once more. The reference's promise: the bootstrap host
// is never removed before etcd has left it.
func (c *creation) prove(ctx context.Context, sink event.Sink) error {
	api, err := c.handoff(sink).Ask(ctx, askLimit)
	switch {
	case err != nil:
		return err
	case api.Silent != nil:
		return c.app.unproved(c.cluster.InfraID, handoff.Verdict{Why: api.Silence()})
	case !api.Complete:
		return errors.New("the bootstrap is not complete: its host is still needed")
	case !api.Moved:
		return errors.New("etcd still has a member on the bootstrap host; removing the host now could cost the cluster its data")
	}
	return c.handOver(ctx)
}

// gatherOnRequest makes a bundle of a bootstrap that went well, for as long as
// its host is there.
func (c *creation) gatherOnRequest(ctx context.Context) error {
	if c.app.Getenv(envGatherBootstrap) == "" {
		return nil
	}
	found, err := c.machines(ctx)
	if err != nil {
		return fmt.Errorf("look for the bootstrap host, to gather its logs: %w", err)
	}
	if slices.ContainsFunc(found, func(m machines.Machine) bool { return m.Role == "bootstrap" }) {
		c.gatherNow(ctx)
	}
	return nil
}

func (c *creation) nodesJoined(ctx context.Context, sink event.Sink) error {
	c.approve()
	return c.handoff(sink).NodesReady(ctx, c.nodes())
}

func (c *creation) nodes() []string {
	names := make([]string, len(c.cluster.Machines))
	for i, m := range c.cluster.Machines {
		names[i] = m.Name
	}
	return names
}

// approve starts the one approver of this run; it works until the run ends.
func (c *creation) approve() {
	c.approver.Do(func() {
		a := &handoff.Approver{Watcher: c.handoff(c.app.Sink), Nodes: c.nodes(), Networks: c.cluster.Config.Networking.MachineCIDRs()}
		go a.Run(c.approving)
	})
}

func (c *creation) clusterComplete(ctx context.Context, sink event.Sink) error {
	c.approve()
	return c.app.installComplete(ctx, c.rollout(sink), sink, c.cluster.KubeadminPassword)
}
