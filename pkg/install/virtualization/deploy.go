package virtualization

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	stack "github.com/okd-install/okd-install/pkg/virtualization"
)

// Deploy is the command virtualization deploy: the phase of that name, alone.
func Deploy(ctx context.Context, e *install.Env, o Options) (err error) {
	started := e.Clock.Now()
	api, err := agent.DialNodes(e, o.Kubeconfig)
	if err != nil {
		return err
	}
	opening, err := e.OfAnyKind(install.Opening{})
	if err != nil {
		return err
	}
	inst, err := e.Open(opening)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	v, known, err := o.fromAssets(ctx, e, api, inst)
	if err == nil && !known {
		var notes []string
		v, notes, err = o.fromCluster(ctx, e, api)
		for _, line := range notes {
			event.Warn(e.Sink, line)
		}
	}
	if err != nil {
		return err
	}
	event.Info(e.Sink, "Deploying virtualization at "+api.URL())
	journal := e.Journal()
	defer func() { journal.End(e.Clock.Now(), err) }()
	step := steps.Virtualization{
		Cluster: steps.Cluster{Env: e, API: api}, Again: o.typed(e, "virtualization test"),
		Stack: func(context.Context, event.Sink) (*stack.Deployer, *virtualization.Config, error) {
			return Deployer(e, api, v, o.Timeout), v.Config, nil
		},
	}
	runner := e.Runner(journal, o.Timeout)
	runner.Typed = func(command string) string { return o.typed(e, command) }
	if err := runner.Run(ctx, []phase.Step{{Phase: phases.Virtualization, Run: step.Run}}); err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// typed is a command for the same cluster.
func (o Options) typed(e *install.Env, command string) string {
	text := e.Typed(command)
	if o.Kubeconfig != "" {
		text += " --kubeconfig " + o.Kubeconfig
	}
	if o.Config != "" && command != "virtualization test" {
		text += " --config " + o.Config
	}
	return text
}

// Status is the command virtualization status: the stack as it is now. It changes nothing, and needs no lock: it can
// look while another process deploys.
func Status(ctx context.Context, e *install.Env, o Options) (stack.Status, error) {
	api, err := agent.DialNodes(e, o.Kubeconfig)
	if err != nil {
		return stack.Status{}, err
	}
	v, _, err := o.fromCluster(ctx, e, api)
	if err != nil {
		return stack.Status{}, err
	}
	return Deployer(e, api, v, 0).Status(ctx)
}

// Remove is the command virtualization remove: it takes away what was deployed. What is ours is seen in the cluster, so
// that a file with a mistake does not matter: it is only needed for kinds that this installer does not know.
func Remove(ctx context.Context, e *install.Env, o Options) (err error) {
	started := e.Clock.Now()
	api, err := agent.DialNodes(e, o.Kubeconfig)
	if err != nil {
		return err
	}
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	v, _, err := o.fromCluster(ctx, e, api)
	if err != nil {
		event.Warn(e.Sink, "Only objects of the usual kinds are looked for, because what was to be deployed is not known: "+
			err.Error())
	}
	event.Info(e.Sink, "Removing virtualization at "+api.URL())
	d := Deployer(e, api, v, 0)
	d.Limit = o.Timeout
	if err := d.Remove(ctx); err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// WriteStatus writes the state for a person.
func WriteStatus(w io.Writer, s stack.Status) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, p := range s.Parts {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Step, p.Name, p.State, p.Why)
	}
	state := "Virtualization is ready"
	if !s.Ready {
		state = "Virtualization is not ready"
	}
	_, err := fmt.Fprintln(w, state)
	return errors.Join(err, t.Flush())
}
