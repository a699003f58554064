package ingress

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Commands are the programs of this package.
func Commands() []program.Command { return []program.Command{{Name: "openshift-router", Run: run}} }

func run(ctx context.Context, args []string) error {
	if err := contract.Parse(contract.Flags("openshift-router"), args); err != nil {
		return err
	}
	client, err := api.Connect("openshift-router", "")
	if err != nil {
		return err
	}
	follower, err := client.Watcher()
	if err != nil {
		return err
	}
	log := program.Logger()
	r := newRouter(log)
	w := watcher{client: client, router: r, log: log, canonical: os.Getenv("ROUTER_CANONICAL_HOSTNAME")}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		at := addresses{":80", ":443", ":1936"}
		return r.serve(ctx, at, "/etc/pki/tls/private/tls.crt", "/etc/pki/tls/private/tls.key")
	})
	g.Go(func() error {
		always := func(any, any) bool { return true }
		return api.Follow(ctx, follower, clock.Real(), []kube.Kind{kube.Routes, api.Services}, always,
			func(lists [][]any) time.Duration {
				if err := w.sync(ctx, lists[0], lists[1]); err != nil {
					log.Error("cannot take over routes", "error", err)
					// A conflict comes back as a change; anything else is tried again soon.
					return 5 * time.Second
				}
				return 0
			})
	})
	return g.Wait()
}

// watcher keeps the router's table in step and tells routes that they are admitted.
type watcher struct {
	client    *api.Client
	router    *router
	log       *slog.Logger
	canonical string // the router's own name
}

func (w watcher) sync(ctx context.Context, routeObjects, serviceObjects []any) error {
	var routes []routev1.Route
	for _, o := range routeObjects {
		r, err := api.Decoded[routev1.Route](o)
		if err != nil {
			w.log.Warn("skip a route that cannot be decoded", "error", err)
			continue
		}
		routes = append(routes, r)
	}
	services := map[string]corev1.Service{}
	for _, o := range serviceObjects {
		if s, err := api.Decoded[corev1.Service](o); err == nil {
			services[s.Namespace+"/"+s.Name] = s
		}
	}
	t, problems := build(routes, services)
	w.router.table.Store(&t)
	for i := range routes {
		r := &routes[i]
		name := r.Namespace + "/" + r.Name
		if !admit(r, w.canonical, problems[name], time.Now()) {
			continue
		}
		if err := w.client.Update(ctx, kube.Routes.Ref(r.Namespace, r.Name), "status", r); err != nil {
			return fmt.Errorf("admit route %s: %w", name, err)
		}
		w.log.Info("route", "name", name, "host", r.Spec.Host, "problem", problems[name])
	}
	return nil
}

// admit sets the route's status and reports whether that changed anything.
func admit(r *routev1.Route, canonical, problem string, now time.Time) bool {
	t := metav1.NewTime(now.UTC().Truncate(time.Second))
	c := routev1.RouteIngressCondition{
		Type: routev1.RouteAdmitted, Status: corev1.ConditionTrue, LastTransitionTime: &t,
	}
	if problem != "" {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "NotServed", problem
	}
	for i := range r.Status.Ingress {
		in := &r.Status.Ingress[i]
		if in.RouterName != "default" {
			continue
		}
		have := in.Conditions
		if in.Host == r.Spec.Host && len(have) == 1 && have[0].Status == c.Status && have[0].Message == c.Message {
			return false
		}
		in.Host, in.RouterCanonicalHostname = r.Spec.Host, canonical
		in.Conditions = []routev1.RouteIngressCondition{c}
		return true
	}
	r.Status.Ingress = append(r.Status.Ingress, routev1.RouteIngress{
		Host: r.Spec.Host, RouterName: "default", RouterCanonicalHostname: canonical,
		WildcardPolicy: r.Spec.WildcardPolicy, Conditions: []routev1.RouteIngressCondition{c},
	})
	return true
}
