package create

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/plan"
)

// selfInstalling is an installation whose machines install themselves: the agent way, with the installer at the power
// buttons.
type selfInstalling struct {
	command
	target
	inst    Assets
	follow  *agent.Installation
	booting *steps.Booting
	proof   *steps.Proof
	leftOut []string // hosts that the installation goes on without
	status  agent.Status
	noDisk  time.Time               // since when a host has no disk to be installed to
	disks   map[string]hosts.DiskID // that machines are installed to, as far as it is kept
	marked  bool                    // the state says that hosts have begun to install themselves
	// When the run began: heard, the service of the rendezvous host answered; begun, the cluster's API did.
	heard, begun bool
}

// selfInstall goes through its phases. Media are looked after whatever the end.
func (c command) selfInstall(
	ctx context.Context, inst Assets, t target, proof *steps.Proof, runner *phase.Runner, withoutVirtualization string,
) error {
	leftOut, err := inst.LeftOut()
	if err != nil {
		return err
	}
	beside, stop := context.WithCancel(ctx)
	s := &selfInstalling{command: c, target: t, inst: inst, proof: proof, leftOut: leftOut}
	s.begun = t.verdict.Answer == handoff.No && !t.verdict.Untouched && !t.verdict.Running && !t.verdict.Told
	s.booting = &steps.Booting{
		Machines: started(t.platform, t.Config), Rendezvous: t.image.RendezvousHost, Clock: c.Clock, Sink: c.Sink,
		Boot: func(ctx context.Context, sink event.Sink, name string, absent bool) error {
			return s.with(ctx, sink, func(b machines.Booter, p plan.Plan) error { return b.Boot(ctx, p, name, absent) })
		},
		Release: func(ctx context.Context, name string) error {
			return s.with(ctx, c.Sink, func(b machines.Booter, p plan.Plan) error { return b.Release(ctx, p, name) })
		},
		Withdraw: func(ctx context.Context, name string) error {
			return s.with(ctx, c.Sink, func(b machines.Booter, p plan.Plan) error { return b.Withdraw(ctx, p, name) })
		},
	}
	if !c.RequireWorkers {
		s.booting.LeaveOut = func(ctx context.Context, names []string) error { return s.follow.LeaveOut(ctx, names) }
	}
	defer s.booting.Wait()
	defer stop()
	if s.follow, err = c.following(t, s.leftOut, func(status agent.Status) { s.seen(beside, status) }); err != nil {
		return err
	}
	if t.verdict.Answer == handoff.No {
		status, err := s.follow.Status(ctx)
		if s.heard = err == nil; s.heard {
			s.seen(beside, status)
		}
	}
	if err := runner.Run(ctx, s.steps(beside, withoutVirtualization)); err != nil {
		if !exit.IsInterrupted(ctx) { // then the next run goes on with the hosts as they are
			stop()
			s.booting.TakeBack(ctx, c.Sink)
		}
		return err
	}
	s.booting.Last(ctx, s.Sink)
	s.nameLeftOut(ctx)
	return nil
}

// following prepares to ask the rendezvous host. Seen is told what it says; nil for nobody.
func (c command) following(t target, leftOut []string, seen func(agent.Status)) (*agent.Installation, error) {
	return agent.Follow(c.Env, agent.Following{
		Access: t.image.Access, Plan: t.image.Plan, API: t.api, Service: c.service, LeftOut: leftOut, Seen: seen,
	})
}

// seen takes in what the rendezvous host says. What a later run has to know is kept.
func (s *selfInstalling) seen(beside context.Context, status agent.Status) {
	s.status = status
	s.booting.Seen(beside, status)
	if !s.marked && slices.ContainsFunc(status.Hosts, agent.Begins) {
		if err := s.inst.MarkBegun(); err != nil {
			event.Warn(s.Sink, "It could not be kept that hosts have begun to install themselves", "err", err)
		} else {
			s.marked = true
		}
	}
	s.keepDisks(status)
	if !slices.Equal(status.LeftOut, s.leftOut) {
		if err := s.inst.KeepLeftOut(status.LeftOut); err != nil {
			event.Warn(s.Sink, "It could not be kept which hosts are left out", "err", err)
			return
		}
		s.leftOut = slices.Clone(status.LeftOut)
	}
}

// nameLeftOut says which hosts are not in the cluster.
func (s *selfInstalling) nameLeftOut(ctx context.Context) {
	controllers := map[string]string{}
	if p, err := s.plan(ctx, event.Discard); err == nil {
		for _, o := range p.Of(plan.KindHost) {
			if spec, is := o.Spec.(plan.Server); is {
				controllers[o.Name] = " (BMC " + spec.BMC + ")"
			}
		}
	}
	for _, name := range s.leftOut {
		event.Warn(s.Sink, fmt.Sprintf("Host %s%s is not in the cluster: %s. Add it with %s", name, controllers[name],
			cmp.Or(s.booting.Why(name), "an earlier run has left it out"), s.Quoted("nodes add")))
	}
}

// with calls what providers have for machines that install themselves.
func (s *selfInstalling) with(
	ctx context.Context, sink event.Sink, do func(machines.Booter, plan.Plan) error,
) error {
	p, err := s.plan(ctx, sink)
	if err != nil {
		return err
	}
	b, can := s.providers(sink).(machines.Booter)
	if !can {
		return fmt.Errorf("platform %s starts no machines from media", s.platform.Name)
	}
	return do(b, p)
}

// startBudget is how long nothing new may happen while hosts start: servers test their memory before they read media.
const startBudget = 30 * time.Minute

// steps is the whole installation, in order. What goes on beside the phases ends with ctx.
func (s *selfInstalling) steps(ctx context.Context, withoutVirtualization string) []phase.Step {
	over := s.verdict.Answer == handoff.Yes
	cluster := steps.Cluster{Env: s.Env, API: s.api, Incomplete: s.follow.Incomplete}
	making := steps.Machines{Plan: s.plan, Providers: s.providers, MarkStarted: s.inst.MarkStarted}
	approve := sync.OnceFunc(func() { go s.follow.Approver().Run(ctx) })
	infrastructure := phases.Infrastructure
	infrastructure.Help, infrastructure.Budget = "start the hosts from their media", startBudget
	complete := steps.BootstrapComplete{Cluster: cluster, Approve: approve, Proof: s.proof}
	return []phase.Step{
		{Phase: phases.Preflight, Done: is(over || s.begun || s.heard), Run: steps.Preflight{
			Config: s.Config, Release: s.release, Plan: s.plan, Providers: s.providers}.Run},
		{Phase: phases.Images, Done: is(over || s.begun && !s.heard), Run: making.Create(plan.StageImage)},
		{Phase: infrastructure, Done: is(over || s.begun && !s.heard), Run: s.start},
		{Phase: phases.AgentHosts, Done: is(over || s.begun && !s.heard), Run: s.follow.Registered(s.register)},
		{Phase: phases.APIAnswers, Run: s.follow.Alongside(steps.APIAnswers{
			Cluster: cluster, InfraID: s.InfraID, HandedOver: over}.Run)},
		{Phase: phases.BootstrapComplete, Done: is(s.proof.Known), Run: s.follow.Alongside(complete.Run)},
		{Phase: phases.BootstrapDestroyed, Run: s.booting.Finish},
		{Phase: phases.NodesJoined, Run: s.follow.Alongside(func(ctx context.Context, sink event.Sink) error {
			approve()
			return s.follow.Nodes(ctx, sink)
		})},
		{Phase: phases.ClusterComplete, Run: s.follow.Alongside(cluster.Complete(s.password(s.target), approve).Run)},
		s.virtualizationStep(s.inst, cluster, withoutVirtualization),
	}
}

// start starts the hosts that have not registered.
func (s *selfInstalling) start(ctx context.Context, sink event.Sink) error {
	if !s.inst.Started() {
		found, err := s.providers(sink).Machines(ctx, s.InfraID)
		if err != nil {
			return fmt.Errorf("look at the hosts: %w", err)
		}
		ids := map[string]string{}
		for _, m := range found {
			ids[m.Name] = m.ID
		}
		if err := s.inst.KnowMachines(ctx, ids); err != nil {
			return s.Explain(err)
		}
	}
	if err := s.inst.MarkStarted(); err != nil {
		return err
	}
	return s.booting.Start(ctx, sink, s.heard)
}

// decideSelfInstalling finds out whether there is a cluster that starting hosts anew could harm. The hosts themselves
// are asked, too, one by one, before each is started.
func (c command) decideSelfInstalling(ctx context.Context, t target, past assets.Past) (handoff.Verdict, error) {
	e := handoff.Evidence{Started: past.Started, Marked: past.HandedOver}
	if past.Started || past.HandedOver {
		e.Record.Progress = machines.Begun // there is no record but the state
	}
	v, err := c.watcher(t.api).Decide(ctx, e, nil, handoff.Unknown)
	if err != nil {
		return v, err
	}
	if v.Answer == handoff.Unknown {
		if v, err = c.askHosts(ctx, t, past, v); err != nil {
			return v, err
		}
	}
	if v, err = v.With(c.HandedOver); err != nil {
		return v, exit.With(exit.Unproved, "run the same command again without --handed-over", err)
	}
	if v.Answer == handoff.Unknown {
		return v, handoff.Unproved(t.InfraID, v.Why)
	}
	return v, nil
}

// askHosts judges by what else there is if the API is silent: the service of the rendezvous host, and whether the hosts
// have ever been seen to install themselves.
func (c command) askHosts(
	ctx context.Context, t target, past assets.Past, v handoff.Verdict,
) (handoff.Verdict, error) {
	follow, err := c.following(t, nil, nil)
	if err != nil {
		return v, err
	}
	const begun = "does not answer either, and the hosts have begun to install themselves"
	switch _, err := follow.Status(ctx); {
	case errors.Is(err, agent.ErrForeign):
		return v, exit.Stopped("give the hosts of this cluster other addresses, or switch off the hosts of the other "+
			"installation", "%w", err)
	case err == nil:
		return handoff.Verdict{Answer: handoff.No, Running: true, Why: "the service of the rendezvous host answers"}, nil
	}
	if past.Begun {
		v.Why += "; the rendezvous host, " + t.image.Rendezvous.String() + ", " + begun
		return v, nil
	}
	runs, err := phase.ReadJournal(c.Dir)
	if err != nil {
		v.Why += "; and how far the hosts came is not known: " + err.Error()
		return v, nil
	}
	for _, r := range phase.SinceDestroyed(runs) {
		for _, p := range r.Phases {
			if p.Name == phases.AgentHosts.Name && (p.Result == phase.Done || p.Result == phase.Already) {
				v.Why += "; the rendezvous host, " + t.image.Rendezvous.String() + ", " + begun
				return v, nil
			}
		}
	}
	return handoff.Verdict{Answer: handoff.No, Untouched: true, Why: "no host has begun to install itself"}, nil
}
