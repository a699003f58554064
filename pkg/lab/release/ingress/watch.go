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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"golang.org/x/sync/errgroup"

	"github.com/okd-install/okd-install/pkg/lab/release/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/multicall"
)

// Commands are the programs of this package.
func Commands() []multicall.Command {
	return []multicall.Command{{Name: "openshift-router", Run: run}}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected arguments %q", args)
	}
	config, err := kube.Config("")
	if err != nil {
		return err
	}
	config.Timeout = 0 // watches stay open
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make API client: %w", err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	r := newRouter(log)
	w := watcher{client: client, router: r, log: log, canonical: os.Getenv("ROUTER_CANONICAL_HOSTNAME")}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return r.serve(ctx, addresses{":80", ":443", ":1936"}, "/etc/pki/tls/private/tls.crt", "/etc/pki/tls/private/tls.key")
	})
	g.Go(func() error { return w.run(ctx) })
	return g.Wait()
}

// watcher keeps the router's table in step with Routes and Services and tells
// routes that they are admitted.
type watcher struct {
	client    dynamic.Interface
	router    *router
	log       *slog.Logger
	canonical string // the router's own name
}

var (
	routesResource   = schema.GroupVersionResource{Group: "route.openshift.io", Version: "v1", Resource: "routes"}
	servicesResource = schema.GroupVersionResource{Version: "v1", Resource: "services"}
)

func (w watcher) run(ctx context.Context) error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(w.client, 0)
	routes, services := factory.ForResource(routesResource).Informer(), factory.ForResource(servicesResource).Informer()
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, i := range []cache.SharedIndexInformer{routes, services} {
		_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { poke() },
			UpdateFunc: func(any, any) { poke() },
			DeleteFunc: func(any) { poke() },
		})
		if err != nil {
			return fmt.Errorf("watch routes: %w", err)
		}
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), routes.HasSynced, services.HasSynced) {
		return nil
	}
	for {
		if err := w.sync(ctx, routes.GetStore().List(), services.GetStore().List()); err != nil {
			w.log.Error("cannot take over routes", "error", err)
			// A conflict with the other router's write comes back as a change;
			// anything else is tried again soon.
			time.AfterFunc(5*time.Second, poke)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (w watcher) sync(ctx context.Context, routeObjects, serviceObjects []any) error {
	var routes []routev1.Route
	for _, o := range routeObjects {
		var r routev1.Route
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.(*unstructured.Unstructured).Object, &r); err != nil {
			w.log.Warn("skip a route that cannot be decoded", "error", err)
			continue
		}
		routes = append(routes, r)
	}
	services := map[string]corev1.Service{}
	for _, o := range serviceObjects {
		var s corev1.Service
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.(*unstructured.Unstructured).Object, &s); err == nil {
			services[s.Namespace+"/"+s.Name] = s
		}
	}
	t, problems := build(routes, services)
	w.router.table.Store(&t)
	for i := range routes {
		r := &routes[i]
		if !admit(r, w.canonical, problems[r.Namespace+"/"+r.Name], time.Now()) {
			continue
		}
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r)
		if err != nil {
			return fmt.Errorf("encode route %s/%s: %w", r.Namespace, r.Name, err)
		}
		u := &unstructured.Unstructured{Object: object}
		if _, err := w.client.Resource(routesResource).Namespace(r.Namespace).UpdateStatus(ctx, u, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("admit route %s/%s: %w", r.Namespace, r.Name, err)
		}
		w.log.Info("route", "name", r.Namespace+"/"+r.Name, "host", r.Spec.Host, "problem", problems[r.Namespace+"/"+r.Name])
	}
	return nil
}

// admit sets the route's status for the default router; it says whether that
// changed anything.
func admit(r *routev1.Route, canonical, problem string, now time.Time) bool {
	t := metav1.NewTime(now.UTC().Truncate(time.Second))
	c := routev1.RouteIngressCondition{Type: routev1.RouteAdmitted, Status: corev1.ConditionTrue, LastTransitionTime: &t}
	if problem != "" {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "NotServed", problem
	}
	for i := range r.Status.Ingress {
		in := &r.Status.Ingress[i]
		if in.RouterName != "default" {
			continue
		}
		if in.Host == r.Spec.Host && len(in.Conditions) == 1 && in.Conditions[0].Status == c.Status && in.Conditions[0].Message == c.Message {
			return false
		}
		in.Host, in.RouterCanonicalHostname, in.Conditions = r.Spec.Host, canonical, []routev1.RouteIngressCondition{c}
		return true
	}
	r.Status.Ingress = append(r.Status.Ingress, routev1.RouteIngress{
		Host: r.Spec.Host, RouterName: "default", RouterCanonicalHostname: canonical,
		WildcardPolicy: r.Spec.WildcardPolicy, Conditions: []routev1.RouteIngressCondition{c},
	})
	return true
}
