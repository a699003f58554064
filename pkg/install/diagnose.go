package install

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/phase"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// diagnoseBudget bounds the look at a cluster that did not get complete: by then
// somebody has waited long enough.
const diagnoseBudget = 15 * time.Second

// diagnose says, after a wait has failed, what keeps the cluster from being
// complete.
func (a *App) diagnose(ctx context.Context, api *kube.Client, failure error) {
	var failed *phase.Failed
	if errors.Is(failure, exit.ErrInterrupted) || !errors.As(failure, &failed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseBudget)
	defer cancel()
	a.complaints(ctx, api)
	r, err := analyze.Installation(ctx, analyze.Live{Dir: a.Dir, API: api, Now: a.Clock.Now()})
	a.explain(r, err, "--live --dir "+a.Dir)
}

// complaints lists what the operators of the cluster say of themselves, and
// whether the names of its routes lead anywhere from here.
func (a *App) complaints(ctx context.Context, api *kube.Client) {
	w := &rollout.Watcher{API: api, Clock: a.Clock, Sink: event.Discard}
	conditions, err := w.Abnormal(ctx)
	if err != nil {
		// The failure names the cause already, unless the API has just gone away.
		event.Debug(a.Sink, "look at the cluster operators: "+kube.Cause(err))
		return
	}
	for _, c := range conditions {
		if c.Severe() {
			event.Error(a.Sink, c.String())
		} else {
			event.Info(a.Sink, c.String())
		}
	}
	if len(conditions) > 0 {
		a.routes(ctx, api)
	}
}

// routes looks from here whether the names of routes lead anywhere: who runs the
// installer is a user of the cluster.
func (a *App) routes(ctx context.Context, api *kube.Client) {
	u, err := url.Parse(api.URL())
	if err != nil {
		return
	}
	domain, isAPI := strings.CutPrefix(u.Hostname(), "api.")
	if !isAPI {
		return
	}
	if found, err := lookUp(ctx, "console-openshift-console.apps."+domain); err == nil && len(found) == 0 {
		event.Warn(a.Sink, "DNS has no address for the routes of the cluster: make a record for *.apps."+domain+" that leads to the ingress load balancer or its virtual address")
	}
}
