package virtualization

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/steps"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/phases"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	stack "github.com/okd-install/okd-install/pkg/virtualization"
)

// Deploy is the command virtualization deploy: the phase of that name, alone.
func Deploy(ctx context.Context, e *install.Env, o Options) (err error) {
	started := e.Clock.Now()
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	d, config, err := o.deployer(ctx, e)
	if err != nil {
		return err
	}
	event.Info(e.Sink, "Deploying virtualization at "+d.API.URL())
	journal := e.Journal()
	defer func() { journal.End(e.Clock.Now(), err) }()
	step := steps.Virtualization{
		Cluster: steps.Cluster{Env: e, API: d.API}, Again: e.Typed("virtualization test") + o.flags(),
		Stack: func(context.Context, event.Sink) (*stack.Deployer, *virtualization.Config, error) {
			return d, config, nil
		},
	}
	p := phases.Virtualization
	p.Next = phase.Hint{Text: p.Next.Text, Commands: p.Next.Commands}
	err = e.Runner(journal, o.Timeout).Run(ctx, []phase.Step{{Phase: p, Run: step.Run}})
	if err != nil {
		return err
	}
	e.Elapsed(started)
	return nil
}

// flags are those that a command for the same cluster needs.
func (o Options) flags() (text string) {
	if o.Kubeconfig != "" {
		text += " --kubeconfig " + o.Kubeconfig
	}
	if o.Config != "" {
		text += " --config " + o.Config
	}
	return text
}

// Status is the command virtualization status: the stack as it is now. It changes nothing.
func Status(ctx context.Context, e *install.Env, o Options) (stack.Status, error) {
	d, _, err := o.deployer(ctx, e)
	if err != nil {
		return stack.Status{}, err
	}
	d.Sink = event.Discard
	return d.Status(ctx)
}

// Remove is the command virtualization remove: it takes away what was deployed.
func Remove(ctx context.Context, e *install.Env, o Options) (err error) {
	started := e.Clock.Now()
	lock, err := e.Lock()
	if err != nil {
		return e.Explain(err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	d, _, err := o.deployer(ctx, e)
	if err != nil {
		return err
	}
	d.Limit = o.Timeout
	event.Info(e.Sink, "Removing virtualization at "+d.API.URL())
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
