package diagnose

import (
	"context"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/analyze"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/rollout"
)

// clusterBudget bounds the look at a cluster that did not get complete: by then the user has waited long enough.
const clusterBudget = 15 * time.Second

// Cluster says, after a wait has failed, what keeps the cluster from being complete.
func Cluster(ctx context.Context, e *install.Env, api *kube.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clusterBudget)
	defer cancel()
	operators(ctx, e, api)
	r, err := analyze.Installation(ctx, analyze.Live{Dir: e.Dir, API: api, Now: e.Clock.Now()})
	explain(e, r, err, "--live --dir "+e.Dir)
}

// operators lists what is wrong with operators of the cluster, and whether the names of its routes resolve.
func operators(ctx context.Context, e *install.Env, api *kube.Client) {
	w := &rollout.Watcher{Watcher: e.Watcher(api, event.Discard)}
	conditions, err := w.Abnormal(ctx)
	if err != nil {
		// The failure names the cause already, unless the API has just gone away.
		event.Debug(e.Sink, "look at the cluster operators: "+kube.Cause(err))
		return
	}
	for _, c := range conditions {
		if c.Severe() {
			event.Error(e.Sink, c.String())
		} else {
			event.Info(e.Sink, c.String())
		}
	}
	if len(conditions) > 0 {
		routes(ctx, e, hostOf(api))
	}
}

// routes checks that this machine can resolve the names of routes: who runs the installer is a user of the cluster.
func routes(ctx context.Context, e *install.Env, api string) {
	domain, isAPI := strings.CutPrefix(api, "api.")
	if !isAPI {
		return
	}
	found, err := install.LookUp(ctx, "console-openshift-console.apps."+domain)
	if err == nil && len(found) == 0 {
		event.Warn(e.Sink, "DNS has no address for the routes of the cluster: make a record for *.apps."+domain+
			" that leads to the ingress load balancer or its virtual address")
	}
}

// explain says in one line what a report comes to, and where to read more.
func explain(e *install.Env, r *analyze.Report, err error, more string) {
	if err != nil {
		event.Warn(e.Sink, "The cause could not be looked for", "err", err)
		return
	}
	r.Clean(e.Clean)
	event.Error(e.Sink, "Cause: "+r.Cause)
	if r.Next != "" {
		event.Info(e.Sink, "What to do: "+r.Next)
	}
	event.Info(e.Sink, "Findings and a timeline: "+e.Self()+" analyze "+more)
}
