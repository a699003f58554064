package install

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
)

// askLimit is how long the API is asked whether the masters have taken over,
// where nothing else says. --timeout does not change it.
const askLimit = 15 * time.Second

// evidence is what state and platform know of a cluster.
func (a *App) evidence(ctx context.Context, p machines.Provider, infraID string, past assets.Past) handoff.Evidence {
	event.ProgressOf(a.Sink, "looking for cluster "+infraID+" on the platform")
	e := handoff.Evidence{Started: past.Started, Marked: past.HandedOver}
	if e.Record, e.Platform = p.Recorded(ctx, infraID); e.Platform == nil {
		e.Machines, e.Platform = p.Machines(ctx, infraID)
	}
	return e
}

// judge says whether the masters have taken over. It asks the API where that
// can make a difference, and then the user's word.
func (a *App) judge(ctx context.Context, e handoff.Evidence, api *kube.Client, noAPI error) (handoff.Verdict, error) {
	switch {
	case e.Settled():
	case api == nil:
		e.API = handoff.API{Asked: true, Silent: noAPI}
	default:
		limit := askLimit
		if e.Judge().Answer != handoff.Unknown {
			limit = 0 // silence would decide nothing
		}
		var err error
		if e.API, err = a.watcher(api).Ask(ctx, limit); err != nil {
			return handoff.Verdict{}, err
		}
	}
	v, err := e.Judge().With(a.Options.HandedOver)
	if err != nil {
		return v, exit.With(exit.Unproved, "run the same command again without --handed-over", err)
	}
	if v.Told {
		event.Warn(a.Sink, "Nothing proves whether the masters have taken over; going on because "+v.Why)
	}
	return v, nil
}

// unproved stops a run that may harm a cluster of which nobody knows whether it
// lives.
func (a *App) unproved(infraID string, v handoff.Verdict) error {
	return stopped("make what is named above answer and run the same command again; if you know the answer, say "+
		"--handed-over=yes (the masters have taken over: nothing is made any more) or "+
		"--handed-over=no (they never have: the bootstrap goes on)",
		"whether the masters of cluster %s have taken over is not known: %s", infraID, v.Why)
}

// decide finds out, before the run changes anything, whether there is a cluster
// that it could harm.
func (c *creation) decide(ctx context.Context) error {
	if c.platform.byHand {
		return nil // nothing is made there
	}
	v, err := c.app.judge(ctx, c.evidence, c.api, nil)
	if err != nil {
		return err
	}
	if v.Answer == handoff.Unknown {
		return c.app.unproved(c.cluster.InfraID, v)
	}
	c.verdict = v
	return nil
}

// handedOver says whether the masters have taken over, so that nothing of the
// bootstrap is needed any more and must not be made again.
func (c *creation) handedOver(context.Context) (bool, error) {
	return c.verdict.Answer == handoff.Yes, nil
}

// provedHandedOver does not take anybody's word for it.
func (c *creation) provedHandedOver(context.Context) (bool, error) {
	return c.verdict.Answer == handoff.Yes && !c.verdict.Told, nil
}

// handOver keeps the proof that the masters have taken over: in the state, and
// on the platform for those who have lost the state.
func (c *creation) handOver(ctx context.Context) error {
	if err := c.assets.MarkHandedOver(); err != nil {
		return err
	}
	cfg := c.cluster.Config
	err := c.provider(c.app.Sink).Record(ctx, machines.Record{
		InfraID: c.cluster.InfraID, Progress: machines.HandedOver, Domain: cfg.ClusterDomain(), APIVIPs: cfg.APIVIPs(),
	})
	if err != nil {
		return err
	}
	c.verdict = handoff.Verdict{Answer: handoff.Yes, Recorded: true, Why: "this run has proved it"}
	return nil
}

// keepProof completes what an earlier run may have recorded in one place only.
func (c *creation) keepProof(ctx context.Context) error {
	if done, _ := c.provedHandedOver(ctx); !done {
		return nil
	}
	event.Info(c.app.Sink, "The masters have taken over: "+c.verdict.Why)
	return c.handOver(ctx)
}

// infrastructure makes the cluster's machines. Beside masters that have taken
// over nothing is made or started: an etcd that lost a member must not get an
// empty one of the same name.
func (c *creation) infrastructure(ctx context.Context, sink event.Sink) error {
	if done, _ := c.handedOver(ctx); !done {
		return c.apply(plan.StageInfrastructure)(ctx, sink)
	}
	if err := c.assets.MarkStarted(); err != nil {
		return err
	}
	have := map[string]machines.Machine{}
	for _, m := range c.evidence.Machines {
		have[m.Name] = m
	}
	for _, name := range c.nodes() {
		m, there := have[name]
		switch {
		case !there:
			event.Warn(sink, "Machine "+name+" is missing, and is not made anew beside a control plane that runs: "+
				"restore it on the platform, or replace the node by the means of the cluster, its etcd member first")
		case !m.Runs:
			event.Warn(sink, "Machine "+name+" is "+m.Status+": start it on the platform")
		}
	}
	return nil
}

// served is why nothing is made for a cluster whose masters have taken over.
func (c *creation) served() string {
	return "The masters have taken over (" + c.verdict.Why +
		"): of the image and the bootstrap host nothing is needed any more, " +
		"and no machine is made anew beside the control plane"
}

// DestroyBootstrap removes the bootstrap host, once it is proved that the
// masters have taken over or that it has never run.
func (a *App) DestroyBootstrap(ctx context.Context) error {
	lock, err := asset.Lock(a.Dir, a.locking())
	if err != nil {
		return a.classify(err)
	}
	defer func() { _ = lock.Unlock() }()
	meta, err := a.identify("")
	if err != nil {
		return err
	}
	p, err := a.connect(ctx, platformOf(meta))
	if err != nil {
		return err
	}
	v, err := a.removable(ctx, p, meta.InfraID)
	if err != nil {
		return err
	}
	provider := p.provider(a.Sink, nil)
	if v.Answer == handoff.Yes {
		// First the marks: without its bootstrap host a silent cluster could be
		// taken for one that never was.
		err := a.remember(lock, meta.InfraID)
		if err == nil {
			err = provider.Record(ctx, machines.Record{InfraID: meta.InfraID, Progress: machines.HandedOver})
		}
		if err != nil {
			return err
		}
	}
	left, err := provider.Destroy(ctx, meta.InfraID, plan.StageBootstrap)
	if err := remaining(left, err); err != nil {
		return err
	}
	if p.byHand {
		event.Info(a.Sink, "The bootstrap host of "+meta.InfraID+" is yours: take it out of the load balancer and "+
			"switch it off. This installer has made nothing that it could remove")
		return nil
	}
	event.Info(a.Sink, "Bootstrap host of "+meta.InfraID+" is gone")
	return nil
}

// removable says why the bootstrap host may be removed, or fails with why not.
func (a *App) removable(ctx context.Context, p platform, infraID string) (handoff.Verdict, error) {
	past, err := a.past(infraID)
	if err != nil {
		return handoff.Verdict{}, err
	}
	var api *kube.Client
	kubeconfig, noAPI := os.ReadFile(a.path(kubeconfigFile))
	if noAPI == nil {
		if api, err = kube.Dial(kubeconfig); err != nil {
			return handoff.Verdict{}, err
		}
	}
	v, err := a.judge(ctx, a.evidence(ctx, p.provider(event.Discard, nil), infraID, past), api, noAPI)
	switch {
	case err != nil:
		return v, err
	case v.Answer == handoff.Unknown, v.Running:
		return v, a.unproved(infraID, v)
	case v.Answer == handoff.No && !v.Untouched:
		next := a.command("wait-for bootstrap-complete") + "; `" + a.command("destroy cluster") + "` removes all of it"
		return v, exit.New(next,
			"the bootstrap host of cluster %s is still needed: %s", infraID, v.Why)
	}
	return v, nil
}

// past is what the state says of a cluster. Whoever has lost the state, or the
// key to it, has other evidence.
func (a *App) past(infraID string) (assets.Past, error) {
	key, err := a.stateKey()
	if err != nil {
		return assets.Past{}, err
	}
	past, err := assets.StoredPast(a.Dir, key, infraID)
	if unreadable := (*asset.StateError)(nil); errors.As(err, &unreadable) {
		event.Warn(a.Sink, "The state is left out of account", "err", err)
		return assets.Past{}, nil
	}
	return past, err
}

// remember marks in the state, if there is one that can be read, that the
// masters have taken over.
func (a *App) remember(lock *asset.DirLock, infraID string) error {
	key, err := a.stateKey()
	if err != nil {
		return err
	}
	err = assets.MarkHandedOver(lock, a.Dir, key, infraID, a.Clock.Now())
	if unreadable := (*asset.StateError)(nil); errors.As(err, &unreadable) {
		return nil // the platform has the mark
	}
	return err
}

// rememberOwn is remember for the cluster that the directory is of.
func (a *App) rememberOwn(lock *asset.DirLock) error {
	meta, err := a.identify("")
	if err != nil {
		return nil // of which cluster the directory is, nothing here says
	}
	return a.remember(lock, meta.InfraID)
}
