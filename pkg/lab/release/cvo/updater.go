package cvo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

const (
	busyEvery = time.Second      // between looks while the release is coming up
	idleEvery = 10 * time.Second // between looks at operators afterwards
	resync    = 3 * time.Minute  // between full passes afterwards
	// patience is how long failures are taken for something that is still starting.
	patience = 10 * time.Minute
)

// updater brings one release to one cluster.
type updater struct {
	client  *api.Client
	payload payload
	clock   clock.Clock
	news    program.News

	pending   []api.Manifest // that the last pass could not apply
	overrides string         // for which everything was applied
	internal  string
	lastFull  time.Time
	troubled  time.Time // since when something has been missing; zero when nothing is
}

// step looks once, applies what is due and reports.
func (u *updater) step(ctx context.Context) (pause time.Duration, err error) {
	var cv configv1.ClusterVersion
	err = u.client.Get(ctx, kube.ClusterVersions.Ref("", "version"), &cv)
	if kube.NotFound(err) {
		u.news.Say("release", "waiting for ClusterVersion version")
		return busyEvery, nil
	}
	// Its status names the API's address for hosts of the cluster.
	var infra configv1.Infrastructure
	if err == nil {
		err = u.client.Get(ctx, api.Config("infrastructures").Ref("", "cluster"), &infra)
	}
	if err != nil && !kube.NotFound(err) {
		return busyEvery, err
	}
	internal := infra.Status.APIServerInternalURL
	u.plan(&cv, internal)
	g := progress{Total: len(u.payload.Manifests)}
	a := applier{api: u.client, overrides: cv.Spec.Overrides, internal: internal}
	var causes []error
	u.pending, causes = api.Pass(ctx, u.pending, a.put)
	if g.Failed = len(u.pending); g.Failed > 0 {
		g.Err = causes[0]
	}
	var operators configv1.ClusterOperatorList
	if err := u.client.List(ctx, kube.ClusterOperators, "", &operators); err != nil {
		return busyEvery, err
	}
	names := u.operatorNames()
	g.Waiting, g.Reasons = lookAtOperators(names, operators.Items)
	u.judge(&g)
	pause = busyEvery
	if g.done() {
		pause = idleEvery
	}
	return pause, u.report(ctx, &cv, len(names), g)
}

// plan decides what this pass applies: everything at first, after a change and every
// few minutes; else what failed before.
func (u *updater) plan(cv *configv1.ClusterVersion, internal string) {
	overrides := fmt.Sprintf("%+v", cv.Spec.Overrides)
	now := u.clock.Now()
	if u.lastFull.IsZero() || overrides != u.overrides || internal != u.internal || now.Sub(u.lastFull) >= resync {
		u.pending, u.overrides, u.internal, u.lastFull = u.payload.Manifests, overrides, internal, now
	}
}

// judge decides whether the release has been incomplete for too long.
func (u *updater) judge(g *progress) {
	if g.done() {
		u.troubled = time.Time{}
		u.news.Say("release", u.payload.Version+" is in place")
		return
	}
	now := u.clock.Now()
	if u.troubled.IsZero() {
		u.troubled = now
	}
	g.Lasting = now.Sub(u.troubled) > patience
	u.news.Say("release", "working towards "+u.payload.Version+", waiting on "+g.problem())
}

func (u *updater) operatorNames() []string {
	var names []string
	for _, m := range u.payload.Manifests {
		if isClusterOperator(m.Object) {
			names = append(names, m.Object.GetName())
		}
	}
	return names
}

// report writes ClusterVersion's status when it differs.
func (u *updater) report(ctx context.Context, cv *configv1.ClusterVersion, operators int, g progress) error {
	before := cv.Status.DeepCopy()
	setStatus(cv, u.payload, operators, g, u.clock.Now())
	if equality.Semantic.DeepEqual(before, &cv.Status) {
		return nil
	}
	if err := u.client.Update(ctx, kube.ClusterVersions.Ref("", cv.Name), "status", cv); err != nil {
		return fmt.Errorf("update status of ClusterVersion: %w", err)
	}
	return nil
}

// writer is what applying needs of the API server.
type writer interface {
	ApplyObject(ctx context.Context, o *unstructured.Unstructured) error
	CreateObject(ctx context.Context, o *unstructured.Unstructured) error
}

// applier brings the payload's objects to the API server.
type applier struct {
	api       writer
	overrides []configv1.ComponentOverride
	internal  string // Infrastructure's apiServerInternalURL, empty while unknown
}

func (a applier) put(ctx context.Context, o *unstructured.Unstructured) error {
	if a.unmanaged(o) {
		return nil
	}
	// Its operator writes a ClusterOperator; the payload only says that there is one.
	if isClusterOperator(o) || o.GetAnnotations()["release.openshift.io/create-only"] == "true" {
		return a.api.CreateObject(ctx, o)
	}
	o = o.DeepCopy()
	if a.internal != "" {
		if err := setServiceHost(o, a.internal); err != nil {
			return err
		}
	}
	return a.api.ApplyObject(ctx, o)
}

func isClusterOperator(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return gvk.Group == configv1.GroupName && gvk.Kind == "ClusterOperator"
}

// unmanaged reports whether spec.overrides leaves the object to the user.
func (a applier) unmanaged(o *unstructured.Unstructured) bool {
	gvk := o.GroupVersionKind()
	return slices.ContainsFunc(a.overrides, func(c configv1.ComponentOverride) bool {
		return c.Unmanaged && c.Kind == gvk.Kind && c.Group == gvk.Group &&
			c.Namespace == o.GetNamespace() && c.Name == o.GetName()
	})
}

// Where the pod template is in the kinds that have one.
var podSpecs = map[string][]string{
	"Deployment":  {"spec", "template", "spec"},
	"DaemonSet":   {"spec", "template", "spec"},
	"StatefulSet": {"spec", "template", "spec"},
	"Job":         {"spec", "template", "spec"},
	"CronJob":     {"spec", "jobTemplate", "spec", "template", "spec"},
}

// setServiceHost changes containers that name KUBERNETES_SERVICE_HOST: those pods
// run before there is a service network.
func setServiceHost(o *unstructured.Unstructured, internal string) error {
	path, ok := podSpecs[o.GetKind()]
	if !ok {
		return nil
	}
	u, err := url.Parse(internal)
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("parse internal API URL %q: %w", internal, err)
	}
	values := map[string]string{"KUBERNETES_SERVICE_HOST": u.Hostname(), "KUBERNETES_SERVICE_PORT": u.Port()}
	for _, field := range []string{"initContainers", "containers"} {
		// The list is the object's own, which is changed in place.
		list, _, _ := unstructured.NestedFieldNoCopy(o.Object, append(slices.Clone(path), field)...)
		containers, _ := list.([]any)
		for _, c := range containers {
			container, _ := c.(map[string]any)
			env, _ := container["env"].([]any)
			if !hasName(env, "KUBERNETES_SERVICE_HOST") {
				continue
			}
			for _, e := range env {
				variable, _ := e.(map[string]any)
				name, _ := variable["name"].(string)
				if v := values[name]; v != "" {
					variable["value"] = v
				}
			}
		}
	}
	return nil
}

func hasName(list []any, name string) bool {
	return slices.ContainsFunc(list, func(e any) bool {
		m, _ := e.(map[string]any)
		return m["name"] == name
	})
}
