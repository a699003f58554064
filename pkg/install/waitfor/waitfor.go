// Package waitfor has the wait-for commands: the waiting phases of an installation, wherever the machines come from.
package waitfor

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/diagnose"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/workdir"
)

// Options are the flags of the wait-for commands.
type Options struct {
	Timeout time.Duration // replaces every phase's budget
	// ApproveCSRs lets nodes of any name join from the machine networks, if this installer has not created the machines.
	ApproveCSRs bool
}

// Bootstrap is the command wait-for bootstrap-complete: it waits until the bootstrap host can be removed.
func Bootstrap(ctx context.Context, e *install.Env, o Options) error {
	switch agents, err := e.SelfInstalls(); {
	case err != nil:
		return err
	case agents:
		return agent.WaitForBootstrap(ctx, e, agent.WaitOptions{Timeout: o.Timeout})
	}
	started := e.Clock.Now()
	cluster, err := steps.Dial(e)
	if err != nil {
		return err
	}
	answers, complete := phases.APIAnswers, phases.BootstrapComplete
	answers.Help += " at " + cluster.API.URL()
	answers.Next, complete.Next = phases.Waiting, phases.Waiting
	err = diagnose.Phases(ctx, e, o.Timeout, cluster.API, []phase.Step{
		{Phase: answers, Run: steps.APIAnswers{Cluster: cluster}.Run},
		{Phase: complete, Run: steps.BootstrapComplete{Cluster: cluster}.Run},
	}, e.RememberOwnHandover)
	if err != nil {
		return err
	}
	event.Info(e.Sink, "It is now safe to remove the bootstrap resources")
	e.Elapsed(started)
	return nil
}

// Install is the command wait-for install-complete: it waits until the cluster has installed itself. It approves the
// certificates of machines that this installer created; of others it says which wait for the user.
func Install(ctx context.Context, e *install.Env, o Options) error {
	switch agents, err := e.SelfInstalls(); {
	case err != nil:
		return err
	case agents:
		return agent.WaitForInstall(ctx, e, agent.WaitOptions{Timeout: o.Timeout})
	}
	started := e.Clock.Now()
	cluster, err := steps.Dial(e)
	if err != nil {
		return err
	}
	a, err := approver(e, cluster.API, o.ApproveCSRs)
	if err != nil {
		return err
	}
	approving, cancel := context.WithCancel(ctx)
	defer cancel()
	password, err := e.Password()
	if err != nil {
		return err
	}
	complete := cluster.Complete(password, func() { go a.Run(approving) })
	err = diagnose.Phases(ctx, e, o.Timeout, cluster.API, []phase.Step{
		{Phase: phases.ClusterComplete, Run: complete.Run},
	}, func(*workdir.Lock) error { return nil })
	if err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// approver approves the nodes of machines that this installer created. Of others it tells the user, or lets them join.
func approver(e *install.Env, api *kube.Client, anyNode bool) (*handoff.Approver, error) {
	key, err := e.StateKey()
	if err != nil {
		return nil, err
	}
	nodes, networks, err := assets.StoredNodes(e.Dir, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, e.Explain(err)
	}
	a := &handoff.Approver{
		Watcher: &handoff.Watcher{Watcher: e.Watcher(api, e.Sink)}, Networks: networks,
	}
	switch {
	case len(nodes) > 0 && madeMachines(e):
		a.Nodes = nodes
	case anyNode && len(networks) == 0:
		return nil, exit.New("approve the requests with `oc adm certificate approve`",
			"--approve-csrs needs the machine networks, which the state in %s does not have", e.Dir)
	default:
		a.AnyNode, a.Ask = true, !anyNode
	}
	return a, nil
}

// madeMachines reports whether the installer has made the cluster's machines.
func madeMachines(e *install.Env) bool {
	cluster, err := e.Identify("")
	if err != nil {
		return false
	}
	p, err := e.Platforms.Find(cluster.Platform)
	return err == nil && !p.ByHand && !p.SelfInstalling
}
