package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/kube"
)

// Status is an answer of the rendezvous host.
type Status = agent.Status

// Installation is one whose hosts register themselves, as its rendezvous host and its API tell of it.
type Installation struct {
	*install.Env
	follower *follower
	cluster  steps.Cluster
	plan     assets.AgentPlan
}

// Following is what an installation is followed with.
type Following struct {
	Access assets.WatcherAccess
	Plan   assets.AgentPlan
	API    *kube.Client
	// Service is asked in place of the rendezvous host; nil in all but tests.
	Service Service
	// LeftOut are the names of hosts that an earlier run has left out.
	LeftOut []string
	// Seen is told what the rendezvous host answers, each time; nil for nobody. It must not wait.
	Seen func(Status)
}

// Follow prepares to ask the rendezvous host.
func Follow(e *install.Env, o Following) (*Installation, error) {
	service := o.Service
	if service == nil {
		var err error
		if service, err = install.DialService(o.Access); err != nil {
			return nil, fmt.Errorf("prepare to ask the rendezvous host: %w", err)
		}
	}
	f := &follower{service: service, clock: e.Clock, plan: o.Plan, logs: e.Path(logsFile), seen: o.Seen,
		names: map[string]bool{}, left: o.LeftOut}
	for _, name := range o.Plan.Hostnames {
		f.names[name] = true
	}
	return &Installation{e, f, steps.Cluster{Env: e, API: o.API, Incomplete: f.incomplete}, o.Plan}, nil
}

// Incomplete reports whether the installation goes on without some of its hosts.
func (i *Installation) Incomplete() bool { return i.follower.incomplete() }

// apiLimit is how long the API has to answer a question beside others.
const apiLimit = 5 * time.Second

// answers reports whether the cluster's API does: then the hosts are being installed, or have been.
func (i *Installation) answers(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	_, err := i.cluster.API.Raw(ctx, "/version", nil)
	return err == nil, nil
}

// Status asks the rendezvous host once. ErrForeign is the error if it does not know this installation.
func (i *Installation) Status(ctx context.Context) (agent.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	s, err := i.follower.service.Status(ctx)
	if errors.Is(err, client.ErrRefused) {
		return s, ErrForeign
	}
	return s, err
}

// LeaveOut asks the rendezvous host to go on without workers, by their names.
func (i *Installation) LeaveOut(ctx context.Context, names []string) error {
	service, can := i.follower.service.(interface {
		LeaveOut(ctx context.Context, hosts []string) error
	})
	if !can {
		return errors.New("the rendezvous host needs all hosts")
	}
	return service.LeaveOut(ctx, names)
}

// ErrForeign says that a rendezvous host was booted from another image than that of the directory.
var ErrForeign = errors.New("the rendezvous host does not accept the token of this directory: its image is another " +
	"one, or has expired")

// Registered returns what waits for the hosts to be installed, or for the API if the rendezvous host has rebooted
// already. Meanwhile helps hosts to register, and ends the wait if it cannot; nil does nothing.
func (i *Installation) Registered(
	meanwhile func(context.Context, event.Sink) error,
) func(context.Context, event.Sink) error {
	return func(ctx context.Context, sink event.Sink) error {
		w := kube.Watcher{API: i.cluster.API, Clock: i.Clock, Sink: sink, Every: statusEvery}
		return w.Until(ctx, "the hosts", func(ctx context.Context) (string, error) {
			missing, err := i.follower.begun(ctx, sink)
			if missing == "" && err == nil {
				return "", nil
			}
			if up, _ := i.answers(ctx); up {
				return "", nil
			}
			if err == nil && meanwhile != nil {
				err = meanwhile(ctx, sink)
			}
			return missing, err
		})
	}
}

// Alongside runs the work of a phase, and says meanwhile what changes on the hosts.
func (i *Installation) Alongside(
	run func(context.Context, event.Sink) error,
) func(context.Context, event.Sink) error {
	return i.follower.alongside(run)
}

// Nodes waits for all hosts to be nodes, if their names are known. If not, the cluster's completion has to do.
func (i *Installation) Nodes(ctx context.Context, sink event.Sink) error {
	names := i.follower.hostnames()
	if len(names) != i.follower.required() {
		event.Warn(sink, fmt.Sprintf("The names of %d of %d hosts are known; whether all of them have joined is not "+
			"checked: see `oc get nodes`", len(names), i.follower.required()))
		return nil
	}
	return steps.NodesJoined{Cluster: i.cluster, Nodes: names, Approve: func() {}}.Run(ctx, sink)
}

// Approver approves the certificates of the nodes. Which hosts there are may become known only when they register.
func (i *Installation) Approver() *handoff.Approver {
	return &handoff.Approver{
		Watcher: &handoff.Watcher{Watcher: i.Watcher(i.cluster.API, i.Sink)},
		More:    i.follower.hostnames, Networks: i.plan.Networks,
	}
}
