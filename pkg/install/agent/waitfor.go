package agent

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// WaitOptions are the flags of the agent wait-for commands.
type WaitOptions struct {
	Timeout time.Duration // replaces every phase's budget
}

// logsFile has the logs of all hosts, from before the rendezvous host rebooted.
const logsFile = "agent-logs.tar"

func watch(e *install.Env) (*Installation, error) {
	key, err := e.StateKey()
	if err != nil {
		return nil, err
	}
	access, err := assets.StoredWatcher(e.Dir, key)
	var plan assets.AgentPlan
	if err == nil {
		plan, err = assets.StoredAgentPlan(e.Dir, key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.New("make the image with `"+e.Typed("agent create image")+"` and boot the hosts from "+
			"it, or name another directory with --dir", "no image for an agent-based installation was made in %s", e.Dir)
	}
	if err != nil {
		return nil, e.Explain(err)
	}
	e.Hide(access.Token)
	cluster, err := steps.Dial(e)
	if err != nil {
		return nil, err
	}
	left, err := assets.StoredLeftOut(e.Dir, key)
	if err != nil {
		return nil, err
	}
	i, err := Follow(e, Following{Access: access, Plan: plan, API: cluster.API, LeftOut: left})
	if err != nil {
		return nil, err
	}
	event.Info(e.Sink, "Waiting for the hosts to register at the rendezvous host, "+access.Rendezvous.String())
	return i, nil
}

// WaitForBootstrap is the command agent wait-for bootstrap-complete: it waits until the other
// hosts of the control plane have taken over.
func WaitForBootstrap(ctx context.Context, e *install.Env, o WaitOptions) error {
	started := e.Clock.Now()
	i, err := watch(e)
	if err != nil {
		return err
	}
	if err := i.run(ctx, o, i.bootstrap(exit.Bootstrap)); err != nil {
		return err
	}
	event.Info(e.Sink, "cluster bootstrap is complete")
	e.Elapsed(started)
	return nil
}

// WaitForInstall is the command agent wait-for install-complete: it waits until the cluster
// has installed itself, and says how to use it.
func WaitForInstall(ctx context.Context, e *install.Env, o WaitOptions) error {
	started := e.Clock.Now()
	i, err := watch(e)
	if err != nil {
		return err
	}
	password, err := e.Password()
	if err != nil {
		return err
	}
	complete := i.cluster.Complete(password, func() {})
	list := append(i.bootstrap(exit.Install),
		phase.Step{Phase: phases.NodesJoined, Run: i.Alongside(i.Nodes)},
		phase.Step{Phase: phases.ClusterComplete, Run: i.Alongside(complete.Run)})
	if err := i.run(ctx, o, list); err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// bootstrap are the phases until the control plane has taken over. Code is what the command
// exits with if one of them fails.
func (i *Installation) bootstrap(code int) []phase.Step {
	hosts, answers, complete := phases.AgentHosts, phases.APIAnswers, phases.BootstrapComplete
	answers.Help += " at " + i.cluster.API.URL()
	for _, p := range []*phase.Phase{&hosts, &answers, &complete} {
		p.ExitCode, p.Next, p.OnFailure = code, phases.AgentHosts.Next, phase.Nothing
	}
	return []phase.Step{
		{Phase: hosts, Done: i.answers, Run: i.Registered(nil)},
		{Phase: answers, Run: i.Alongside(steps.APIAnswers{Cluster: i.cluster}.Run)},
		{Phase: complete, Run: i.Alongside(steps.BootstrapComplete{Cluster: i.cluster}.Run)},
	}
}

// run goes through phases, and approves the certificates of the nodes meanwhile.
func (i *Installation) run(ctx context.Context, o WaitOptions, list []phase.Step) error {
	approving, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	background.Go(func() { i.Approver().Run(approving) })
	return diagnose.Phases(ctx, i.Env, o.Timeout, i.cluster.API, list, i.RememberOwnHandover)
}
