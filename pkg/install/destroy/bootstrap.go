package destroy

import (
	"context"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Bootstrap is the command destroy bootstrap: it removes the bootstrap host, once it is proved that the masters have
// taken over or that it has never run.
func Bootstrap(ctx context.Context, e *install.Env, o Options) error {
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { _ = lock.Unlock() }()
	cluster, err := e.Identify("")
	if err != nil {
		return err
	}
	platform, err := e.Platforms.Find(cluster.Platform)
	if err != nil {
		return err
	}
	infraID := cluster.InfraID
	if agents, err := e.SelfInstalls(); err != nil {
		return err
	} else if agents {
		event.Info(e.Sink, "Cluster "+infraID+" has no bootstrap host of its own: the rendezvous host becomes a node. "+
			"Nothing was changed; "+e.Quoted("create cluster")+" takes the media out of the hosts, and so does "+
			e.Quoted("destroy cluster"))
		return nil
	}
	if platform.SelfInstalling { // its image was not made: the user has booted machines with Ignition configs
		return byHand(ctx, e, o, lock, infraID)
	}
	connected, err := platform.Connect(ctx, e.Access())
	if err != nil {
		return err
	}
	past, err := e.Past(infraID)
	if err != nil {
		return err
	}
	evidence := handoff.Look(ctx, e.Sink, connected(event.Discard, nil), infraID, past.Started, past.HandedOver)
	v, err := removable(ctx, e, o, evidence, infraID)
	if err != nil {
		return err
	}
	provider := connected(e.Sink, nil)
	if v.Answer == handoff.Yes {
		// First the marks: without its bootstrap host a silent cluster could be taken for one that never was.
		if err := e.RememberHandover(lock, infraID); err != nil {
			return err
		}
		if err := provider.Record(ctx, machines.Record{InfraID: infraID, Progress: machines.HandedOver}); err != nil {
			return err
		}
	}
	left, err := provider.Destroy(ctx, infraID, plan.StageBootstrap)
	if err := machines.Remaining(left, err); err != nil {
		return err
	}
	if platform.ByHand {
		sayYours(e, infraID)
		return nil
	}
	event.Info(e.Sink, "Bootstrap host of "+infraID+" is gone")
	return nil
}

func sayYours(e *install.Env, infraID string) {
	event.Info(e.Sink, "The bootstrap host of "+infraID+" is yours: take it out of the load balancer and "+
		"switch it off. This installer has made nothing that it could remove")
}

// byHand is Bootstrap for machines of the user on a platform that also starts machines itself.
func byHand(ctx context.Context, e *install.Env, o Options, lock *workdir.Lock, infraID string) error {
	past, err := e.Past(infraID)
	if err != nil {
		return err
	}
	v, err := removable(ctx, e, o, handoff.Evidence{
		Started: past.Started, Marked: past.HandedOver, Record: machines.Record{InfraID: infraID, Progress: machines.ByHand},
	}, infraID)
	if err != nil {
		return err
	}
	if v.Answer == handoff.Yes {
		if err := e.RememberHandover(lock, infraID); err != nil {
			return err
		}
	}
	sayYours(e, infraID)
	return nil
}

// removable is why the bootstrap host may be removed; its error is why not.
func removable(
	ctx context.Context, e *install.Env, o Options, evidence handoff.Evidence, infraID string,
) (handoff.Verdict, error) {
	api, missing, err := e.DialIfAny()
	if err != nil {
		return handoff.Verdict{}, err
	}
	w := &handoff.Watcher{Watcher: e.Watcher(api, e.Sink)}
	v, err := w.Decide(ctx, evidence, missing, o.HandedOver)
	switch {
	case err != nil:
		return v, err
	case v.Answer == handoff.Unknown, v.Running:
		return v, handoff.Unproved(infraID, v.Why)
	case v.Answer == handoff.No && !v.Untouched:
		return v, exit.New(e.Typed("wait-for bootstrap-complete")+"; "+e.Quoted("destroy cluster")+" removes all of it",
			"the bootstrap host of cluster %s is still needed: %s", infraID, v.Why)
	}
	return v, nil
}
