package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
)

// WaitOptions are the flags of the agent wait-for commands.
type WaitOptions struct {
	Timeout time.Duration // replaces every phase's budget
}

// logsFile has the logs of all hosts, from before the rendezvous host rebooted.
const logsFile = "agent-logs.tar"

// installation is one that is waited for.
type installation struct {
	*install.Env
	follower *follower
	cluster  steps.Cluster
	plan     assets.AgentPlan
}

func watch(e *install.Env) (installation, error) {
	key, err := e.StateKey()
	if err != nil {
		return installation{}, err
	}
	access, err := assets.StoredWatcher(e.Dir, key)
	var plan assets.AgentPlan
	if err == nil {
		plan, err = assets.StoredAgentPlan(e.Dir, key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return installation{}, exit.New("make the image with `"+e.Typed("agent create image")+"` and boot the hosts from "+
			"it, or name another directory with --dir", "no image for an agent-based installation was made in %s", e.Dir)
	}
	if err != nil {
		return installation{}, e.Explain(err)
	}
	e.Hide(access.Token)
	cluster, err := steps.Dial(e)
	if err != nil {
		return installation{}, err
	}
	f, err := newFollower(access, plan, e.Clock)
	if err != nil {
		return installation{}, fmt.Errorf("prepare to ask the rendezvous host: %w", err)
	}
	f.logs = e.Path(logsFile)
	event.Info(e.Sink, "Waiting for the hosts to register at the rendezvous host, "+access.Rendezvous.String())
	return installation{e, f, cluster, plan}, nil
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
	complete, err := i.cluster.Complete(func() {})
	if err != nil {
		return err
	}
	list := append(i.bootstrap(exit.Install),
		phase.Step{Phase: phases.NodesJoined, Run: i.follower.alongside(i.nodes)},
		phase.Step{Phase: phases.ClusterComplete, Run: i.follower.alongside(complete.Run)})
	if err := i.run(ctx, o, list); err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// bootstrap are the phases until the control plane has taken over. Code is what the command
// exits with if one of them fails.
func (i installation) bootstrap(code int) []phase.Step {
	hosts, answers, complete := phases.AgentHosts, phases.APIAnswers, phases.BootstrapComplete
	answers.Help += " at " + i.cluster.API.URL()
	for _, p := range []*phase.Phase{&hosts, &answers, &complete} {
		p.ExitCode, p.Next, p.OnFailure = code, phases.AgentHosts.Next, phase.Nothing
	}
	return []phase.Step{
		{Phase: hosts, Done: i.answers, Run: i.registered},
		{Phase: answers, Run: i.follower.alongside(steps.APIAnswers{Cluster: i.cluster}.Run)},
		{Phase: complete, Run: i.follower.alongside(steps.BootstrapComplete{Cluster: i.cluster}.Run)},
	}
}

// apiLimit is how long the API has to answer a question beside others.
const apiLimit = 5 * time.Second

// answers reports whether the cluster's API does: then the hosts are being installed, or have been.
func (i installation) answers(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	_, err := i.cluster.API.Raw(ctx, "/version", nil)
	return err == nil, nil
}

// registered waits for the hosts, or for the API if the rendezvous host has rebooted already.
func (i installation) registered(ctx context.Context, sink event.Sink) error {
	w := kube.Watcher{API: i.cluster.API, Clock: i.Clock, Sink: sink, Every: statusEvery}
	return w.Until(ctx, "the hosts", func(ctx context.Context) (string, error) {
		missing, err := i.follower.begun(ctx, sink)
		if missing == "" && err == nil {
			return "", nil
		}
		if up, _ := i.answers(ctx); up {
			return "", nil
		}
		return missing, err
	})
}

// nodes waits for all hosts to be nodes, if their names are known. If not, the cluster's
// completion has to do.
func (i installation) nodes(ctx context.Context, sink event.Sink) error {
	names := i.follower.hostnames()
	if len(names) != i.follower.required() {
		event.Warn(sink, fmt.Sprintf("The names of %d of %d hosts are known; whether all of them have joined is not "+
			"checked: see `oc get nodes`", len(names), i.follower.required()))
		return nil
	}
	return steps.NodesJoined{Cluster: i.cluster, Nodes: names, Approve: func() {}}.Run(ctx, sink)
}

// run goes through phases, and approves the certificates of the nodes meanwhile.
func (i installation) run(ctx context.Context, o WaitOptions, list []phase.Step) error {
	approving, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	approver := &handoff.Approver{
		Watcher: &handoff.Watcher{Watcher: i.Watcher(i.cluster.API, i.Sink)},
		// Which hosts there are may become known only when they register.
		More: i.follower.hostnames, Networks: i.plan.Networks,
	}
	background.Go(func() { approver.Run(approving) })
	return diagnose.Phases(ctx, i.Env, o.Timeout, i.cluster.API, list, i.RememberOwnHandover)
}
