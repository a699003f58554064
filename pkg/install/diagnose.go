package install

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// diagnoseBudget bounds the look at a cluster that did not get complete: by then
// somebody has waited long enough.
const diagnoseBudget = 20 * time.Second

// shownPods bounds how many reasons for which pods do not start are listed.
const shownPods = 5

// diagnosed says, after a wait for a cluster has failed, all that keeps the
// cluster from being complete, with where to look, and returns the failure.
func (a *App) diagnosed(ctx context.Context, api *kube.Client, failure error) error {
	var failed *phase.Failed
	if errors.Is(failure, ErrInterrupted) || !errors.As(failure, &failed) {
		return failure
	}
	switch failed.Phase {
	case PhaseAPIAnswers, PhaseBootstrapComplete, PhaseNodesJoined, PhaseClusterComplete:
	default:
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseBudget)
	defer cancel()
	d := diagnosis{app: a, api: api, hinted: map[string]bool{}}
	d.look(ctx)
	return failure
}

// diagnosis tells what is wrong, each hint once.
type diagnosis struct {
	app    *App
	api    *kube.Client
	hinted map[string]bool
}

func (d *diagnosis) look(ctx context.Context) {
	w := &rollout.Watcher{API: d.api, Clock: d.app.Clock, Sink: event.Discard}
	conditions, err := w.Abnormal(ctx)
	if err != nil && !kube.NotFound(err) {
		// The failure names the cause already, unless the API has just gone away.
		event.Debug(d.app.Sink, "look for the cause: "+kube.Cause(err))
		return
	}
	for _, c := range conditions {
		if c.Severe() {
			d.problem(c.String())
		} else {
			event.Info(d.app.Sink, c.String())
		}
	}
	hosts := &handoff.Watcher{API: d.api, Clock: d.app.Clock, Sink: event.Discard}
	d.all(hosts.Unready(ctx))
	pending, err := hosts.Pending(ctx)
	d.all(pending, err)
	if len(pending) > 0 {
		d.hint("nodes cannot join before their requests are approved; where the machines are yours, `" + d.app.command("wait-for install-complete") + " --approve-csrs` does it")
	}
	pods, err := w.StuckPods(ctx)
	d.all(pods[:min(len(pods), shownPods)], err)
	d.routes(ctx)
}

func (d *diagnosis) all(problems []string, err error) {
	if err != nil {
		event.Debug(d.app.Sink, "look for the cause: "+kube.Cause(err))
	}
	for _, p := range problems {
		d.problem(p)
	}
}

func (d *diagnosis) problem(text string) {
	event.Error(d.app.Sink, oneLine(text))
	d.hint(rollout.Hint(text))
}

func (d *diagnosis) hint(text string) {
	if text != "" && !d.hinted[text] {
		d.hinted[text] = true
		event.Warn(d.app.Sink, "Hint: "+text)
	}
}

// routes looks from here whether the names of routes lead anywhere: who runs the
// installer is a user of the cluster.
func (d *diagnosis) routes(ctx context.Context) {
	u, err := url.Parse(d.api.URL())
	if err != nil {
		return
	}
	domain, isAPI := strings.CutPrefix(u.Hostname(), "api.")
	if !isAPI {
		return
	}
	host := "console-openshift-console.apps." + domain
	_, err = lookup(ctx, host)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		d.problem("DNS has no address for " + host + ", nor for the other routes of the cluster")
		d.hint("make a record for *.apps." + domain + " that leads to the ingress load balancer or its virtual address")
	}
}
