// Package create has the commands that create something: cluster, which goes through all phases, the files on the way
// there, and the plan.
package create

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/releases"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Options are the flags of create cluster; the other commands have some of them.
type Options struct {
	install.Opening
	Release           releases.Options
	HandedOver        handoff.Answer // whether the masters have taken over, as far as the user knows
	Skip              []string       // phases to leave out
	Timeout           time.Duration  // replaces every phase's budget
	SkipPasswordPrint bool
	Virtualization    Switch // whether it is deployed; empty if the user does not say
	// Where machines install themselves:
	Media       machines.Media
	TakeRunning bool // start machines anew that are on although nothing proves that they may be
	Parallel    int  // how many machines are worked on at once; 0 is the default
	// RequireWorkers makes the installation fail without all workers.
	RequireWorkers bool
	AgentBinary    string // the program that runs on the hosts, if this one does not

	// Tests replace these.
	open    func(ctx context.Context, e *install.Env, o install.Opening) (Assets, []byte, error)
	inspect func(ctx context.Context, image string, o release.Options) (*release.Release, error)
	service agent.Service
}

// command is a run of one of the commands here.
type command struct {
	*install.Env
	Options
}

func newCommand(e *install.Env, o Options) command {
	if o.open == nil {
		o.open = func(ctx context.Context, e *install.Env, o install.Opening) (Assets, []byte, error) {
			return e.OpenOrAsk(ctx, o)
		}
	}
	if o.inspect == nil {
		o.inspect = release.Inspect
	}
	return command{e, o}
}

// Cluster is the command create cluster: from nothing, or from where an earlier run stopped, to a complete cluster.
func Cluster(ctx context.Context, e *install.Env, o Options) (err error) {
	c := newCommand(e, o)
	started := c.Clock.Now()
	var left []string
	defer func() { err = c.afterInterruption(ctx, left, err) }()
	inst, login, err := c.open(ctx, c.Env, c.Opening)
	if err != nil {
		return err
	}
	defer func() { _ = inst.Close() }()
	journal := c.Journal()
	defer func() { journal.End(c.Clock.Now(), err) }()
	unless, err := c.virtualization(ctx, inst)
	if err != nil {
		return err
	}
	t, err := c.target(ctx, inst, login, c.refuse, generator{inst.Cluster, inst.AgentImage})
	if err != nil {
		return err
	}
	journal.About(phase.Cluster{InfraID: t.InfraID, Platform: t.platform.Name})
	defer func() { c.CloseSessions(ctx, t.providers(event.Discard)) }()
	proof := c.proof(inst, t)
	if proof.Known {
		event.Info(c.Sink, "The masters have taken over: "+t.verdict.Why)
		if err := proof.Keep(ctx); err != nil { // an earlier run may have kept it in one place only
			return err
		}
	}
	event.Info(c.Sink, "Creating cluster "+t.Config.ClusterDomain()+" as "+t.InfraID)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	runner := c.Runner(journal, c.Timeout)
	runner.Skip = c.Skip
	if t.platform.SelfInstalling {
		err = c.selfInstall(ctx, inst, t, proof, runner, unless)
	} else {
		err = runner.Run(ctx, c.steps(ctx, inst, t, proof, journal, unless))
	}
	switch {
	case err == nil:
		c.Elapsed(started)
		return nil
	case errors.Is(err, exit.ErrInterrupted):
		left = t.existing(ctx)
	default:
		c.afterFailure(context.WithoutCancel(ctx), t, err) // the run's own context may have ended with it
	}
	if exit.Code(err) == exit.Infrastructure {
		// Wrappers of the reference look for these words.
		return fmt.Errorf("failed to create cluster: %w", err)
	}
	return err
}

// steps is the whole installation, in order: what each phase is given, and which of them have nothing to do. Without
// virtualization, there is a reason for that.
func (c command) steps(
	ctx context.Context, inst Assets, t target, proof *steps.Proof, journal *phase.Journal, withoutVirtualization string,
) []phase.Step {
	over := t.verdict.Answer == handoff.Yes
	cluster := steps.Cluster{Env: c.Env, API: t.api}
	making := steps.Machines{Plan: t.plan, Providers: t.providers, MarkStarted: inst.MarkStarted}
	approve := c.approver(ctx, t)
	watch := c.watch(t)
	note := func(at time.Time, text string) bool {
		return journal.NoteOnce(phase.Note{Time: at, Phase: phases.BootstrapComplete.Name, Message: text})
	}
	return []phase.Step{
		{Phase: phases.Preflight, Done: is(len(t.evidence.Machines) > 0), Run: steps.Preflight{
			Config: t.Config, Release: t.release, Plan: t.plan, Providers: t.providers}.Run},
		{Phase: phases.Images, Done: is(over), Run: making.Create(plan.StageImage)},
		{Phase: phases.Infrastructure, Run: steps.Infrastructure{
			Machines: making, HandedOver: over, Nodes: t.nodes(), Found: t.evidence.Machines}.Work()},
		{Phase: phases.BootstrapUp, Done: is(over), Run: making.Create(plan.StageBootstrap)},
		{Phase: phases.APIAnswers, Run: steps.APIAnswers{
			Cluster: cluster, InfraID: t.InfraID, HandedOver: over, Watch: watch}.Run},
		{Phase: phases.BootstrapComplete, Done: is(proof.Known), Run: steps.BootstrapComplete{
			Cluster: cluster, Watch: watch, Approve: approve, NoteMember: note, Proof: proof}.Run},
		{Phase: phases.BootstrapDestroyed, Unless: c.preserved(), Run: steps.BootstrapDestroyed{
			Cluster: cluster, InfraID: t.InfraID, Providers: t.providers, Proof: proof, Gather: c.onRequest(t)}.Run},
		{Phase: phases.NodesJoined, Run: steps.NodesJoined{
			Cluster: cluster, Nodes: t.nodes(), Approve: approve}.Run},
		{Phase: phases.ClusterComplete, Run: cluster.Complete(c.password(t), approve).Run},
		c.virtualizationStep(inst, cluster, withoutVirtualization),
	}
}

// password is what is printed of kubeadmin's.
func (c command) password(t target) secret.String {
	if c.SkipPasswordPrint {
		return secret.String{}
	}
	return t.KubeadminPassword
}

func is(done bool) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return done, nil }
}

// proof is that the masters have taken over; the user's word is none.
func (c command) proof(inst Assets, t target) *steps.Proof {
	return &steps.Proof{
		Known: t.verdict.Answer == handoff.Yes && !t.verdict.Told,
		Mark:  inst.MarkHandedOver,
		Record: func(ctx context.Context) error {
			return t.providers(c.Sink).Record(ctx, machines.Record{
				InfraID: t.InfraID, Progress: machines.HandedOver,
				Domain: t.Config.ClusterDomain(), APIVIPs: t.Config.APIVIPs(),
			})
		},
	}
}

func (c command) watcher(api *kube.Client) *handoff.Watcher {
	return &handoff.Watcher{Watcher: c.Watcher(api, c.Sink)}
}

// approver starts, when it is first called, the one approver of this run.
func (c command) approver(ctx context.Context, t target) func() {
	return sync.OnceFunc(func() {
		a := &handoff.Approver{
			Watcher: c.watcher(t.api), Nodes: t.nodes(), Networks: t.Config.Networking.MachineCIDRs(),
		}
		go a.Run(ctx)
	})
}

func (c command) preserved() string {
	if c.Getenv(install.EnvPreserveBootstrap) == "" {
		return ""
	}
	return install.EnvPreserveBootstrap + " is set: the bootstrap host stays until " + c.Quoted("destroy bootstrap")
}

// onRequest gathers a bundle of a bootstrap that went well, if the user wants one.
func (c command) onRequest(t target) func(context.Context) {
	if c.Getenv(install.EnvGatherBootstrap) == "" {
		return nil
	}
	return func(ctx context.Context) { c.bundle(ctx, t).GatherNow(ctx, c.Env) }
}

// afterFailure says in one line why it failed, and leaves behind what helps to find out more.
func (c command) afterFailure(ctx context.Context, t target, err error) {
	var failed *phase.Failed
	if !errors.As(err, &failed) {
		return
	}
	switch failed.Phase.OnFailure {
	case phase.Bundle:
		if t.verdict.Answer == handoff.Yes && failed.Phase.Name == phases.APIAnswers.Name {
			return // there is no bootstrap to look into
		}
		c.bundle(ctx, t).AfterFailure(ctx, c.Env)
	case phase.Diagnose:
		diagnose.Cluster(ctx, c.Env, t.api)
	case phase.Nothing:
	}
}

// afterInterruption says, if a signal has ended the run, what exists and how to go on.
func (c command) afterInterruption(ctx context.Context, left []string, err error) error {
	if err == nil || !exit.IsInterrupted(ctx) {
		return err
	}
	meta, unread := c.Metadata()
	if unread != nil {
		return &install.Interrupted{Err: err, Lines: []string{"Interrupted before anything was created."}}
	}
	lines := []string{
		fmt.Sprintf("Interrupted. Cluster %s is left as it is; its files are in %s.", meta.InfraID, c.Dir),
	}
	remove := "destroy cluster"
	if runs, _ := phase.ReadJournal(c.Dir); len(runs) > 0 {
		if n := len(runs[len(runs)-1].Phases); n > 0 {
			stopped := runs[len(runs)-1].Phases[n-1].Name
			lines = append(lines, "It stopped in phase "+stopped+".")
			if p, _ := phases.Find(stopped); p.Undo != "" {
				remove = p.Undo
			}
		}
	}
	if len(left) > 0 {
		lines = append(lines, "Left:    "+strings.Join(left, ", "))
	}
	return &install.Interrupted{Err: err, Lines: append(lines,
		"Go on:   "+c.Typed("create cluster"),
		"Look:    "+c.Typed("status"),
		"Remove:  "+c.Typed(remove),
	)}
}
